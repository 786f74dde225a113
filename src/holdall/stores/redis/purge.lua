-- Forget what stands of records that have expired, or of these members whose records are gone.
-- KEYS: the collection's keys, the mark, entries, expiry, then its indexes, then its unique rules.
-- ARGV: record prefix, most at once, number of indexes, the slots of each unique rule, separators before a member's key,
-- members or false for those that have expired, whether anything is indexed.
-- Gives how many were found gone; { 'format', ... } where the mark has another format.

local PREFIX, MOST, INDEXES, RULES, SEPARATORS, MEMBERS, IS_INDEXED = 1, 2, 3, 4, 5, 6, 7

local prefix, most = ARGV[PREFIX], tonumber(ARGV[MOST])
local indexes, rules = tonumber(ARGV[INDEXES]), cmsgpack.unpack(ARGV[RULES])
local separators, members = tonumber(ARGV[SEPARATORS]), cmsgpack.unpack(ARGV[MEMBERS])

local function text_of(member)
  local place = 0
  for _ = 1, separators do place = string.find(member, '\0', place + 1, true) end
  return string.sub(member, place + 1)
end

if not members then
  local now = call('TIME')
  local until_when = string.format('%.0f', now[1] * 1000 + now[2] / 1000)
  members = call('ZRANGEBYSCORE', KEYS[EXPIRY], '-inf', until_when, 'LIMIT', 0, most)
end
if #members == 0 then return 0 end
local declared, told, refusal = read_mark(KEYS[MARK])
if refusal then return refusal end
local count = 0
for _, member in ipairs(members) do
  local text = text_of(member)
  if call('EXISTS', prefix .. text) == 0 then
    local kept = call('HGET', KEYS[ENTRIES], text)
    if kept then
      forget(text, cmsgpack.unpack(kept), {}, EXPIRY, indexes, rules)
      call('HDEL', KEYS[ENTRIES], text)
    end
    call('ZREM', KEYS[LISTING], member)
    call('ZREM', KEYS[EXPIRY], member)
    count = count + 1
  end
end
if count > 0 and told ~= '' then set_mark(declared, EXPIRY, ARGV[IS_INDEXED] == '1') end
return count
