-- Let go of what a commit held, once it is written.

-- with a time to live of the collection's own, writing has given the whole of it anew
local kept = {}
for position = beside + 1, #KEYS do kept[KEYS[position]] = true end
for number, collection in ipairs(collections) do
  let_go(commit, KEYS[collection[RESERVED]], KEYS[collection[COMMITS]], KEYS[collection[HELD]],
    collection[TTL] and kept, held_parts[number])
end
return { 'ok', counts }
