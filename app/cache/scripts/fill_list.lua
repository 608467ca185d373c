#!lua
-- Fill a list under the stamp that was read before it was loaded.
-- KEYS: list   ARGV: stamp, lease token, body, life in ms
if redis.call('HGET', KEYS[1], 'lease') ~= ARGV[2] then return 0 end
redis.call('HDEL', KEYS[1], 'lease', 'leased_until')
redis.call('HSET', KEYS[1], 'stamp', ARGV[1], 'body', ARGV[3], 'fill', ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[4])
return 1
