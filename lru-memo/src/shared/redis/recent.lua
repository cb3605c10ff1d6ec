-- The entries that were used last, the latest first. ARGV[4]: how many. Returns for each its key, the length of its
-- value, its weight, and its age in microseconds.
settle()
local held = {}
for _, key in ipairs(redis.call('ZREVRANGE', recent, 0, ARGV[4] - 1)) do
  local since = ttl and redis.call('ZSCORE', ages, key)
  local age = since and math.max(0, now() - since) or 0
  local weight = redis.call('HGET', weights, key) or 0
  table.insert(held, { key, redis.call('HSTRLEN', values, key), tostring(weight), string.format('%.0f', age) })
end
return held
