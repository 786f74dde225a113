-- Whether this commit holds something to be written: { 'gone' } where nothing is held under its id.

do
  local is_held = false
  for _, collection in ipairs(collections) do
    local commits, held = KEYS[collection[COMMITS]], KEYS[collection[HELD]]
    local refusal = unreadable(commit, commits, held)
    if refusal then return refusal end
    is_held = is_held or call('HEXISTS', commits, commit) == 1
  end
  if not is_held then return { 'gone' } end
end
