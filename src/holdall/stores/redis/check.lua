-- Look at everything before anything is written. check() gives a refusal, { what, number of the change, rule }, or nil;
-- order then lists what stands of each changed record in indexes, before and after.

local order = {}
local is_holding = {}  -- by number of a collection, whether any commit over several stores holds something there

local function wrong_type(key, wanted)
  local found = call('TYPE', key).ok
  if found ~= 'none' and found ~= wanted then return { 'type', key, found } end
end

-- keys of another type would stop the writing half way
local function check_types()
  local refusal
  for number, collection in ipairs(collections) do
    for place, wanted in pairs({
      [LISTING] = 'zset', [EXPIRY] = 'zset', [ENTRIES] = 'hash', [COUNTER] = 'string', [MARK] = 'string'
    }) do
      if collection[place] then
        refusal = wrong_type(KEYS[collection[place]], wanted)
        if refusal then return refusal end
      end
    end
    for _, index in ipairs(collection[INDEXES]) do
      refusal = wrong_type(KEYS[index[INDEX_KEY]], 'zset')
      if refusal then return refusal end
    end
    for _, rule in ipairs(collection[UNIQUES]) do
      refusal = wrong_type(KEYS[rule[RULE_KEY]], 'hash')
      if refusal then return refusal end
    end
    local found = call('TYPE', KEYS[collection[RESERVED]]).ok
    if found ~= 'none' and found ~= 'hash' then return { 'type', KEYS[collection[RESERVED]], found } end
    is_holding[number] = found == 'hash'
    if commit then
      refusal = wrong_type(KEYS[collection[COMMITS]], 'hash') or wrong_type(KEYS[collection[HELD]], 'hash')
      if refusal then return refusal end
    end
  end
end

-- what was indexed under another declaration would be found no more
local function check_marks()
  for _, collection in ipairs(collections) do
    if collection[SLOTS] > 0 and call('GET', KEYS[collection[MARK]]) ~= collection[DECLARED]
      and call('EXISTS', KEYS[collection[LISTING]]) == 1 then
      return { 'unbuilt', collection[PREFIX] }
    end
  end
end

-- the commit, other than this one, that holds a record or a value
local function owner_of(collection, field)
  local owner = call('HGET', KEYS[collection[RESERVED]], field)
  return owner and owner ~= commit and owner
end

local function unique_field(rule, value) return 'u:' .. KEYS[rule[RULE_KEY]] .. '\0' .. value end

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

