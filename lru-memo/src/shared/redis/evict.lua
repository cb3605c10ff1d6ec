-- Evicts one entry: an expired one, or else the least recent one. At least one entry must be there. Returns the weight of
-- the entry if entries have weights. The script counts the evictions by count_evictions() in the end.
local EVICTIONS = 256
local evicted, expired = 0, 0
local function evict(max_weight)
  local victim
  if ttl then
    local oldest = redis.call('ZRANGE', ages, 0, 0, 'WITHSCORES')
    victim = oldest[1] and is_expired(oldest[2]) and oldest[1]
  end
  local is_old = victim and true
  victim = victim or redis.call('ZRANGE', recent, 0, 0)[1]
  -- An entry that was unused for too long is among the least recent.
  if is_old or idle and is_unused(victim) then
    expired = expired + 1
  else
    evicted = evicted + 1
  end
  local weight = max_weight and redis.call('HGET', weights, victim) or 0
  remove(victim)
  return weight
end

local function count_evictions()
  count(EVICTED, evicted)
  count(EXPIRATIONS, expired)
end

-- Whether the server has all parts of all entries. If not, the order is lost, and all entries go.
local function make_whole(max_weight)
  local count = redis.call('HLEN', values)
  local is_whole = redis.call('ZCARD', recent) == count
    and (not ttl or redis.call('ZCARD', ages) == count)
    and (not idle or redis.call('HLEN', used) == count)
    and (not max_weight or redis.call('HLEN', weights) == count)
  if not is_whole then
    forget_entries()
  end
end

