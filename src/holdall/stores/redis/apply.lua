-- Apply changes, all or none: look at everything first, then write.
-- KEYS: what lies beside the records (named by number below), then the record of each change, in order.
-- ARGV[1]: { number of the KEYS that lie beside, collections, whether any record is changed twice }
--   a collection: { keys, record prefix, ttl in ms or false, expiry, entries, version field, indexes, uniques, streams,
--   number of slots, counter, mark, declared, is typed }; an index: { key, slot }, a unique rule: { key, slots }
-- ARGV[2...]: runs { verb, collection, names, texts, columns, members, versions, slots, slot columns, counted }
-- Gives { 'ok', counts of keys removed where streams are, run by run }, or { what, number of the change, rule }.

local call, unpack, concat = redis.call, unpack, table.concat
local head = cmsgpack.unpack(ARGV[1])
local beside, collections, is_repeated = head[1], head[2], head[3]
local runs = {}
local CHUNK = 2000

for number = 1, #ARGV - 1 do runs[number] = cmsgpack.unpack(ARGV[number + 1]) end

-- keys of another type would stop the writing half way
for _, collection in ipairs(collections) do
  for place, wanted in pairs({ [1] = 'zset', [4] = 'zset', [5] = 'hash', [11] = 'string', [12] = 'string' }) do
    if collection[place] then
      local found = call('TYPE', KEYS[collection[place]]).ok
      if found ~= 'none' and found ~= wanted then return { 'type', KEYS[collection[place]], found } end
    end
  end
  for _, index in ipairs(collection[7]) do
    local found = call('TYPE', KEYS[index[1]]).ok
    if found ~= 'none' and found ~= 'zset' then return { 'type', KEYS[index[1]], found } end
  end
  for _, rule in ipairs(collection[8]) do
    local found = call('TYPE', KEYS[rule[1]]).ok
    if found ~= 'none' and found ~= 'hash' then return { 'type', KEYS[rule[1]], found } end
  end
end

-- what was indexed under another declaration would be found no more
for _, collection in ipairs(collections) do
  if collection[10] > 0 and call('GET', KEYS[collection[12]]) ~= collection[13]
    and call('EXISTS', KEYS[collection[1]]) == 1 then
    return { 'unbuilt', collection[2] }
  end
end

local function version_of(written, is_typed)
  if not written or not is_typed then return written end
  local is_read, envelope = pcall(cjson.decode, written)
  return is_read and type(envelope) == 'table' and envelope.value
end

-- 1. who is there, and at which version
local alive, version = {}, {}
local position = beside
for _, run in ipairs(runs) do
  local verb, collection = run[1], collections[run[2]]
  local field, expected = collection[6], run[7]
  local column
  if field and is_repeated then
    for number, name in ipairs(run[3]) do if name == field then column = run[5][number] end end
  end
  for number = 1, #run[4] do
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
        local found = version_of(version[key] or call('HGET', key, field), collection[14])
        if found ~= expected[number] then return { 'stale', position - beside } end
      end
    end
    if is_repeated then
      alive[key] = verb ~= 'remove'
      if verb == 'remove' then version[key] = nil elseif column then version[key] = column[number] end
    end
  end
end

-- 2. what stands of each record in indexes, before and after
local touched, order = {}, {}
position = beside
for _, run in ipairs(runs) do
  local verb, collection, slots, columns = run[1], collections[run[2]], run[8], run[9]
  local size = collection[10]
  if size > 0 then
    for number = 1, #run[4] do
      position = position + 1
      local key = KEYS[position]
      local entry = touched[key]
      if not entry then
        local kept = call('HGET', KEYS[collection[5]], run[4][number])
        entry = { collection = collection, text = run[4][number], before = kept and cmsgpack.unpack(kept) or {} }
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
    position = position + #run[4]
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

local claimed, by_text = {}, {}
for _, entry in ipairs(order) do
  for _, rule in ipairs(entry.collection[8]) do
    local value = together(entry.after, rule[2])
    if value then
      local place = rule[1] .. ':' .. value
      local other = claimed[place]
      if other then
        -- at fault is the one that had another value before, or else the later one
        local at = math.max(entry.position, other.position)
        if together(entry.before, rule[2]) == value then at = other.position end
        if together(other.before, rule[2]) == value then at = entry.position end
        return { 'unique', at, rule[3] }
      end
      claimed[place] = entry
    end
    by_text[rule[1] .. ':' .. entry.text] = entry
  end
