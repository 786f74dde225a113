-- What looking at everything finds, and how.

local order = {}  -- what stands of each changed record in indexes, before and after
local is_holding = {}  -- by number of a collection: whether commits hold something
local marks = {}  -- by number of a collection: its mark, or false

local function wrong_type(number, wanted)
  local found = call('TYPE', KEYS[number]).ok
  if found ~= 'none' and found ~= wanted then return { 'type', KEYS[number], found } end
end

-- the first answer about what lies beside the records, with the type it should have, in the order of the mark
local function each_beside(collection, look)
  local found = look(collection[LISTING], 'zset') or collection[ENTRIES] and look(collection[ENTRIES], 'hash')
  for _, index in ipairs(collection[INDEXES]) do found = found or look(index[INDEX_KEY], 'zset') end
  for _, rule in ipairs(collection[UNIQUES]) do found = found or look(rule[RULE_KEY], 'hash') end
  return found
end

-- the values of these slots as one text, false where any is missing
local function together(values, slots)
  local parts = {}
  for place, slot in ipairs(slots) do
    if not values[slot] then return false end
    parts[place] = values[slot]
  end
  return concat(parts, '\0')
end

-- the value in an envelope of the typed encoding
local function enveloped(written)
  local is_read, envelope = pcall(cjson.decode, written)
  return is_read and type(envelope) == 'table' and envelope.value
end

-- the commit, other than this one, that holds a record, 'k:' and its text, or a value
local function owner_of(collection, field)
  local owner = call('HGET', KEYS[collection[RESERVED]], field)
  return owner and owner ~= commit and owner
end

local function unique_field(rule, value) return 'u:' .. KEYS[rule[RULE_KEY]] .. '\0' .. value end

-- the refusal by these owners, each with the collection in which it holds something
local function reserved_by(owners, position)
  local told, seen = {}, {}
  for _, found in ipairs(owners) do
    local owner, collection = found[1], found[2]
    if not seen[owner] then
      seen[owner] = true
      told[#told + 1] = owner
      told[#told + 1] = call('HGET', KEYS[collection[COMMITS]], owner) or ''
    end
  end
  return { 'reserved', position, told }
end
