-- Forget what stands of records that have expired.
-- KEYS: the collection's keys, expiry, entries, then its indexes, then its unique rules.
-- ARGV: record prefix, most at once, number of indexes, the slots of each unique rule, separators before a member's key.
-- Gives how many were found expired.

local call = redis.call
local prefix, most = ARGV[1], tonumber(ARGV[2])
local indexes, rules = tonumber(ARGV[3]), cmsgpack.unpack(ARGV[4])
local now = call('TIME')
local separators = tonumber(ARGV[5])

local function text_of(member)
  local place = 0
  for _ = 1, separators do place = string.find(member, '\0', place + 1, true) end
  return string.sub(member, place + 1)
end

local function together(values, slots)
  local parts = {}
  for place, slot in ipairs(slots) do
    if not values[slot] then return false end
    parts[place] = values[slot]
  end
  return table.concat(parts, '\0')
end

local members = call('ZRANGEBYSCORE', KEYS[2], '-inf', string.format('%.0f', now[1] * 1000 + now[2] / 1000),
  'LIMIT', 0, most)
local count = 0
for _, member in ipairs(members) do
  local text = text_of(member)
  if call('EXISTS', prefix .. text) == 0 then
    local kept = call('HGET', KEYS[3], text)
    if kept then
      local slots = cmsgpack.unpack(kept)
      for index = 1, indexes do
        if slots[index] then call('ZREM', KEYS[3 + index], slots[index] .. '\0' .. text) end
      end
      for number_of_rule, rule in ipairs(rules) do
        local key, value = KEYS[3 + indexes + number_of_rule], together(slots, rule)
        if value and call('HGET', key, value) == text then call('HDEL', key, value) end
      end
      call('HDEL', KEYS[3], text)
    end
    call('ZREM', KEYS[1], member)
    call('ZREM', KEYS[2], member)
    count = count + 1
  end
end
return count
