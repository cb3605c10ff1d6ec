-- Looks up an entry. KEYS: meta, values, recent, hits, with a ttl also ages, and with idle also used. ARGV: the key; whether a
-- miss counts; by how many microseconds a test has advanced the clock; ttl and idle in microseconds, each perhaps empty.
-- Returns the value, or the ticket for a miss, or an empty table if the entry has expired and get.lua is needed.
local MOST_HITS, MOST_BYTES = 128, 16384
local key = ARGV[1]
local value = redis.call('HGET', KEYS[2], key)
if value then
  if KEYS[5] then
    local time = redis.call('TIME')
    local now = time[1] * 1000000 + time[2] + ARGV[3]
    if ARGV[4] ~= '' then
      local since = redis.call('ZSCORE', KEYS[5], key)
      local age = now - (since or 0)
      if not since or age >= tonumber(ARGV[4]) or age < 0 then
        return {}
      end
    end
    if ARGV[5] ~= '' then
      local since = redis.call('HGET', KEYS[#KEYS], key)
      if not since or math.abs(now - since) >= tonumber(ARGV[5]) then
        return {}
      end
      redis.call('HSET', KEYS[#KEYS], key, now)
    end
  end
  local logged = redis.call('RPUSH', KEYS[4], key)
  if logged >= MOST_HITS or logged * #key >= MOST_BYTES then
    local meta, recent, hits = KEYS[1], KEYS[3], KEYS[4]
    -- settle
  elseif logged == 1 then
    -- The log expires together with the counters that it belongs to.
    local left = redis.call('PTTL', KEYS[1])
    redis.call('PEXPIRE', KEYS[4], left > 0 and left or UNUSED)
  end
  return value
end
if ARGV[2] == '' then
  return false
end
redis.call('HINCRBY', KEYS[1], 's', 1)
local found = redis.call('HMGET', KEYS[1], 'g', 'q')
if not found[1] then
  -- The caller makes the namespace next, but may die before that.
  redis.call('PEXPIRE', KEYS[1], UNUSED)
end
return { found[1], found[2] or '0' }
