-- Write what a commit has prepared and let go of it. Gives { 'ok', counts }, a refusal, after which it is still held, or
-- { 'gone' } where nothing is held under this commit.

local is_held = false
for _, collection in ipairs(collections) do
  local commits, held = KEYS[collection[COMMITS]], KEYS[collection[HELD]]
  local refusal = unreadable(commit, commits, held)
  if refusal then return refusal end
  is_held = is_held or call('HEXISTS', commits, commit) == 1
end
if not is_held then return { 'gone' } end

local refusal = check()
if refusal then return refusal end
local counts = write()

-- with a time to live of the collection's own, writing has given the whole of it anew
local kept = {}
for position = beside + 1, #KEYS do kept[KEYS[position]] = true end
for _, collection in ipairs(collections) do
  let_go(commit, KEYS[collection[RESERVED]], KEYS[collection[COMMITS]], KEYS[collection[HELD]],
    collection[TTL] and kept)
end
return { 'ok', counts }
