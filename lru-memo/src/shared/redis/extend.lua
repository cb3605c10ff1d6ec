-- Has a lease last longer, if it is still held. KEYS: the lease. ARGV: its token; for how many milliseconds.
if redis.call('GET', KEYS[1]) == ARGV[1] then
  return redis.call('PEXPIRE', KEYS[1], ARGV[2])
end
return 0
