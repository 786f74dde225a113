-- Look at everything before anything is written. What is wrong is returned: { what, number of the change, rule }. This
-- stands in the middle of apply and commit, where a function would cost each small write, and is a function of prepare.

-- keys of another type would stop the writing half way; what the mark tells of and is gone would break unique rules
for number, collection in ipairs(collections) do
  local mark, reserved = redis.pcall('GET', KEYS[collection[MARK]]), call('TYPE', KEYS[collection[RESERVED]]).ok
  marks[number], is_holding[number] = mark, reserved == 'hash'
  local refusal = type(mark) == 'table' and wrong_type(collection[MARK], 'string')
    or reserved ~= 'none' and reserved ~= 'hash' and { 'type', KEYS[collection[RESERVED]], reserved }
    or collection[EXPIRY] and wrong_type(collection[EXPIRY], 'zset')
    or collection[COUNTER] and wrong_type(collection[COUNTER], 'string')
  if refusal then return refusal end
  local declared, told, other = told_by(mark, KEYS[collection[MARK]])
  if other then return other end
  local is_declared, beside_number = declared == collection[DECLARED], 0
  local function look(key, wanted)
    local found = call('TYPE', KEYS[key]).ok
    beside_number = beside_number + 1
    if found ~= 'none' and found ~= wanted then return { 'type', KEYS[key], found } end
    if found == 'none' then
      return is_declared and sub(told, beside_number, beside_number) == '1' and { 'lost', collection[PREFIX], KEYS[key] }
    end
    -- what was indexed under another declaration would be found no more
    return collection[SLOTS] > 0 and not is_declared and { 'unbuilt', collection[PREFIX] }
  end
  refusal = each_beside(collection, look)
  if refusal then return refusal end
end

-- 0. which collections are fenced: what was held before passes, as who sets a fence waits for it
if not (commit and not head[RESERVATION]) then
  local position = 0
  for _, run in ipairs(runs) do
    local collection = collections[run[COLLECTION]]
    if is_holding[run[COLLECTION]] then
      local fence = owner_of(collection, 'f:')
        or head[PASSING] ~= 'holdall_move_note' and owner_of(collection, 'f:holdall_move_note')
        or head[PASSING] ~= 'holdall_move_position' and owner_of(collection, 'f:holdall_move_position')
      if fence then return reserved_by({ { fence, collection } }, position + 1) end
    end
    position = position + #run[TEXTS]
  end
end

-- 1. which records other commits hold: before their versions, as those of a decided commit may be about to change
do
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

-- 2. who is there, at which version, and whether still as it was read
do
  local alive, version = {}, {}
  local position = beside
  for _, run in ipairs(runs) do
    local verb, collection = run[VERB], collections[run[COLLECTION]]
    local field, expected = collection[VERSION], run[VERSIONS]
    local column
    if field and is_repeated then
      for number, name in ipairs(run[NAMES]) do if name == field then column = run[COLUMNS][number] end end
    end
    for number = 1, #run[TEXTS] do
      position = position + 1
      local key = KEYS[position]
      local is_there = alive[key]
      if is_there == nil then
        if verb == 'add' then
          is_there = call('EXISTS', key) == 1
        else
          local size = redis.pcall('HLEN', key)
          local is_hash = type(size) == 'number'
          if not is_hash and verb == 'update' and not run[IS_WHOLE] then return { 'type', key, call('TYPE', key).ok } end
          is_there = not is_hash or size > 0  -- what is no hash can be removed
        end
      end
      if verb == 'add' then
        if is_there then return { 'exists', position - beside } end
      else
        if not is_there then return { 'stale', position - beside } end
        if expected then
          local found = version[key] or redis.pcall('HGET', key, field)
          if found and collection[IS_TYPED] then found = enveloped(found) end
          if found ~= expected[number] then return { 'stale', position - beside } end
        end
        local wanted = run[EXPECTED] and run[EXPECTED][number]
        for place = 1, wanted and #wanted or 0, 2 do
          if redis.pcall('HGET', key, wanted[place]) ~= wanted[place + 1] then return { 'stale', position - beside } end
        end
      end
      if is_repeated then
        alive[key] = verb ~= 'remove'
        if verb == 'remove' then version[key] = nil elseif column then version[key] = column[number] end
      end
    end
  end
end

-- 3. what stands of each record in indexes, before and after
do
  local touched, position, unlisted = {}, beside, { 'unlisted' }
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
          if not kept and verb == 'update' then unlisted[#unlisted + 1] = position - beside end
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
  if #unlisted > 1 then return unlisted end
end

-- 4. values that two records claim
local by_text = {}
do
  local claimed = {}
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
end
for _, entry in ipairs(order) do
  local collection, is_guarded = entry.collection, is_holding[entry.number]
  for _, rule in ipairs(collection[UNIQUES]) do
    local value = together(entry.after, rule[RULE_SLOTS])
    if value and value ~= together(entry.before, rule[RULE_SLOTS]) then
      local owner = is_guarded and owner_of(collection, unique_field(rule, value))
      if owner then return reserved_by({ { owner, collection } }, entry.position) end
      local holder = call('HGET', KEYS[rule[RULE_KEY]], value)
      -- a holder of this batch has let go of it by the end; one that expired holds nothing
      if holder and holder ~= entry.text and not by_text[rule[RULE_KEY] .. ':' .. holder]
        and call('EXISTS', collection[PREFIX] .. holder) == 1 then
        -- a commit that holds the holder may be about to free the value
        owner = is_guarded and owner_of(collection, 'k:' .. holder)
        if owner then return reserved_by({ { owner, collection } }, entry.position) end
        return { 'unique', entry.position, rule[RULE_NUMBER] }
      end
    end
  end
end
