-- Read records as they are at one instant.
-- KEYS[1]: the sorted set of all keys, KEYS[2]: the mark of what is indexed.
-- ARGV: record prefix, names of the fields to read, where to look, bound, form, what is declared, names of the key.
-- Where to look: { 'keys', texts } or { 'ranges', alternatives } or { 'page', low, high, is reversed, skip, count,
-- separators }.
-- An alternative: { 'sorted', key, { low, high, ... }, separators before a member's key, number } or { 'unique', key,
-- { value, ... }, 0, number }, with its number in the mark; the one that finds the fewest is taken. More records than
-- the bound, if that is not 0, give { 'many', how many }.
-- Where an index is asked the mark must be of what is declared, else { 'unbuilt' }; { 'lost', key } where nothing is
-- found by a key that the mark tells of and that is gone; { 'format', ... } where the mark has another format.
-- Gives { 'ok', JSON, count, doubtful }: a list with a list for each record, and { text, its key's values, ... } of
-- those that may hold another key than their name; { 'damaged' } where one is no hash. Where the form is 'raw',
-- { 'raw', { name, values } or { name, type }, ... } instead, the key's values after the others.

-- the places of all this, as holdall.stores.redis.asked has them
local LISTING, MARK = 1, 2
local PREFIX, NAMES, WHERE, BOUND, FORM, DECLARED, KEY_NAMES = 1, 2, 3, 4, 5, 6, 7
local KIND, TEXTS = 1, 2
local ALTERNATIVES = 2
local KEY, WANTED, SEPARATORS, NUMBER = 2, 3, 4, 5
local LOW, HIGH, IS_REVERSED, SKIP, PAGE_SIZE, PAGE_SEPARATORS = 2, 3, 4, 5, 6, 7

local call, unpack, concat = redis.call, unpack, table.concat
local prefix, names, where = ARGV[PREFIX], cmsgpack.unpack(ARGV[NAMES]), cmsgpack.unpack(ARGV[WHERE])
local bound, is_raw, key_names = tonumber(ARGV[BOUND]), ARGV[FORM] == 'raw', cmsgpack.unpack(ARGV[KEY_NAMES])
local find, sub = string.find, string.sub
local size, parts = #names, #key_names
local words, last, places = { 'HMGET', '' }, size + 2, {}
for place = 1, size do words[2 + place] = names[place] end
for part, name in ipairs(key_names) do
  for place = 1, size do if names[place] == name then places[part] = place end end
  if is_raw or not places[part] then
    last = last + 1
    words[last], places[part] = name, last - 2
  end
end
local found, doubtful, count, is_damaged = {}, {}, 0, false

-- whether the key that a record holds is plainly the one in its name
local function names_itself(values, text)
  if parts == 1 then
    local held = values[places[1]]
    return held == text or held == '"' .. text .. '"'
      or held and (find(held, '"value": "' .. text .. '"', 1, true) or find(held, '"value":"' .. text .. '"', 1, true))
  end
  local held = {}
  for part = 1, parts do
    local value = values[places[part]] or ''
    held[part] = sub(value, 1, 1) == '"' and sub(value, 2, -2) or value
  end
  return concat(held, ':') == text
end

local function read(text)
  words[2] = prefix .. text
  local values = redis.pcall(unpack(words, 1, last))
  if values.err then
    count, is_damaged = count + 1, true
    if is_raw then found[count] = { words[2], call('TYPE', words[2]).ok } end
    return
  end
  local is_there = values[1]
  for place = 1, last - 2 do
    if not values[place] then
      values[place] = 'null'
    else
      is_there = true
    end
  end
  if not is_there and call('EXISTS', words[2]) == 0 then return end
  count = count + 1
  if is_raw then
    found[count] = { words[2], values }
    return
  end
  found[count] = concat(values, ',\n', 1, size)
  if not names_itself(values, text) then
    local told = { text }
    for part = 1, parts do told[1 + part] = values[places[part]] end
    doubtful[#doubtful + 1] = told
  end
end

-- where nothing was found: whether this key, of this number in the mark, has gone, or the mark has another format
local function lost(key, number)
  if count > 0 or call('EXISTS', key) == 1 then return nil end
  local _, told, refusal = read_mark(KEYS[MARK])
  return refusal or sub(told, number, number) == '1' and { 'lost', key }
end

local function text_of(member, separators)
  local place = 0
  for _ = 1, separators do place = find(member, '\0', place + 1, true) end
  return sub(member, place + 1)
end

local function size_of(alternative)
  local key, ranges, total = alternative[KEY], alternative[WANTED], 0
  if alternative[KIND] == 'unique' then return #ranges end
  for place = 1, #ranges, 2 do total = total + call('ZLEXCOUNT', key, ranges[place], ranges[place + 1]) end
  return total
end

if ARGV[DECLARED] ~= '' then
  local declared, _, refusal = read_mark(KEYS[MARK])
  if refusal then return refusal end
  if declared ~= ARGV[DECLARED] and call('EXISTS', KEYS[LISTING]) == 1 then return { 'unbuilt' } end
end

if where[KIND] == 'keys' then
  local texts = where[TEXTS]
  for place = 1, #texts do read(texts[place]) end
elseif where[KIND] == 'ranges' then
  local best, fewest
  for _, alternative in ipairs(where[ALTERNATIVES]) do
    local total = size_of(alternative)
    if not fewest or total < fewest then best, fewest = alternative, total end
  end
  if bound > 0 and fewest > bound then return { 'many', fewest } end
  local seen, key, ranges = {}, best[KEY], best[WANTED]
  local is_one = #ranges <= 2 and key == KEYS[LISTING]  -- each record stands there once
  local function once(text)
    if is_one then return read(text) end
    if not seen[text] then
      seen[text] = true
      read(text)
    end
  end
  if best[KIND] == 'unique' then
    for _, text in ipairs(ranges) do
      local holder = call('HGET', key, text)
      if holder then once(holder) end
    end
  else
    for place = 1, #ranges, 2 do
      local members = call('ZRANGEBYLEX', key, ranges[place], ranges[place + 1])
      for number = 1, #members do once(text_of(members[number], best[SEPARATORS])) end
    end
  end
  local refusal = lost(key, best[NUMBER])
  if refusal then return refusal end
else
  local low, high, is_reversed, skip = where[LOW], where[HIGH], where[IS_REVERSED], where[SKIP]
  local wanted, separators = where[PAGE_SIZE], where[PAGE_SEPARATORS]
  local command = is_reversed and 'ZREVRANGEBYLEX' or 'ZRANGEBYLEX'
  if is_reversed then low, high = high, low end
  local is_empty = call('EXISTS', KEYS[LISTING]) == 0
  while count < wanted and not is_empty do
    -- a member whose record is gone counts neither among those skipped nor on the page
    local members = call(command, KEYS[LISTING], low, high, 'LIMIT', 0, math.min(math.max(skip, wanted - count), 1000))
    if #members == 0 then break end
    low = '(' .. members[#members]
    local texts = {}
    for number = 1, #members do texts[number] = text_of(members[number], separators) end
    local first = 1
    if skip > 0 then
      local skipped = {}
      for number = 1, math.min(skip, #texts) do skipped[number] = prefix .. texts[number] end
      skip, first = skip - call('EXISTS', unpack(skipped)), #skipped + 1
    end
    for number = first, #texts do
      if count >= wanted then break end
      if skip == 0 then
        read(texts[number])
      elseif call('EXISTS', prefix .. texts[number]) == 1 then
        skip = skip - 1
      end
    end
  end
  local refusal = is_empty and lost(KEYS[LISTING], 1)
  if refusal then return refusal end
end
if is_raw then return { 'raw', found } end
if is_damaged then return { 'damaged' } end
if count == 0 then return { 'ok', '[]', 0, {} } end
return { 'ok', '[[' .. concat(found, '],\n[') .. ']]', count, doubtful }
