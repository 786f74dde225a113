-- Read some fields of records, as they are at one instant. KEYS: the records. ARGV: names of the fields.

local found = {}
for number, key in ipairs(KEYS) do found[number] = redis.call('HMGET', key, unpack(ARGV)) end
return found
