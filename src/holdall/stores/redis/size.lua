-- How many records there are. KEYS: the sorted set of all keys, the mark, #expiry where records expire.
-- ARGV: record prefix, separators before a member's key, how many are looked at one by one; of more, what is listed and
-- has not expired is counted. Gives the number, or { 'lost', key } where the mark tells of a listing that is gone, or
-- { 'format', ... } where nothing is listed and the mark has another format.

local LISTING, MARK, EXPIRY = 1, 2, 3
local PREFIX, SEPARATORS, MOST = 1, 2, 3

local call = redis.call
local prefix, separators, most = ARGV[PREFIX], tonumber(ARGV[SEPARATORS]), tonumber(ARGV[MOST])
local listed = call('ZCARD', KEYS[LISTING])
if listed == 0 then
  local _, told, refusal = read_mark(KEYS[MARK])
  return refusal or string.sub(told, 1, 1) == '1' and { 'lost', KEYS[LISTING] } or 0
end
if listed > most then
  if not KEYS[EXPIRY] then return listed end
  local now = call('TIME')
  return listed - call('ZCOUNT', KEYS[EXPIRY], '-inf', string.format('%.0f', now[1] * 1000 + now[2] / 1000))
end
local names = call('ZRANGE', KEYS[LISTING], 0, -1)
for number, member in ipairs(names) do
  local place = 0
  for _ = 1, separators do place = string.find(member, '\0', place + 1, true) end
  names[number] = prefix .. string.sub(member, place + 1)
end
return call('EXISTS', unpack(names))
