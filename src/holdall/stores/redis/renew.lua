-- Put a reservation anew where its commit holds something. KEYS: #commits of each collection. ARGV: its id, itself.

local COMMIT, RESERVATION = 1, 2

for _, commits in ipairs(KEYS) do
  if redis.call('HEXISTS', commits, ARGV[COMMIT]) == 1 then redis.call('HSET', commits, ARGV[COMMIT], ARGV[RESERVATION]) end
end
return { 'ok' }
