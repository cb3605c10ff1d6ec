-- Takes a lease if it is free, or if its contents are outdated. KEYS: the lease. ARGV: the new contents; the time in
-- milliseconds; optionally the outdated contents. Returns false if the lease was taken, or else the current contents.
local held = redis.call('GET', KEYS[1])
if held and held ~= ARGV[3] then
  return held
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return false
