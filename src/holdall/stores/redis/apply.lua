-- Apply changes, all or none. Gives { 'ok', counts of keys removed where streams are, run by run } or a refusal.

local refusal = check()
if refusal then return refusal end
return { 'ok', write() }
