#!lua
-- Give back leases under which nothing could be loaded, so that the next reader need not wait until they end.
-- KEYS: entry or list...   ARGV: lease token
for i = 1, #KEYS do
  if redis.call('HGET', KEYS[i], 'lease') == ARGV[1] then redis.call('HDEL', KEYS[i], 'lease', 'leased_until') end
end
return 1
