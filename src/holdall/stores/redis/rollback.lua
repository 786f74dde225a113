-- Let go of what a commit holds. KEYS: #reserved, #commits and #held of each collection. ARGV: the commit's id.
-- Gives { 'ok' }, or { 'format', ... } where another version of Holdall has written what is held; nothing is let
-- go of then.

for number = 1, #KEYS, 3 do
  local refusal = unreadable(ARGV[1], KEYS[number + 1], KEYS[number + 2])
  if refusal then return refusal end
end
for number = 1, #KEYS, 3 do
  if call('HEXISTS', KEYS[number + 1], ARGV[1]) == 1 then
    let_go(ARGV[1], KEYS[number], KEYS[number + 1], KEYS[number + 2])
  end
end
return { 'ok' }
