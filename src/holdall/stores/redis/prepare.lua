-- Check all that apply checks, then hold records and unique values for a commit, in place of what it held before.
-- Nothing of the records is written; the counter steps over keys that are given.
-- Gives { 'ok', {} } or a refusal, after which the commit holds nothing.

local held_before = {}  -- by number of a collection: what the commit holds there, or false

local function let_go_of_all()
  for _, place in ipairs(head[ELSEWHERE]) do
    local commits = KEYS[place[PLACE_COMMITS]]
    if call('HEXISTS', commits, commit) == 1 then
      let_go(commit, KEYS[place[PLACE_RESERVED]], commits, KEYS[place[PLACE_HELD]])
    end
  end
  for _, collection in ipairs(collections) do
    let_go(commit, KEYS[collection[RESERVED]], KEYS[collection[COMMITS]], KEYS[collection[HELD]])
  end
end

local function new_parts()
  local parts = {}
  for number in ipairs(collections) do
    local earlier, times = held_before[number], {}
    for _, time in ipairs(earlier and earlier[TIMES] or {}) do times[time[TIME_KEY]] = time end
    parts[number] = { fields = {}, seen = {}, keys = {}, times = {}, earlier = times }
  end
  return parts
end

local function hold(part, field)
  if not part.seen[field] then
    part.seen[field] = true
    part.fields[#part.fields + 1] = field
  end
end

-- a record that would expire before the decision must still be there
local function keep_alive(part, collection, key, member)
  if part.keys[key] then return end
  part.keys[key] = true
  local time = part.earlier[key]
  if not time then
    local at = call('PEXPIRETIME', key)
    if at > 0 then time = { key, at, collection[TTL] and member or false } end
  end
  part.times[#part.times + 1] = time
end

local function gather_parts()
  local parts, position = new_parts(), beside
  for _, run in ipairs(runs) do
    local part, collection = parts[run[COLLECTION]], collections[run[COLLECTION]]
    for number, text in ipairs(run[TEXTS]) do
      position = position + 1
      hold(part, 'k:' .. text)
      if run[VERB] == 'remove' then hold(part, 'r:' .. text) end
      -- what is added and was not held before is not there, unless another change of the same batch removes it
      if run[VERB] ~= 'add' or is_repeated or held_before[run[COLLECTION]] then
        keep_alive(part, collection, KEYS[position], run[MEMBERS][number])
      end
    end
  end
  for _, entry in ipairs(order) do
    for _, rule in ipairs(entry.collection[UNIQUES]) do
      local value = together(entry.after, rule[RULE_SLOTS])
      if value and value ~= together(entry.before, rule[RULE_SLOTS]) then
        hold(parts[entry.number], unique_field(rule, value))
      end
    end
  end
  return parts
end

local function persist(part, collection)
  local expiry = collection[EXPIRY] and KEYS[collection[EXPIRY]] or false
  for _, time in ipairs(part.times) do
    call('PERSIST', time[TIME_KEY])
    for _, stream in ipairs(collection[STREAMS]) do call('PERSIST', time[TIME_KEY] .. ':field:' .. stream) end
    if expiry and time[TIME_MEMBER] then call('ZADD', expiry, 'XX', '+inf', time[TIME_MEMBER]) end
  end
  return { HELD_FORMAT, part.fields, part.times, collection[STREAMS], expiry }
end

local function reserve()
  local parts = gather_parts()
  for _, collection in ipairs(collections) do
    -- the first thing written is one that a server without memory refuses
    call('HSET', KEYS[collection[COMMITS]], commit, head[RESERVATION])
  end
  for _, place in ipairs(head[ELSEWHERE]) do
    let_go(commit, KEYS[place[PLACE_RESERVED]], KEYS[place[PLACE_COMMITS]], KEYS[place[PLACE_HELD]])
  end
  for number, collection in ipairs(collections) do
    local part = parts[number]
    local reserved, commits, held = KEYS[collection[RESERVED]], KEYS[collection[COMMITS]], KEYS[collection[HELD]]
    if held_before[number] then
      let_go(commit, reserved, commits, held, part.keys)
      call('HSET', commits, commit, head[RESERVATION])
    end
    for start = 1, #part.fields, PART do
      local words = {}
      for place = start, math.min(start + PART - 1, #part.fields) do
        words[#words + 1], words[#words + 2] = part.fields[place], commit
      end
      call('HSET', reserved, unpack(words))
    end
    call('HSET', held, commit, cmsgpack.pack(persist(part, collection)))
  end
  for _, run in ipairs(runs) do
    local collection = collections[run[COLLECTION]]
    if run[LARGEST] then step_over(KEYS[collection[COUNTER]], KEYS[collection[LISTING]], 1, run[LARGEST]) end
  end
end

-- what pcall caught, as the reply that the server would have given: Redis catches texts, others tables
local function reply_of(failure)
  return type(failure) == 'string' and redis.error_reply(failure) or failure
end

for number, collection in ipairs(collections) do
  local refusal, _, found = unreadable(commit, KEYS[collection[COMMITS]], KEYS[collection[HELD]])
  if refusal then return refusal end
  held_before[number] = found or false
end
local is_looked, refusal = pcall(check)
if not is_looked or refusal then
  let_go_of_all()
  return reply_of(refusal)
end
local is_held, failure = pcall(reserve)
if not is_held then
  let_go_of_all()
  return reply_of(failure)
end
return { 'ok', {} }
