-- Make entries old: raise the floor, take back the lease, drop the body or replace it by the newer one.
-- KEYS: epoch, generation..., entry...   ARGV: number of generations, new token, entry life in ms,
-- then for each entry: version, '1' if a body follows to replace the old one else '0', body
-- A version that is not above the floor was applied before, so repeated and late calls change nothing.
local generations = tonumber(ARGV[1])
for i = 2, 1 + generations do
  redis.call('SET', KEYS[i], ARGV[2])
end
local epoch = redis.call('GET', KEYS[1])
local applied = 0
for i = 2 + generations, #KEYS do
  local at = 4 + (i - 2 - generations) * 3
  local floor = redis.call('HGET', KEYS[i], 'floor')
  if not floor or tonumber(ARGV[at]) > tonumber(floor) then
    redis.call('HSET', KEYS[i], 'floor', ARGV[at])
    redis.call('HDEL', KEYS[i], 'lease', 'leased_until')
    if epoch and ARGV[at + 1] == '1' then
      redis.call('HSET', KEYS[i], 'epoch', epoch, 'version', ARGV[at], 'body', ARGV[at + 2])
    else
      redis.call('HDEL', KEYS[i], 'epoch', 'version', 'body')
    end
    redis.call('PEXPIRE', KEYS[i], ARGV[3])
    applied = applied + 1
  end
end
return applied
