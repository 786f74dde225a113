-- Look at records and at what lies beside them, at one instant.
-- KEYS: the collection's keys, the mark, entries, expiry, then its indexes, then its unique rules, then the records.
-- ARGV[1]: { number of KEYS before the records, names of fields, slots of each index, slots of each unique rule, whether
--   records expire }; ARGV[2]: { { text, member }, ... }.
-- Gives for each record { type, its values with null for missing ones, their digest, whether it is listed, what is kept of it in
-- entries or false, whether all of that is in indexes and unique rules and it is to expire if it should }.

local FIRST, NAMES, INDEXES, RULES, EXPIRES = 1, 2, 3, 4, 5
local TEXT, MEMBER = 1, 2
local KIND, VALUES, DIGEST, IS_LISTED, KEPT, IS_WHOLE = 1, 2, 3, 4, 5, 6

local head, records = cmsgpack.unpack(ARGV[1]), cmsgpack.unpack(ARGV[2])
local first, names, indexes, rules, expires = head[FIRST], head[NAMES], head[INDEXES], head[RULES], head[EXPIRES]

local function is_whole(text, member, kept)
  if expires and not call('ZSCORE', KEYS[EXPIRY], member) then return 0 end
  local slots = kept and cmsgpack.unpack(kept) or {}
  for place, slot in ipairs(indexes) do
    if slots[slot] and not call('ZSCORE', KEYS[EXPIRY + place], slots[slot] .. '\0' .. text) then return 0 end
  end
  for number, rule in ipairs(rules) do
    local value = together(slots, rule)
    if value and call('HGET', KEYS[EXPIRY + #indexes + number], value) ~= text then return 0 end
  end
  return 1
end

local found = {}
for number, record in ipairs(records) do
  local key, text, member = KEYS[first + number], record[TEXT], record[MEMBER]
  local kind, values, digest = call('TYPE', key).ok, {}, ''
  if kind == 'hash' then
    values = values_of(key, names)
    digest = digest_of(values)
  end
  local kept = call('HGET', KEYS[ENTRIES], text)
  local is_listed = call('ZSCORE', KEYS[LISTING], member) and 1 or 0
  found[number] = {
    [KIND] = kind, [VALUES] = values, [DIGEST] = digest, [IS_LISTED] = is_listed, [KEPT] = kept,
    [IS_WHOLE] = is_whole(text, member, kept),
  }
end
return found
