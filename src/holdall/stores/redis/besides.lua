-- What lies beside the records of one collection. KEYS: its keys, the mark, entries, ..., then from a number on its
-- indexes and its unique rules.

-- Places of KEYS, as holdall.stores.redis.asked has them; each script is given as many as it needs.
local LISTING, MARK, ENTRIES, EXPIRY, RESERVED, COMMITS = 1, 2, 3, 4, 5, 6

local call = redis.call

local function together(values, slots)
  local parts = {}
  for place, slot in ipairs(slots) do
    if not values[slot] then return false end
    parts[place] = values[slot]
  end
  return table.concat(parts, '\0')
end

local function values_of(key, names)
  local values = call('HMGET', key, unpack(names))
  for place = 1, #names do values[place] = values[place] or 'null' end
  return values
end

local function digest_of(values) return redis.sha1hex(table.concat(values, '\n')) end

-- remove what stands of a record in indexes and unique rules, except for what is to stand there
local function forget(text, before, after, first, indexes, rules)
  for slot = 1, indexes do
    if before[slot] and before[slot] ~= after[slot] then
      call('ZREM', KEYS[first + slot], before[slot] .. '\0' .. text)
    end
  end
  for number, rule in ipairs(rules) do
    local key, value = KEYS[first + indexes + number], together(before, rule)
    if value and value ~= together(after, rule) and call('HGET', key, value) == text then call('HDEL', key, value) end
  end
end

-- say in the mark what is indexed and what of it is not empty; what follows the unique rules in KEYS begins at the end
local function set_mark(declared, first, is_indexed, last)
  local told = { call('EXISTS', KEYS[LISTING]) }
  if is_indexed then
    told[2] = call('EXISTS', KEYS[ENTRIES])
    for number = first + 1, last or #KEYS do told[#told + 1] = call('EXISTS', KEYS[number]) end
  end
  call('SET', KEYS[MARK], mark_of(declared, told))
end
