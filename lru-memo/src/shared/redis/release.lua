-- Ends a lease if it is still held, and wakes one waiter. KEYS: the lease, and the list that waiters block on. ARGV: the
-- token of the lease; for how many milliseconds the list is kept for a late waiter.
local token, held = ARGV[1] .. ':', redis.call('GET', KEYS[1])
if held and held:sub(1, #token) == token then
  redis.call('DEL', KEYS[1], KEYS[2])
  redis.call('LPUSH', KEYS[2], '')
  redis.call('PEXPIRE', KEYS[2], ARGV[2])
end
return 1
