-- The beginning of most scripts. KEYS, in this order:
--   meta: g generation, q number of invalidations, t uses (hits and stored entries), p uses that are no hits, s misses,
--         w sum of weights, maxsize the present bound; n, max_weight, ttl: name and limits, for lists of namespaces
--   values: key -> value. recent: key -> number of its latest use. ages: key -> time of storing, with a ttl only.
--   weights: key -> weight, with a max_weight only. invalid: number -> key, for the last invalidations.
--   hits: the log, keys of the latest hits in order, which `t` and `recent` do not include yet.
-- A full server may evict each of these keys on its own. All expire UNUSED milliseconds after their use was last noted. A
-- script notes the use when less than DUE milliseconds are left.
-- ARGV: the key; the ttl in microseconds, or nothing; by how many microseconds a test has advanced the clock.
local meta, values, recent, ages, weights, invalid, hits = unpack(KEYS)
local key, ttl = ARGV[1], tonumber(ARGV[2])
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

local function remove(key)
  if redis.call('HDEL', values, key) == 0 then
    return 0
  end
  redis.call('ZREM', recent, key)
  if ttl then
    redis.call('ZREM', ages, key)
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

-- Returns the value of the key, or false. Removes an expired entry.
local function find()
  local value = redis.call('HGET', values, key)
  if value and ttl then
    local since = redis.call('ZSCORE', ages, key)
    if not since or is_expired(since) then
      remove(key)
      return false
    end
  end
  return value
end

local function forget_entries()
  redis.call('UNLINK', values, recent, ages, weights)
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
