-- Counts a hit by a caller that got the value from another caller. KEYS: meta.
if redis.call('HINCRBY', KEYS[1], 't', 1) == 1 and redis.call('PTTL', KEYS[1]) == -1 then
  redis.call('PEXPIRE', KEYS[1], UNUSED)
end
return 1
