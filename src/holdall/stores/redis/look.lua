-- Look at records and at what lies beside them, at one instant.
-- KEYS: the collection's keys, the mark, entries, expiry, then its indexes, then its unique rules, then the records.
-- ARGV[1]: { number of KEYS before the records, names of fields, slots of each index, slots of each unique rule, whether
--   records expire }; ARGV[2]: { { text, member }, ... }.
-- Gives for each record { type, its values with null for missing ones, their digest, whether it is listed, what is kept of it in
-- entries or false, whether all of that is in indexes and unique rules and it is to expire if it should }.

local head, records = cmsgpack.unpack(ARGV[1]), cmsgpack.unpack(ARGV[2])
local first, names, indexes, rules, expires = head[1], head[2], head[3], head[4], head[5]

local function is_whole(text, member, kept)
  if expires and not call('ZSCORE', KEYS[4], member) then return 0 end
  local slots = kept and cmsgpack.unpack(kept) or {}
  for place, slot in ipairs(indexes) do
    if slots[slot] and not call('ZSCORE', KEYS[4 + place], slots[slot] .. '\0' .. text) then return 0 end
  end
  for number, rule in ipairs(rules) do
    local value = together(slots, rule)
    if value and call('HGET', KEYS[4 + #indexes + number], value) ~= text then return 0 end
  end
  return 1
end

local found = {}
for number, record in ipairs(records) do
  local key, text, member = KEYS[first + number], record[1], record[2]
  local kind, values, digest = call('TYPE', key).ok, {}, ''
  if kind == 'hash' then
    values = values_of(key, names)
    digest = digest_of(values)
  end
  local kept = call('HGET', KEYS[3], text)
  local is_listed = call('ZSCORE', KEYS[1], member) and 1 or 0
  found[number] = { kind, values, digest, is_listed, kept, is_whole(text, member, kept) }
end
return found
