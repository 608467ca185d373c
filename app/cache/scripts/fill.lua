#!lua
-- Fill entries for which a lease was granted.
-- KEYS: epoch, entry...   ARGV: epoch of the lease, lease token, then for each entry: version, body, life in ms
-- Returns how many were accepted: those whose lease is still valid and whose version is not below the floor, in the same epoch.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
local accepted = 0
for i = 2, #KEYS do
  local at = 3 + (i - 2) * 3
  local entry = redis.call('HMGET', KEYS[i], 'floor', 'lease')
  if entry[2] == ARGV[2] then
    redis.call('HDEL', KEYS[i], 'lease', 'leased_until')
    if tonumber(ARGV[at]) >= tonumber(entry[1] or 0) then
      redis.call('HSET', KEYS[i], 'epoch', ARGV[1], 'version', ARGV[at], 'body', ARGV[at + 1], 'fill', ARGV[2])
      redis.call('PEXPIRE', KEYS[i], ARGV[at + 2])
      accepted = accepted + 1
    end
  end
end
return accepted
