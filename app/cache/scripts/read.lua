#!lua
-- Read entries; on a miss, grant a lease to fill them.
-- KEYS: epoch, generation, entry...   ARGV: epoch expected, lease token, lease in ms, entry life in ms
-- Returns the stamp of lists of that generation, as read_list does, or '' if it has no token; then for each entry: version, body
-- and the lease that it was filled under (hit; '' if that was not noted), 'lease' and false (miss), or 'busy', the lease of whoever
-- is loading it, and the floor.
-- An entry counts only in the epoch it was written in, and only at or above its floor.
local epoch = ARGV[1]
if redis.call('GET', KEYS[1]) ~= epoch then return redis.error_reply('ANOTHEREPOCH') end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local token = redis.call('GET', KEYS[2])
local answer = { token and epoch .. ' ' .. token or '' }
for i = 3, #KEYS do
  local entry = redis.call('HMGET', KEYS[i], 'epoch', 'version', 'body', 'floor', 'lease', 'leased_until', 'fill')
  if entry[1] == epoch and entry[3] and tonumber(entry[2]) >= tonumber(entry[4] or 0) then
    answer[#answer + 1] = { entry[2], entry[3], entry[7] or '' }
  elseif entry[5] and tonumber(entry[6]) > now then
    answer[#answer + 1] = { 'busy', entry[5], entry[4] or '0' }
  else
    redis.call('HSET', KEYS[i], 'lease', ARGV[2], 'leased_until', now + ARGV[3])
    if redis.call('PTTL', KEYS[i]) < 0 then redis.call('PEXPIRE', KEYS[i], ARGV[4]) end
    answer[#answer + 1] = { 'lease', false }
  end
end
return answer
