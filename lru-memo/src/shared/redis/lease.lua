-- Takes a lease that nobody holds. KEYS: the lease. ARGV: what it is to hold; for how many milliseconds; and, if the waiter
-- has seen it unchanged for that long, what it held then. Returns nothing if it is taken, and else what it holds.
local held = redis.call('GET', KEYS[1])
if held and held ~= ARGV[3] then
  return held
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return false
