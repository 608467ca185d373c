#!lua
-- Read a list that is valid under the current generation tokens; on a miss, grant a lease to fill it.
-- KEYS: epoch, list, generation...   ARGV: epoch expected, lease token, lease in ms, token for missing generations, life in ms
-- Returns the stamp (epoch and tokens, read before the list is loaded), body | false, 'hit' | 'lease' | 'busy', and the lease
-- that the body was filled under ('' if it is not known).
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return redis.error_reply('ANOTHEREPOCH') end
local tokens = redis.call('MGET', unpack(KEYS, 3))
for i, token in ipairs(tokens) do
  if not token then
    tokens[i] = ARGV[4]
    -- A token that has expired, or was evicted, comes back as another one.
    redis.call('SET', KEYS[i + 2], tokens[i], 'EX', 86400)
  end
end
local stamp = ARGV[1] .. ' ' .. table.concat(tokens, ' ')
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local list = redis.call('HMGET', KEYS[2], 'stamp', 'body', 'lease', 'leased_until', 'fill')
if list[1] == stamp and list[2] then return { stamp, list[2], 'hit', list[5] or '' } end
if list[3] and tonumber(list[4]) > now then return { stamp, false, 'busy', '' } end
redis.call('HSET', KEYS[2], 'lease', ARGV[2], 'leased_until', now + ARGV[3])
if redis.call('PTTL', KEYS[2]) < 0 then redis.call('PEXPIRE', KEYS[2], ARGV[5]) end
return { stamp, false, 'lease', '' }
