-- Write what was looked at; counts are of keys removed where streams are, run by run.

local CHUNK = 2000

for _, entry in ipairs(order) do
  for _, rule in ipairs(entry.collection[UNIQUES]) do
    local before, key = together(entry.before, rule[RULE_SLOTS]), KEYS[rule[RULE_KEY]]
    if before and before ~= together(entry.after, rule[RULE_SLOTS]) and call('HGET', key, before) == entry.text then
      call('HDEL', key, before)
    end
  end
end
for _, entry in ipairs(order) do
  local collection, before, after = entry.collection, entry.before, entry.after
  for _, index in ipairs(collection[INDEXES]) do
    local slot, key = index[INDEX_SLOT], KEYS[index[INDEX_KEY]]
    if before[slot] ~= after[slot] then
      if before[slot] then call('ZREM', key, before[slot] .. '\0' .. entry.text) end
      if after[slot] then call('ZADD', key, 0, after[slot] .. '\0' .. entry.text) end
    end
  end
  for _, rule in ipairs(collection[UNIQUES]) do
    local value = together(after, rule[RULE_SLOTS])
    if value and value ~= together(before, rule[RULE_SLOTS]) then
      call('HSET', KEYS[rule[RULE_KEY]], value, entry.text)
    end
  end
  if #after > 0 then
    call('HSET', KEYS[collection[ENTRIES]], entry.text, cmsgpack.pack(after))
  else
    call('HDEL', KEYS[collection[ENTRIES]], entry.text)
  end
end

local counts, position = {}, beside
for number_of_run, run in ipairs(runs) do
  local verb, collection, texts = run[VERB], collections[run[COLLECTION]], run[TEXTS]
  local names, columns = run[NAMES], run[COLUMNS]
  local ttl, streams, members = collection[TTL], collection[STREAMS], run[MEMBERS]
  local size, from = #names, position
  if verb == 'remove' then
    local removed = {}
    for number = 1, #texts do
      local key = KEYS[from + number]
      removed[number] = call('DEL', key)
      for _, stream in ipairs(streams) do
        removed[number] = removed[number] + call('DEL', key .. ':field:' .. stream)
      end
    end
    if #streams > 0 then counts[#counts + 1] = { number_of_run, removed } end
  elseif size > 0 then
    local words, last = { 'HSET', '' }, 2 + 2 * size
    for place = 1, size do words[1 + 2 * place] = names[place] end
    for number = 1, #texts do
      words[2] = KEYS[from + number]
      local origin = run[ORIGINS] and run[ORIGINS][number]
      if origin then
        -- fields that no model knows go with the record; all that the model knows are written over below
        local kept = call('HGETALL', collection[PREFIX] .. origin)
        for place = 1, #kept, 2 do call('HSET', words[2], kept[place], kept[place + 1]) end
      end
      if run[IS_WHOLE] and call('TYPE', words[2]).ok ~= 'hash' then call('DEL', words[2]) end
      for place = 1, size do words[2 + 2 * place] = columns[place][number] end
      for _, place in ipairs(run[LISTS] or {}) do
        local difference = columns[place][number]
        if type(difference) == 'table' then
          local stored = call('HGET', words[2], names[place])
          words[2 + 2 * place] = changed_list(stored, difference, collection[IS_TYPED])
        end
      end
      call(unpack(words, 1, last))
    end
  end
  position = from + #texts
  do
    local words, filled, listing = {}, 0, KEYS[collection[LISTING]]
    for number = 1, #texts do
      if verb ~= 'remove' then
        words[filled + 1], words[filled + 2] = '0', members[number]
        filled = filled + 2
      else
        filled = filled + 1
        words[filled] = members[number]
      end
      if filled >= CHUNK or number == #texts then
        call(verb == 'remove' and 'ZREM' or 'ZADD', listing, unpack(words, 1, filled))
        filled = 0
      end
    end
  end
  if run[LARGEST] then
    -- keys that were given and not counted: the counter steps over the largest
    step_over(KEYS[collection[COUNTER]], KEYS[collection[LISTING]], 1, run[LARGEST])
  end
  if ttl and (verb ~= 'update' or size > 0) then
    local now = call('TIME')
    local until_when = verb ~= 'remove' and now[1] * 1000 + math.floor(now[2] / 1000) + ttl
    for number = 1, #texts do
      local key = KEYS[from + number]
      if until_when then
        local milliseconds = string.format('%.0f', until_when)
        call('PEXPIREAT', key, milliseconds)
        for _, stream in ipairs(streams) do call('PEXPIREAT', key .. ':field:' .. stream, milliseconds) end
        call('ZADD', KEYS[collection[EXPIRY]], milliseconds, members[number])
      else
        call('ZREM', KEYS[collection[EXPIRY]], members[number])
      end
    end
  end
end

-- the mark says what is indexed and what of it is not empty: at the end, as a server without memory refuses to set it
-- before anything else was written
for number, collection in ipairs(collections) do
  local told = {}
  each_beside(collection, function(key) told[#told + 1] = call('EXISTS', KEYS[key]) end)
  local mark = mark_of(collection[DECLARED], told)
  if marks[number] ~= mark then call('SET', KEYS[collection[MARK]], mark) end
end
