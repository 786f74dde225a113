-- What a commit over several stores holds in a collection: in #reserved, its id by what it holds, 'k:' and a record's
-- text, 'r:' and the same where it is to be removed, 'u:' and the name of a unique rule's key and a value; in #commits,
-- its reservation by its id; 'f:' and what passes where the whole collection is fenced (see Fencing). In #held, by its
-- id, { format, fields in #reserved, times, streams, #expiry or false }.
-- A time is { record, when it would have expired in ms, member of #expiry or false }: what is held does not expire.

local call, unpack = redis.call, unpack
local HELD_FORMAT = 1
local FORMAT, FIELDS, TIMES, HELD_STREAMS, HELD_EXPIRY = 1, 2, 3, 4, 5
local TIME_KEY, TIME_AT, TIME_MEMBER = 1, 2, 3
local PART = 1000

local function held_by(commit, held)
  local packed = call('HGET', held, commit)
  return packed and cmsgpack.unpack(packed)
end

-- { 'format', the key, the number found, the number known } where another version of Holdall wrote what is held here;
-- or else nil, whether the commit's reservation is here, and what it holds, nil for nothing
local function unreadable(commit, commits, held)
  local packed, is_there = call('HGET', held, commit), call('HEXISTS', commits, commit) == 1
  if not packed and not is_there then return nil, false end
  local is_read, found = pcall(cmsgpack.unpack, packed or '')
  local format = is_read and type(found) == 'table' and tonumber(found[FORMAT])
  if format ~= HELD_FORMAT then return { 'format', held, format or false, HELD_FORMAT } end
  return nil, is_there, found
end

local function expire(found, time)
  local at = string.format('%.0f', time[TIME_AT])
  for _, stream in ipairs(found[HELD_STREAMS]) do call('PEXPIREAT', time[TIME_KEY] .. ':field:' .. stream, at) end
  if call('PEXPIREAT', time[TIME_KEY], at) == 1 and found[HELD_EXPIRY] then
    call('ZADD', found[HELD_EXPIRY], 'XX', at, time[TIME_MEMBER])
  end
end

-- let go of all that the commit holds here, found where it was read before; records that are in kept do not get the
-- time back that they had
local function let_go(commit, reserved, commits, held, kept, found)
  found = found or held_by(commit, held)
  if found then
    local fields = found[FIELDS]
    for start = 1, #fields, PART do
      local last = math.min(start + PART - 1, #fields)
      local owners, own = call('HMGET', reserved, unpack(fields, start, last)), {}
      for place, owner in ipairs(owners) do
        if owner == commit then own[#own + 1] = fields[start + place - 1] end
      end
      if #own > 0 then call('HDEL', reserved, unpack(own)) end
    end
    for _, time in ipairs(found[TIMES]) do
      if not (kept and kept[time[TIME_KEY]]) then expire(found, time) end
    end
    call('HDEL', held, commit)
  end
  call('HDEL', commits, commit)
end
