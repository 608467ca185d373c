#!lua
-- Who has which part open. KEYS[1] is the index, a sorted set of "part connection" by the last beat in milliseconds; beside it
-- there is a hash for each part: connection -> "since person". One clock measures everything: this server's.
-- ARGV: the lifetime in milliseconds, then nothing, or 'open' or 'close', a part, a connection, and for 'open' the person.
-- Returns, for each part whose people have changed, and for the one that was named: the part, whether they have, and the people.

local index, lifetime = KEYS[1], tonumber(ARGV[1])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local order, changed = {}, {}

local function note(part, is_changed)
    if changed[part] == nil then table.insert(order, part) end
    changed[part] = changed[part] or is_changed
end

local function forget(part, connection)
    redis.call('ZREM', index, part .. ' ' .. connection)
    note(part, redis.call('HDEL', index .. ':' .. part, connection) == 1)
end

for _, silent in ipairs(redis.call('ZRANGE', index, '-inf', now - lifetime, 'BYSCORE', 'LIMIT', 0, 100)) do
    forget(string.match(silent, '^(%d+) (.+)$'))
end

local operation, part, connection, person = ARGV[2], ARGV[3], ARGV[4], ARGV[5]
if operation == 'open' then
    local key = index .. ':' .. part
    local kept = redis.call('HGET', key, connection)
    local since = kept and string.match(kept, '^%d+') or string.format('%.0f', now)
    local value = since .. ' ' .. person
    redis.call('HSET', key, connection, value)
    redis.call('ZADD', index, now, part .. ' ' .. connection)
    for _, one in ipairs({key, index}) do redis.call('PEXPIRE', one, 2 * lifetime) end
    note(part, kept ~= value)
elseif operation == 'close' then
    forget(part, connection)
end

local answer = {}
for _, one in ipairs(order) do
    table.insert(answer, {one, changed[one] and 1 or 0, redis.call('HVALS', index .. ':' .. one)})
end
return answer
