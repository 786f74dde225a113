-- Raise a counter of generated keys to a key, as text: numbers of Lua are exact to 53 bits only. A counter that was lost
-- must not begin again below what is there, so it then steps over the largest key that is listed as well.

local function step_over(counter, listing, separators, key)
  local function is_larger(number, other)
    return #number > #other or (#number == #other and number > other)
  end
  local count = redis.call('GET', counter)
  if not count then
    count = '0'
    local member, place = redis.call('ZREVRANGE', listing, 0, 0)[1] or ('\0'):rep(separators), 0
    for _ = 1, separators do place = string.find(member, '\0', place + 1, true) end
    local largest = string.match(string.sub(member, place + 1), '^%d+') or '0'
    if is_larger(largest, key) then key = largest end
  end
  if is_larger(key, count) then redis.call('SET', counter, key) end
end
