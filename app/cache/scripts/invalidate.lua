#!lua
-- Invalidate entries: raise the floor, revoke the lease, drop the body or replace it with the newer one.
-- KEYS: epoch, generation..., entry...   ARGV: epoch expected, number of generations, new token, entry life in ms,
-- then for each entry: version, '1' if a body follows that replaces the old one, else '0', body ('2': as '0', but the lease
-- stays, for a reader that only reports which version it has seen; '3': forget the entry, whatever its version)
-- A version that is not above the floor has already been applied, so repeated and late calls change nothing.
-- Only a valid older entry is replaced; a missing one is never filled: after an eviction the floor is lost, and this call may be
-- late, with newer versions acknowledged long ago. An entry that exists and is valid is at least as new as those.
-- A key that is not there needs no floor: nobody holds a lease for it, and whoever takes one loads after that. So what nobody reads
-- takes no memory, however often it is written.
local epoch = ARGV[1]
if redis.call('GET', KEYS[1]) ~= epoch then return redis.error_reply('ANOTHEREPOCH') end
local generations = tonumber(ARGV[2])
for i = 2, 1 + generations do
  redis.call('SET', KEYS[i], ARGV[3], 'EX', 86400) -- as in read_list
end
local applied = 0
for i = 2 + generations, #KEYS do
  local at = 5 + (i - 2 - generations) * 3
  local version = tonumber(ARGV[at])
  local entry = redis.call('HMGET', KEYS[i], 'floor', 'epoch', 'version', 'body')
  local floor = tonumber(entry[1] or 0)
  if ARGV[at + 1] == '3' then
    redis.call('DEL', KEYS[i])
    applied = applied + 1
  elseif version > floor and redis.call('EXISTS', KEYS[i]) == 1 then
    local held = entry[2] == epoch and entry[4] and tonumber(entry[3]) >= floor and tonumber(entry[3])
    redis.call('HSET', KEYS[i], 'floor', ARGV[at])
    if ARGV[at + 1] ~= '2' then redis.call('HDEL', KEYS[i], 'lease', 'leased_until') end
    if not held or held < version then
      if held and ARGV[at + 1] == '1' then
        redis.call('HSET', KEYS[i], 'epoch', epoch, 'version', ARGV[at], 'body', ARGV[at + 2])
      else
        redis.call('HDEL', KEYS[i], 'epoch', 'version', 'body')
      end
    end
    -- A body that stays keeps its expiry as well: a price may expire sooner than other entries.
    if not held or held < version then redis.call('PEXPIRE', KEYS[i], ARGV[4]) end
    applied = applied + 1
  end
end
return applied
