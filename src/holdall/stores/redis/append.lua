-- Append to a stream of a record that is there and not held for removal.
-- KEYS: the record, its stream, #reserved, #commits. ARGV: the bytes, the record's text.
-- Gives the stream's length, false where there is no such record, or { a commit's id, its reservation } that holds it.

local RECORD, STREAM, RESERVED, COMMITS = 1, 2, 3, 4
local DATA, TEXT = 1, 2

local call = redis.call
local is_there = call('HLEN', KEYS[RECORD]) > 0
local owner = call('HGET', KEYS[RESERVED], (is_there and 'r:' or 'k:') .. ARGV[TEXT])
if owner then return { owner, call('HGET', KEYS[COMMITS], owner) or '' } end
if not is_there then return false end
local length = call('APPEND', KEYS[STREAM], ARGV[DATA])
local left = call('PTTL', KEYS[RECORD])
if left > 0 then call('PEXPIRE', KEYS[STREAM], left) end
return length
