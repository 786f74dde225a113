-- Make keys, or raise the counter. KEYS: the counter, the sorted set of all keys.
-- ARGV: how many keys, separators before a member's key, a key to step over ('0' for none).
-- Gives the last key that was made, as text.

local COUNTER, LISTING = 1, 2
local AMOUNT, SEPARATORS, FLOOR = 1, 2, 3

step_over(KEYS[COUNTER], KEYS[LISTING], tonumber(ARGV[SEPARATORS]), ARGV[FLOOR])
if ARGV[AMOUNT] ~= '0' then redis.call('INCRBY', KEYS[COUNTER], ARGV[AMOUNT]) end
return redis.call('GET', KEYS[COUNTER])
