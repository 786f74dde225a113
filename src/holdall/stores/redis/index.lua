-- Take records that are there into the listing and the indexes, unless they have changed since they were read.
-- KEYS: keys, entries, expiry, #reserved, #commits, then the indexes, then the unique rules, then the records.
-- ARGV[1]: { number of KEYS before the records, names of fields, slots of each index, slots of each unique rule, ttl in
--   ms or false }; ARGV[2]: records { values of those fields, text, member, slot texts }.
-- Gives how many were taken in, the texts of those whose unique values another record has, and the ids and reservations
-- of commits that hold such a value for a record of theirs; nothing is taken in then.

local call = redis.call
local head, records = cmsgpack.unpack(ARGV[1]), cmsgpack.unpack(ARGV[2])
local first, names, indexes, rules, ttl = head[1], head[2], head[3], head[4], head[5]
local taken, refused = 0, {}

local function together(values, slots)
  local parts = {}
  for place, slot in ipairs(slots) do
    if not values[slot] then return false end
    parts[place] = values[slot]
  end
  return table.concat(parts, '\0')
end

local function is_same(key, values)
  local found = call('HMGET', key, unpack(names))
  for place = 1, #names do
    if (found[place] or 'null') ~= values[place] then return false end
  end
  return true
end

local function reservations()
  local told = {}
  if call('EXISTS', KEYS[4]) == 0 then return told end
  for _, record in ipairs(records) do
    for number, rule in ipairs(rules) do
      local name, value = KEYS[5 + #indexes + number], together(record[4], rule)
      local owner = value and call('HGET', name, value) ~= record[2]
        and call('HGET', KEYS[4], 'u:' .. name .. '\0' .. value)
      if owner then
        told[#told + 1] = owner
        told[#told + 1] = call('HGET', KEYS[5], owner) or ''
      end
    end
  end
  return told
end

local told = reservations()
if #told > 0 then return { 0, {}, told } end

for number, record in ipairs(records) do
  local key, text, member, slots = KEYS[first + number], record[2], record[3], record[4]
  if is_same(key, record[1]) then
    local is_free = true
    for number_of_rule, rule in ipairs(rules) do
      local value = together(slots, rule)
      local holder = value and call('HGET', KEYS[5 + #indexes + number_of_rule], value)
      if holder and holder ~= text then is_free = false end
    end
    if is_free then
      for number_of_rule, rule in ipairs(rules) do
        local value = together(slots, rule)
        if value then call('HSET', KEYS[5 + #indexes + number_of_rule], value, text) end
      end
      for place, slot in ipairs(indexes) do call('ZADD', KEYS[5 + place], 0, slots[slot] .. '\0' .. text) end
      if #slots > 0 then call('HSET', KEYS[2], text, cmsgpack.pack(slots)) end
      if ttl and call('HEXISTS', KEYS[4], 'k:' .. text) == 0 then  -- what a commit holds does not expire
        local left = call('PTTL', key)
        if left < 0 then
          left = ttl
          call('PEXPIRE', key, left)
        end
        local now = call('TIME')
        call('ZADD', KEYS[3], string.format('%.0f', now[1] * 1000 + now[2] / 1000 + left), member)
      end
      call('ZADD', KEYS[1], 0, member)
      taken = taken + 1
    else
      refused[#refused + 1] = text
    end
  end
end
return { taken, refused, told }
