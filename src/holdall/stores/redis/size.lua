-- How many records there are. KEYS: the sorted set of all keys, the mark, #expiry where records expire.
-- ARGV: record prefix, separators before a member's key, how many are looked at one by one; of more, what is listed and
-- has not expired is counted. Gives the number, or { 'lost', key } where the mark tells of a listing that is gone, or
-- { 'format', ... } where nothing is listed and the mark has another format.

local call = redis.call
local prefix, separators, most = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local listed = call('ZCARD', KEYS[1])
if listed == 0 then
  local _, told, refusal = read_mark(KEYS[2])
  return refusal or string.sub(told, 1, 1) == '1' and { 'lost', KEYS[1] } or 0
end
if listed > most then
  if not KEYS[3] then return listed end
  local now = call('TIME')
  return listed - call('ZCOUNT', KEYS[3], '-inf', string.format('%.0f', now[1] * 1000 + now[2] / 1000))
end
local names = call('ZRANGE', KEYS[1], 0, -1)
for number, member in ipairs(names) do
  local place = 0
  for _ = 1, separators do place = string.find(member, '\0', place + 1, true) end
  names[number] = prefix .. string.sub(member, place + 1)
end
return call('EXISTS', unpack(names))
