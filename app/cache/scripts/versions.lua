#!lua
-- Read the versions of entries without their bodies, and without granting leases.
-- KEYS: epoch, entry...   ARGV: epoch expected
-- Returns for each entry its version, or false if it is not valid or says that there is nothing to show.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return redis.error_reply('ANOTHEREPOCH') end
local answer = {}
for i = 2, #KEYS do
  local entry = redis.call('HMGET', KEYS[i], 'epoch', 'version', 'floor')
  local valid = entry[1] == ARGV[1] and entry[2] and tonumber(entry[2]) >= tonumber(entry[3] or 0)
  answer[#answer + 1] = valid and redis.call('HSTRLEN', KEYS[i], 'body') > 0 and entry[2]
end
return answer
