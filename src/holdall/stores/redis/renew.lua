-- Put a reservation anew where its commit holds something. KEYS: #commits of each collection. ARGV: its id, itself.

for _, commits in ipairs(KEYS) do
  if redis.call('HEXISTS', commits, ARGV[1]) == 1 then redis.call('HSET', commits, ARGV[1], ARGV[2]) end
end
return { 'ok' }