local function check_reserved()
  local owners, first, position = {}, nil, 0
  for _, run in ipairs(runs) do
    local collection, texts = collections[run[COLLECTION]], run[TEXTS]
    if is_holding[run[COLLECTION]] then
      for number = 1, #texts do
        local owner = owner_of(collection, 'k:' .. texts[number])
        if owner then
          first = first or position + number
          owners[#owners + 1] = { owner, collection }
        end
      end
    end
    position = position + #texts
  end
  if first then return reserved_by(owners, first) end
end

local function version_of(written, is_typed)
  if not written or not is_typed then return written end
  local is_read, envelope = pcall(cjson.decode, written)
  return is_read and type(envelope) == 'table' and envelope.value
end

local function version_column(run, field)
  if not field or not is_repeated then return nil end
  local column
  for number, name in ipairs(run[NAMES]) do if name == field then column = run[COLUMNS][number] end end
  return column
end

-- who is there, and at which version
local function check_versions()
  local call, KEYS, is_repeated = call, KEYS, is_repeated
  local alive, version = {}, {}
  local position = beside
  for _, run in ipairs(runs) do
    local verb, collection = run[VERB], collections[run[COLLECTION]]
    local field, expected = collection[VERSION], run[VERSIONS]
    local column = version_column(run, field)
    for number = 1, #run[TEXTS] do
      position = position + 1
      local key = KEYS[position]
      local is_there = alive[key]
      if is_there == nil then
        if verb == 'add' then is_there = call('EXISTS', key) == 1 else is_there = call('HLEN', key) > 0 end
      end
      if verb == 'add' then
        if is_there then return { 'exists', position - beside } end
      else
        if not is_there then return { 'stale', position - beside } end
        if expected then
          local found = version_of(version[key] or call('HGET', key, field), collection[IS_TYPED])
          if found ~= expected[number] then return { 'stale', position - beside } end
        end
      end
      if is_repeated then
        alive[key] = verb ~= 'remove'
        if verb == 'remove' then version[key] = nil elseif column then version[key] = column[number] end
      end
    end
  end
end

-- what stands of each record in indexes, before and after
local function gather_entries()
  local call, KEYS, touched = call, KEYS, {}
  local position = beside
  for _, run in ipairs(runs) do
    local verb, collection, texts = run[VERB], collections[run[COLLECTION]], run[TEXTS]
    local slots, columns, size = run[GIVEN_SLOTS], run[SLOT_COLUMNS], collection[SLOTS]
    if size > 0 then
      for number = 1, #texts do
        position = position + 1
        local key = KEYS[position]
        local entry = touched[key]
        if not entry then
          local kept = call('HGET', KEYS[collection[ENTRIES]], texts[number])
          entry = { collection = collection, text = texts[number], before = kept and cmsgpack.unpack(kept) or {} }
          entry.number = run[COLLECTION]
          touched[key] = entry
          order[#order + 1] = entry
          entry.after = entry.before
        end
        entry.position = position - beside
        if verb == 'remove' then
          entry.after = {}
        elseif #slots > 0 then
          local after = {}
          for slot = 1, size do after[slot] = verb ~= 'add' and entry.after[slot] or false end
          for place, slot in ipairs(slots) do after[slot] = columns[place][number] end
          entry.after = after
        end
      end
    else
      position = position + #texts
    end
  end
end

local function together(values, slots)
  local parts = {}
  for place, slot in ipairs(slots) do
    if not values[slot] then return false end
    parts[place] = values[slot]
  end
  return concat(parts, '\0')
end

-- values that two records of this batch claim; gives the refusal, and which records of the batch each rule has
local function check_claims()
  local claimed, by_text = {}, {}
  for _, entry in ipairs(order) do
    for _, rule in ipairs(entry.collection[UNIQUES]) do
      local value = together(entry.after, rule[RULE_SLOTS])
      if value then
        local place = rule[RULE_KEY] .. ':' .. value
        local other = claimed[place]
        if other then
          -- at fault is the one that had another value before, or else the later one
          local at = math.max(entry.position, other.position)
          if together(entry.before, rule[RULE_SLOTS]) == value then at = other.position end
          if together(other.before, rule[RULE_SLOTS]) == value then at = entry.position end
          return { 'unique', at, rule[RULE_NUMBER] }
        end
        claimed[place] = entry
      end
      by_text[rule[RULE_KEY] .. ':' .. entry.text] = entry
    end
  end
  return nil, by_text
end

local function check_unique()
  local refusal, by_text = check_claims()
  if refusal then return refusal end
  for _, entry in ipairs(order) do
    local collection = entry.collection
    for _, rule in ipairs(collection[UNIQUES]) do
      local value = together(entry.after, rule[RULE_SLOTS])
      if value and value ~= together(entry.before, rule[RULE_SLOTS]) then
        local owner = is_holding[entry.number] and owner_of(collection, unique_field(rule, value))
        if owner then return reserved_by({ { owner, collection } }, entry.position) end
        local holder = call('HGET', KEYS[rule[RULE_KEY]], value)
        -- a holder of this batch has let go of it by the end; one that expired holds nothing
        if holder and holder ~= entry.text and not by_text[rule[RULE_KEY] .. ':' .. holder]
          and call('EXISTS', collection[PREFIX] .. holder) == 1 then
          -- a commit that holds the holder may be about to free the value
          owner = is_holding[entry.number] and owner_of(collection, 'k:' .. holder)
          if owner then return reserved_by({ { owner, collection } }, entry.position) end
          return { 'unique', entry.position, rule[RULE_NUMBER] }
        end
      end
    end
  end
end

local function check()
  local refusal = check_types() or check_marks() or check_reserved() or check_versions()
  if refusal then return refusal end
  gather_entries()
  return check_unique()
end
