-- Write what was looked at. write() gives the counts of keys removed where streams are, run by run.

local CHUNK = 2000

local function write_marks()
  for _, collection in ipairs(collections) do
    local mark = KEYS[collection[MARK]]
    if collection[SLOTS] == 0 then
      -- an index of an earlier declaration is no longer kept, so nobody may trust it
      if call('EXISTS', mark) == 1 then call('DEL', mark) end
    elseif #order > 0 then
      call('SET', mark, collection[DECLARED])
    end
  end
end

local function write_entries()
  local call, KEYS = call, KEYS
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
end

local function clock()
  local now = call('TIME')
  return now[1] * 1000 + math.floor(now[2] / 1000)
end

local function remove_records(run, from, streams)
  local removed = {}
  for number = 1, #run[TEXTS] do
    local key = KEYS[from + number]
    removed[number] = call('DEL', key)
    for _, stream in ipairs(streams) do
      removed[number] = removed[number] + call('DEL', key .. ':field:' .. stream)
    end
  end
  return removed
end

local function write_records(run, from)
  local call, unpack, KEYS = call, unpack, KEYS
  local names, columns, size = run[NAMES], run[COLUMNS], #run[NAMES]
  local words, last = { 'HSET', '' }, 2 + 2 * size
  for place = 1, size do words[1 + 2 * place] = names[place] end
  for number = 1, #run[TEXTS] do
    words[2] = KEYS[from + number]
    for place = 1, size do words[2 + 2 * place] = columns[place][number] end
    call(unpack(words, 1, last))
  end
end

local function write_listing(run, listing)
  local verb, members, words, size = run[VERB], run[MEMBERS], {}, 0
  local total = #run[TEXTS]
  for number = 1, total do
    if verb == 'add' then
      words[size + 1], words[size + 2] = '0', members[number]
      size = size + 2
    else
      size = size + 1
      words[size] = members[number]
    end
    if size >= CHUNK or number == total then
      call(verb == 'add' and 'ZADD' or 'ZREM', listing, unpack(words, 1, size))
      size = 0
    end
  end
end

local function write_expiry(run, from, collection)
  local until_when = run[VERB] ~= 'remove' and clock() + collection[TTL]
  for number = 1, #run[TEXTS] do
    local key = KEYS[from + number]
    if until_when then
      local milliseconds = string.format('%.0f', until_when)
      call('PEXPIREAT', key, milliseconds)
      for _, stream in ipairs(collection[STREAMS]) do call('PEXPIREAT', key .. ':field:' .. stream, milliseconds) end
      call('ZADD', KEYS[collection[EXPIRY]], milliseconds, run[MEMBERS][number])
    else
      call('ZREM', KEYS[collection[EXPIRY]], run[MEMBERS][number])
    end
  end
end

local function write()
  write_marks()
  write_entries()
  local counts, position = {}, beside
  for number, run in ipairs(runs) do
    local collection, from = collections[run[COLLECTION]], position
    if run[VERB] == 'remove' then
      local removed = remove_records(run, from, collection[STREAMS])
      if #collection[STREAMS] > 0 then counts[#counts + 1] = { number, removed } end
    elseif #run[NAMES] > 0 then
      write_records(run, from)
    end
    position = from + #run[TEXTS]
    if run[VERB] ~= 'update' then write_listing(run, KEYS[collection[LISTING]]) end
    if run[LARGEST] then
      -- keys that were given and not counted: the counter steps over the largest
      step_over(KEYS[collection[COUNTER]], KEYS[collection[LISTING]], 1, run[LARGEST])
    end
    if collection[TTL] then write_expiry(run, from, collection) end
  end
  return counts
end
