-- The beginning of most scripts. KEYS, in this order:
--   meta: g generation, q number of invalidations, t uses (hits and stored entries), p uses that are no hits, s misses,
--         w sum of weights, maxsize the present bound, T0 to T8 the totals; n, max_weight, ttl, idle: name and limits, for lists of namespaces
--   values: key -> value. recent: key -> number of its latest use. ages: key -> time of storing, with a ttl only.
--   weights: key -> weight, with a max_weight only. invalid: number -> key, for the last invalidations.
--   used: key -> time of its latest use, with idle only.
--   hits: the log, keys of the latest hits in order, which `t` and `recent` do not include yet.
-- A full server may evict each of these keys on its own. All expire UNUSED milliseconds after their use was last noted. A
-- script notes the use when less than DUE milliseconds are left.
-- ARGV: the key; the ttl and idle in microseconds, `:` between them, each perhaps empty; by how many microseconds a test has advanced the clock.
local meta, values, recent, ages, weights, invalid, hits, used = unpack(KEYS)
local key, ttl, idle = ARGV[1], ARGV[2]:match('^(%d*):(%d*)$')
ttl, idle = tonumber(ttl), tonumber(idle)
local INVALIDATIONS = 16

local function settle()
  -- settle
end

local function now()
  local time = redis.call('TIME')
  return time[1] * 1000000 + time[2] + ARGV[3]
end

local function is_expired(since)
  local age = now() - since
  return age >= ttl or age < 0
end

-- Whether the entry was unused for too long.
local function is_unused(key)
  local since = redis.call('HGET', used, key)
  return not since or math.abs(now() - since) >= idle
end

local function note_use()
  if idle then
    redis.call('HSET', used, key, now())
  end
end

local function remove(key)
  if redis.call('HDEL', values, key) == 0 then
    return 0
  end
  redis.call('ZREM', recent, key)
  if ttl then
    redis.call('ZREM', ages, key)
  end
  if idle then
    redis.call('HDEL', used, key)
  end
  local weight = redis.call('HGET', weights, key)
  if weight then
    redis.call('HDEL', weights, key)
    -- The sum is zero without entries. It is negative if the server has evicted `meta`.
    if redis.call('HINCRBY', meta, 'w', 0 - weight) <= 0 then
      redis.call('HDEL', meta, 'w')
    end
  end
  return 1
end

-- Adds to one of the totals. What another program has written there is replaced.
local HITS, MISSES, EVICTED, EXPIRATIONS = 'T0', 'T1', 'T2', 'T3'
local function count(total, more)
  if more > 0 then
    more = string.format('%.0f', more)
    if type(redis.pcall('HINCRBY', meta, total, more)) == 'table' then
      redis.call('HSET', meta, total, more)
    end
  end
end

-- Returns the value of the key, or false. Removes an expired entry.
local function find()
  local value = redis.call('HGET', values, key)
  local since = value and ttl and redis.call('ZSCORE', ages, key)
  if value and (ttl and (not since or is_expired(since)) or idle and is_unused(key)) then
    remove(key)
    count(EXPIRATIONS, 1)
    return false
  end
  return value
end

local function forget_entries()
  redis.call('UNLINK', values, recent, ages, weights, used)
  redis.call('HDEL', meta, 'w')
end

-- Returns the generation and the number of invalidations. Without a generation, the namespace is new to the server.
local function ticket()
  local found = redis.call('HMGET', meta, 'g', 'q')
  return { found[1], found[2] or '0' }
end

-- Notes the use of the namespace. `values` stands for all keys that `store.lua` makes.
local function keep()
  if redis.call('PTTL', meta) < DUE or redis.call('PTTL', values) == -1 then
    for _, name in ipairs(KEYS) do
      redis.call('PEXPIRE', name, UNUSED)
    end
  end
end
