-- Counters of generated keys. Numbers are compared as text: those of Lua are exact to 53 bits only.

local function is_larger(number, other)
  return #number > #other or (#number == #other and number > other)
end

-- the largest key that is listed, '0' where none is above 0
local function largest_listed(listing, separators)
  local member = redis.call('ZREVRANGE', listing, 0, 0)[1]
  if not member then return '0' end
  local place = 0
  for _ = 1, separators do place = string.find(member, '\0', place + 1, true) end
  return string.match(string.sub(member, place + 1), '^%d+') or '0'
end

-- raise a counter to a key; one that was lost must not begin again below what is there
local function step_over(counter, listing, separators, key)
  local count = redis.call('GET', counter)
  if not count then
    count = '0'
    local largest = largest_listed(listing, separators)
    if is_larger(largest, key) then key = largest end
  end
  if is_larger(key, count) then redis.call('SET', counter, key) end
end
