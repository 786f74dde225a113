-- Set a fence around a collection. KEYS: its #reserved, #commits and #held. ARGV: the fence's id, its reservation,
-- 'f:' and what passes. Gives { 'ok' }, or { 'format', ... } where another version of Holdall wrote what is held.

local reserved, commits, held = KEYS[1], KEYS[2], KEYS[3]
local refusal = unreadable(ARGV[1], commits, held)
if refusal then return refusal end
if call('HEXISTS', commits, ARGV[1]) == 1 then let_go(ARGV[1], reserved, commits, held) end
call('HSET', commits, ARGV[1], ARGV[2])
call('HSET', reserved, ARGV[3], ARGV[1])
call('HSET', held, ARGV[1], cmsgpack.pack({ HELD_FORMAT, { ARGV[3] }, {}, {}, false }))
return { 'ok' }
