-- Stores an entry. ARGV: from 4, the value, the weight, the ticket's generation and number of invalidations (perhaps
-- empty), whether to replace an entry, the bound on the weight (perhaps empty), and the age that the entry counts as, in
-- microseconds.
-- Returns 1 if the entry is stored, 0 if not, 2 if more is to be evicted and the script must be called again, and 3 if the
-- namespace is new to the server.
local value, weight, generation, sequence = ARGV[4], tonumber(ARGV[5]), ARGV[6], tonumber(ARGV[7])
local replaces, max_weight = ARGV[8] ~= '', tonumber(ARGV[9])

if not ticket()[1] then
  return generation == '' and 3 or 0
end
if generation ~= '' and not is_current(generation, sequence) then
  return 0
end

settle()
make_whole(max_weight)

local maxsize = tonumber(redis.call('HGET', meta, 'maxsize') or '')
local is_there = find() and true
if is_there and not replaces then
  return 0
end
if is_there then
  remove(key)
end
if maxsize == 0 or max_weight and weight > max_weight then
  return 0
end

local entries = redis.call('HLEN', values)
local sum = max_weight and tonumber(redis.call('HGET', meta, 'w') or 0)
while entries > 0 and (maxsize and entries >= maxsize or max_weight and sum + weight > max_weight) do
  if evicted + expired == EVICTIONS then
    count_evictions()
    return 2
  end
  local left = evict(max_weight)
  sum = sum and sum - left
  entries = entries - 1
end
count_evictions()

redis.call('HSET', values, key, value)
redis.call('HINCRBY', meta, 'p', 1)
redis.call('ZADD', recent, redis.call('HINCRBY', meta, 't', 1), key)
note_use()
if ttl then
  redis.call('ZADD', ages, now() - ARGV[10], key)
end
if max_weight then
  redis.call('HSET', weights, key, weight)
  redis.call('HINCRBY', meta, 'w', weight)
end
return 1
