#!lua
-- Confirm that all that an answer was made of is as it was.
-- KEYS: epoch, generation..., entry or list...   ARGV: how many of them are tokens, then what each was: a token, or a body's name
-- A body's name is the lease it was filled under and, of an entry, its version. Whatever replaces a body has a higher version,
-- whatever drops it takes the version or the key away, and whoever fills it in again has another lease or a higher version.
local tokens = tonumber(ARGV[1])
for i = 1, tokens do
  if redis.call('GET', KEYS[i]) ~= ARGV[i + 1] then return 0 end
end
for i = tokens + 1, #KEYS do
  local body = redis.call('HMGET', KEYS[i], 'fill', 'version')
  if not body[1] or body[1] .. (body[2] or '') ~= ARGV[i + 1] then return 0 end
end
return 1
