-- Returns the most recent entries, the latest first: for each the key, the length of the value, the weight, and the age in
-- microseconds. ARGV[4]: how many.
settle()
local held = {}
for _, key in ipairs(redis.call('ZREVRANGE', recent, 0, ARGV[4] - 1)) do
  local since = ttl and redis.call('ZSCORE', ages, key)
  local age = since and math.max(0, now() - since) or 0
  local weight = redis.call('HGET', weights, key) or 0
  table.insert(held, { key, redis.call('HSTRLEN', values, key), tostring(weight), string.format('%.0f', age) })
end
return held
