-- Evicts one entry: an expired one, or else the least recent one. At least one entry must be there. Returns the weight of
-- the entry if entries have weights.
local EVICTIONS = 256
local function evict(max_weight)
  local victim
  if ttl then
    local oldest = redis.call('ZRANGE', ages, 0, 0, 'WITHSCORES')
    victim = oldest[1] and is_expired(oldest[2]) and oldest[1]
  end
  victim = victim or redis.call('ZRANGE', recent, 0, 0)[1]
  local weight = max_weight and redis.call('HGET', weights, victim) or 0
  remove(victim)
  return weight
end

-- Whether the server has all parts of all entries. If not, the order is lost, and all entries go.
local function make_whole(max_weight)
  local count = redis.call('HLEN', values)
  local is_whole = redis.call('ZCARD', recent) == count
    and (not ttl or redis.call('ZCARD', ages) == count)
    and (not max_weight or redis.call('HLEN', weights) == count)
  if not is_whole then
    forget_entries()
  end
end

