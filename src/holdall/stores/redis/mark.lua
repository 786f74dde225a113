-- Say that all is indexed as it is declared, if the mark is still what it is to be in place of.
-- KEYS: the collection's keys, the mark, entries, then its indexes, then its unique rules.
-- ARGV: what is declared, the mark that must be there or '' for any, whether anything is indexed. Gives whether it did.

local DECLARED, EXPECTED, IS_INDEXED = 1, 2, 3

if ARGV[EXPECTED] ~= '' and call('GET', KEYS[MARK]) ~= ARGV[EXPECTED] then return 0 end
set_mark(ARGV[DECLARED], ENTRIES, ARGV[IS_INDEXED] == '1')
return 1
