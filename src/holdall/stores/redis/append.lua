-- Append to a stream of a record that is there.
-- KEYS: the record, its stream. ARGV: the bytes. Gives the stream's length, or false where there is no such record.

if redis.call('HLEN', KEYS[1]) == 0 then return false end
local length = redis.call('APPEND', KEYS[2], ARGV[1])
local left = redis.call('PTTL', KEYS[1])
if left > 0 then redis.call('PEXPIRE', KEYS[2], left) end
return length
