-- Read records as they are at one instant.
-- KEYS[1]: the sorted set of all keys, KEYS[2]: the mark of what is indexed. ARGV: record prefix, names of the fields to read, where to look, bound.
-- Where to look: { 'keys', texts } or { 'ranges', alternatives } or { 'page', low, high, is reversed, skip, count,
-- separators }.
-- An alternative: { 'sorted', key, { low, high, ... }, separators before a member's key } or { 'unique', key, { value,
-- ... } }; the one that finds the fewest is taken. More records than the bound, if that is not 0, give { 'many', how many }.
-- ARGV[6] is the mark that must be there where an index is asked; else { 'unbuilt' }.
-- Gives { 'ok', JSON }: a list with a list for each record; where ARGV[5] says so, { 'raw', key, values, ... } instead.

local call, unpack, concat = redis.call, unpack, table.concat
local prefix, names, where, bound = ARGV[1], cmsgpack.unpack(ARGV[2]), cmsgpack.unpack(ARGV[3]), tonumber(ARGV[4])
local is_raw = ARGV[5] == 'raw'
local size = #names
local words, last = { 'HMGET', '' }, size + 2
for place = 1, size do words[2 + place] = names[place] end
local found, count = {}, 0

local function read(text)
  words[2] = prefix .. text
  local values = call(unpack(words, 1, last))
  local is_there = values[1]
  for place = 1, size do
    if not values[place] then
      values[place] = 'null'
    else
      is_there = true
    end
  end
  if not is_there and call('EXISTS', words[2]) == 0 then return false end
  count = count + 1
  if is_raw then
    found[count] = { words[2], values }
  else
    found[count] = concat(values, ',\n')
  end
  return true
end

local find, sub = string.find, string.sub

local function text_of(member, separators)
  local place = 0
  for _ = 1, separators do place = find(member, '\0', place + 1, true) end
  return sub(member, place + 1)
end

local function size_of(alternative)
  if alternative[1] == 'unique' then return #alternative[3] end
  local total, ranges = 0, alternative[3]
  for place = 1, #ranges, 2 do total = total + call('ZLEXCOUNT', alternative[2], ranges[place], ranges[place + 1]) end
  return total
end

if ARGV[6] ~= '' and call('GET', KEYS[2]) ~= ARGV[6] and call('EXISTS', KEYS[1]) == 1 then return { 'unbuilt' } end

if where[1] == 'keys' then
  local texts = where[2]
  for place = 1, #texts do read(texts[place]) end
elseif where[1] == 'ranges' then
  local best, fewest
  for _, alternative in ipairs(where[2]) do
    local total = size_of(alternative)
    if not fewest or total < fewest then best, fewest = alternative, total end
  end
  if bound > 0 and fewest > bound then return { 'many', fewest } end
  local seen, ranges = {}, best[3]
  local is_one = #ranges <= 2 and best[2] == KEYS[1]  -- each record stands there once
  local function once(text)
    if is_one then return read(text) end
    if not seen[text] then
      seen[text] = true
      read(text)
    end
  end
  if best[1] == 'unique' then
    for _, text in ipairs(ranges) do
      local holder = call('HGET', best[2], text)
      if holder then once(holder) end
    end
  else
    for place = 1, #ranges, 2 do
      local members = call('ZRANGEBYLEX', best[2], ranges[place], ranges[place + 1])
      for number = 1, #members do once(text_of(members[number], best[4])) end
    end
  end
else
  local low, high, is_reversed, skip, wanted, separators =
    where[2], where[3], where[4], where[5], where[6], where[7]
  local command = is_reversed and 'ZREVRANGEBYLEX' or 'ZRANGEBYLEX'
  if is_reversed then low, high = high, low end
  while count < wanted do
    local members = call(command, KEYS[1], low, high, 'LIMIT', skip, wanted - count)
    for number = 1, #members do read(text_of(members[number], separators)) end
    if #members == 0 or wanted > 2147483646 then break end
    skip = skip + #members
  end
end
if is_raw then return { 'raw', found } end
if count == 0 then return { 'ok', '[]' } end
return { 'ok', '[[' .. concat(found, '],[') .. ']]' }
