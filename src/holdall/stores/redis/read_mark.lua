-- The mark of a collection, as holdall.stores.redis.mark tells it: what is indexed, '|', what of all that lies beside the
-- records was not empty, '#' and the number of the format in which all that is written. One without a number is of
-- format 1; every later one ends with '#' and its number.

local MARK_FORMAT = 1

-- what is indexed, what was not empty, and { 'format', ... } where the format is another; false, '' without a mark
local function told_by(mark, key)
  if not mark then return false, '' end
  local place = string.find(mark, '|', 1, true)
  if not place then return mark, '' end
  local last, refusal = string.find(mark, '#', place, true), nil
  if last then
    local format = tonumber(string.sub(mark, last + 1))
    if format ~= MARK_FORMAT then refusal = { 'format', key, format or false, MARK_FORMAT } end
  end
  return string.sub(mark, 1, place - 1), string.sub(mark, place + 1, (last or 0) - 1), refusal
end

local function read_mark(key) return told_by(redis.call('GET', key), key) end

local function mark_of(declared, told) return declared .. '|' .. table.concat(told) .. '#' .. MARK_FORMAT end
