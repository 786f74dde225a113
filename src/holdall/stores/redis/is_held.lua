-- Whether this commit holds something to be written: { 'gone' } where nothing is held under its id.

local held_parts = {}  -- by number of a collection: what the commit holds there

do
  local is_held = false
  for number, collection in ipairs(collections) do
    local refusal, is_there, found = unreadable(commit, KEYS[collection[COMMITS]], KEYS[collection[HELD]])
    if refusal then return refusal end
    held_parts[number] = found or false
    is_held = is_held or is_there
  end
  if not is_held then return { 'gone' } end
end
