-- Forget what is indexed, unless a commit holds something that was checked by it.
-- KEYS: the mark, #entries, #commits. Gives the ids and reservations that are in the way, in turn.

local MARK, ENTRIES, COMMITS = 1, 2, 3

local told = redis.call('HGETALL', KEYS[COMMITS])
if #told == 0 then redis.call('UNLINK', KEYS[MARK], KEYS[ENTRIES]) end
return told
