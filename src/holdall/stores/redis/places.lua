-- Where each thing stands in what Python sends; holdall.stores.redis.sent has the same names in the same order.
-- KEYS: what lies beside the records (told by its number there), then the record of each change in order, then streams.
-- ARGV[1] is the head, ARGV[2...] are runs of changes.

-- the head: KEYS beside the records, the collections, whether any record is changed twice, and, for a part of a commit
-- over several stores, the commit's id, its encoded reservation, and where else it may hold something; which fences are
-- passed, or false
local BESIDE, COLLECTIONS, IS_REPEATED, COMMIT, RESERVATION, ELSEWHERE, PASSING = 1, 2, 3, 4, 5, 6, 7

-- a collection: TTL in ms or false, VERSION the name of a field or false, SLOTS how many
local LISTING, PREFIX, TTL, EXPIRY, ENTRIES, VERSION, INDEXES, UNIQUES, STREAMS = 1, 2, 3, 4, 5, 6, 7, 8, 9
local SLOTS, COUNTER, MARK, DECLARED, IS_TYPED, RESERVED, COMMITS, HELD = 10, 11, 12, 13, 14, 15, 16, 17

-- an index, a unique rule, and a place where commits hold something
local INDEX_KEY, INDEX_SLOT = 1, 2
local RULE_KEY, RULE_SLOTS, RULE_NUMBER = 1, 2, 3
local PLACE_RESERVED, PLACE_COMMITS, PLACE_HELD = 1, 2, 3

-- a run: LARGEST is the largest key that was given and not counted, or false; LISTS are the places of columns in which
-- lists of references may stand as differences, or false; EXPECTED, by number, names and stored texts in turn, or false;
-- IS_WHOLE, whether every field of records that may be no hashes is given; ORIGINS, by number, the texts of the keys
-- that records had, or false
local VERB, COLLECTION, NAMES, TEXTS, COLUMNS, MEMBERS, VERSIONS = 1, 2, 3, 4, 5, 6, 7
local GIVEN_SLOTS, SLOT_COLUMNS, LARGEST, LISTS, EXPECTED, IS_WHOLE, ORIGINS = 8, 9, 10, 11, 12, 13, 14

-- a list of references as a difference: the whole that was wanted, and JSON lists of what came and went
local WHOLE, COME, GONE = 1, 2, 3

local call, unpack, concat, sub = redis.call, unpack, table.concat, string.sub
local head, runs = cmsgpack.unpack(ARGV[1]), {}
for number = 1, #ARGV - 1 do runs[number] = cmsgpack.unpack(ARGV[number + 1]) end
local beside, collections, is_repeated, commit = head[BESIDE], head[COLLECTIONS], head[IS_REPEATED], head[COMMIT]
