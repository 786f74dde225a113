-- Make keys, or raise the counter. KEYS: the counter, the sorted set of all keys.
-- ARGV: how many keys, separators before a member's key, a key to step over ('0' for none).
-- Gives the last key that was made, as text.

step_over(KEYS[1], KEYS[2], tonumber(ARGV[2]), ARGV[3])
if ARGV[1] ~= '0' then redis.call('INCRBY', KEYS[1], ARGV[1]) end
return redis.call('GET', KEYS[1])
