-- Every reservation. KEYS: #commits of each collection. Gives ids and reservations in turn; an id may come twice.

local found = {}
for _, commits in ipairs(KEYS) do
  for _, word in ipairs(redis.call('HGETALL', commits)) do found[#found + 1] = word end
end
return found
