-- Takes one step towards another bound. ARGV: from 4, the new bound, and the bound on the weight (perhaps empty). Returns 1
-- if the bound is reached, 2 if the script must be called again, and 3 if the namespace is new to the server.
local target, max_weight = tonumber(ARGV[4]), tonumber(ARGV[5])
if not ticket()[1] then
  return 3
end
settle()
make_whole(max_weight)
local count = redis.call('HLEN', values)
local bound = math.max(target, count - EVICTIONS)
for _ = bound + 1, count do
  evict(max_weight)
end
count_evictions()
redis.call('HSET', meta, 'maxsize', bound == target and ARGV[4] or string.format('%.0f', bound))
return bound == target and 1 or 2
