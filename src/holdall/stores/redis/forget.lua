-- Forget what is indexed, unless a commit holds something that was checked by it.
-- KEYS: the mark, #entries, #commits. Gives the ids and reservations that are in the way, in turn.

local told = redis.call('HGETALL', KEYS[3])
if #told == 0 then redis.call('UNLINK', KEYS[1], KEYS[2]) end
return told
