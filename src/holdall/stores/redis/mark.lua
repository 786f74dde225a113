-- Say that all is indexed as it is declared, if the mark is still what it is to be in place of.
-- KEYS: the collection's keys, the mark, entries, then its indexes, then its unique rules.
-- ARGV: what is declared, the mark that must be there or '' for any, whether anything is indexed. Gives whether it did.

if ARGV[2] ~= '' and call('GET', KEYS[2]) ~= ARGV[2] then return 0 end
set_mark(ARGV[1], 3, ARGV[3] == '1')
return 1