end
for _, entry in ipairs(order) do
  for _, rule in ipairs(entry.collection[8]) do
    local value = together(entry.after, rule[2])
    if value and value ~= together(entry.before, rule[2]) then
      local holder = call('HGET', KEYS[rule[1]], value)
      -- a holder of this batch has let go of it by the end; one that expired holds nothing
      if holder and holder ~= entry.text and not by_text[rule[1] .. ':' .. holder]
        and call('EXISTS', entry.collection[2] .. holder) == 1 then
        return { 'unique', entry.position, rule[3] }
      end
    end
  end
end

-- 3. write
for _, collection in ipairs(collections) do
  local mark = KEYS[collection[12]]
  if collection[10] == 0 then
    -- an index of an earlier declaration is no longer kept, so nobody may trust it
    if call('EXISTS', mark) == 1 then call('DEL', mark) end
  elseif #order > 0 then
    call('SET', mark, collection[13])
  end
end
for _, entry in ipairs(order) do
  for _, rule in ipairs(entry.collection[8]) do
    local before = together(entry.before, rule[2])
    if before and before ~= together(entry.after, rule[2]) and call('HGET', KEYS[rule[1]], before) == entry.text then
      call('HDEL', KEYS[rule[1]], before)
    end
  end
end
for _, entry in ipairs(order) do
  local collection, before, after = entry.collection, entry.before, entry.after
  for _, index in ipairs(collection[7]) do
    local slot = index[2]
    if before[slot] ~= after[slot] then
      if before[slot] then call('ZREM', KEYS[index[1]], before[slot] .. '\0' .. entry.text) end
      if after[slot] then call('ZADD', KEYS[index[1]], 0, after[slot] .. '\0' .. entry.text) end
    end
  end
  for _, rule in ipairs(collection[8]) do
    local value = together(after, rule[2])
    if value and value ~= together(before, rule[2]) then call('HSET', KEYS[rule[1]], value, entry.text) end
  end
  if #after > 0 then
    call('HSET', KEYS[collection[5]], entry.text, cmsgpack.pack(after))
  else
    call('HDEL', KEYS[collection[5]], entry.text)
  end
end

local function clock()
  local now = call('TIME')
  return now[1] * 1000 + math.floor(now[2] / 1000)
end

local counts = {}
position = beside
for number_of_run, run in ipairs(runs) do
  local verb, collection, names, texts, columns = run[1], collections[run[2]], run[3], run[4], run[5]
  local ttl, streams = collection[3], collection[9]
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
      for place = 1, size do words[2 + 2 * place] = columns[place][number] end
      call(unpack(words, 1, last))
    end
  end
  position = from + #texts
  if verb ~= 'update' then
    local words, size, listing = {}, 0, KEYS[collection[1]]
    for number = 1, #texts do
      if verb == 'add' then
        words[size + 1], words[size + 2] = '0', run[6][number]
        size = size + 2
      else
        size = size + 1
        words[size] = run[6][number]
      end
      if size >= CHUNK or number == #texts then
        call(verb == 'add' and 'ZADD' or 'ZREM', listing, unpack(words, 1, size))
        size = 0
      end
    end
  end
  if run[10] then
    -- keys that were given and not counted: the counter steps over the largest
    local count, given = call('GET', KEYS[collection[11]]) or '0', run[10]
    if #given > #count or (#given == #count and given > count) then call('SET', KEYS[collection[11]], given) end
  end
  if ttl then
    local until_when = verb ~= 'remove' and clock() + ttl
    for number = 1, #texts do
      local key = KEYS[from + number]
      if until_when then
        local milliseconds = string.format('%.0f', until_when)
        call('PEXPIREAT', key, milliseconds)
        for _, stream in ipairs(streams) do call('PEXPIREAT', key .. ':field:' .. stream, milliseconds) end
        call('ZADD', KEYS[collection[4]], milliseconds, run[6][number])
      else
        call('ZREM', KEYS[collection[4]], run[6][number])
      end
    end
  end
end
return { 'ok', counts }
