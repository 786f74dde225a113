-- Append to a stream of a record that is there and not held for removal.
-- KEYS: the record, its stream, #reserved, #commits. ARGV: the bytes, the record's text.
-- Gives the stream's length, false where there is no such record, or { a commit's id, its reservation } that holds it.

local call = redis.call
local is_there = call('HLEN', KEYS[1]) > 0
local owner = call('HGET', KEYS[3], (is_there and 'r:' or 'k:') .. ARGV[2])
if owner then return { owner, call('HGET', KEYS[4], owner) or '' } end
if not is_there then return false end
local length = call('APPEND', KEYS[2], ARGV[1])
local left = call('PTTL', KEYS[1])
if left > 0 then call('PEXPIRE', KEYS[2], left) end
return length
