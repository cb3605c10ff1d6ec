-- What most scripts begin with. KEYS, in this order:
--   meta: g generation, q number of invalidations, t uses (hits and entries stored), p those that are no hits, s misses,
--         w sum of weights; n, maxsize, max_weight, ttl: for those who list namespaces
--   values: key -> value. recent: key -> number of its latest use. ages: key -> when it was stored, with a ttl only.
--   weights: key -> weight, with a max_weight only. invalid: key of each of the last invalidations, by number.
--   hits: keys of the latest hits, in order, that `t` and `recent` do not know yet.
-- A server that is full may evict each of them by itself. All expire: UNUSED milliseconds after their use was last noted,
-- which is done when less than DUE of these are left.
-- ARGV: the key; the ttl in microseconds, or nothing; by how many microseconds the clock of a test is ahead.
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
    -- Nothing is left to count, and none was counted if `meta` was evicted.
    if redis.call('HINCRBY', meta, 'w', 0 - weight) <= 0 then
      redis.call('HDEL', meta, 'w')
    end
  end
  return 1
end

-- The value of the key, if it has one that has not expired; one that has is removed.
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

-- The generation, and the number of invalidations; without a generation, the namespace is new to the server.
local function ticket()
  local found = redis.call('HMGET', meta, 'g', 'q')
  return { found[1], found[2] or '0' }
end

-- Notes that the namespace is used. What a store makes, it makes together with `values`.
local function keep()
  if redis.call('PTTL', meta) < DUE or redis.call('PTTL', values) == -1 then
    for _, name in ipairs(KEYS) do
      redis.call('PEXPIRE', name, UNUSED)
    end
  end
end
