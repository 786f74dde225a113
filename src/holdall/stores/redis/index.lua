-- Take records that are there into the listing and the indexes, unless they have changed since they were read.
-- KEYS: keys, the mark, entries, expiry, #reserved, #commits, then the indexes, then the unique rules, then the records.
-- ARGV[1]: { number of KEYS before the records, names of fields, slots of each index, slots of each unique rule, ttl in
--   ms or false, record prefix }; ARGV[2]: records { digest of those fields' values, text, member, slot texts }.
-- Gives how many were taken in, the texts of those whose unique values another record has, and the ids and reservations
-- of commits that hold such a value for a record of theirs; nothing is taken in then.

local FIRST, NAMES, INDEXES, RULES, TTL, PREFIX = 1, 2, 3, 4, 5, 6
local DIGEST, TEXT, MEMBER, SLOTS = 1, 2, 3, 4

local head, records = cmsgpack.unpack(ARGV[1]), cmsgpack.unpack(ARGV[2])
local first, names, indexes, rules, ttl = head[FIRST], head[NAMES], head[INDEXES], head[RULES], head[TTL]
local taken, refused = 0, {}

local function reservations()
  local told = {}
  if call('EXISTS', KEYS[RESERVED]) == 0 then return told end
  for _, record in ipairs(records) do
    for number, rule in ipairs(rules) do
      local name, value = KEYS[COMMITS + #indexes + number], together(record[SLOTS], rule)
      local owner = value and call('HGET', name, value) ~= record[TEXT]
        and call('HGET', KEYS[RESERVED], 'u:' .. name .. '\0' .. value)
      if owner then
        told[#told + 1] = owner
        told[#told + 1] = call('HGET', KEYS[COMMITS], owner) or ''
      end
    end
  end
  return told
end

local told = reservations()
if #told > 0 then return { 0, {}, told } end

for number, record in ipairs(records) do
  local key, text = KEYS[first + number], record[TEXT]
  local member, slots = record[MEMBER], record[SLOTS]
  if digest_of(values_of(key, names)) == record[DIGEST] then
    local is_free = true
    for number_of_rule, rule in ipairs(rules) do
      local value = together(slots, rule)
      local holder = value and call('HGET', KEYS[COMMITS + #indexes + number_of_rule], value)
      -- what stands of a record that is gone holds nothing
      if holder and holder ~= text and call('EXISTS', head[PREFIX] .. holder) == 1 then is_free = false end
    end
    if is_free then
      local kept = call('HGET', KEYS[ENTRIES], text)
      if kept then forget(text, cmsgpack.unpack(kept), slots, COMMITS, #indexes, rules) end
      for number_of_rule, rule in ipairs(rules) do
        local value = together(slots, rule)
        if value then call('HSET', KEYS[COMMITS + #indexes + number_of_rule], value, text) end
      end
      for place, slot in ipairs(indexes) do
        if slots[slot] then call('ZADD', KEYS[COMMITS + place], 0, slots[slot] .. '\0' .. text) end
      end
      if #slots > 0 then call('HSET', KEYS[ENTRIES], text, cmsgpack.pack(slots)) end
      if ttl and call('HEXISTS', KEYS[RESERVED], 'k:' .. text) == 0 then  -- what a commit holds does not expire
        local left = call('PTTL', key)
        if left < 0 then
          left = ttl
          call('PEXPIRE', key, left)
        end
        local now = call('TIME')
        call('ZADD', KEYS[EXPIRY], string.format('%.0f', now[1] * 1000 + now[2] / 1000 + left), member)
      end
      call('ZADD', KEYS[LISTING], 0, member)
      taken = taken + 1
    else
      refused[#refused + 1] = text
    end
  end
end
return { taken, refused, told }
