-- Removes all entries and counters. ARGV[4]: the next generation. Another thread of the server frees the memory.
forget_entries()
local counts = redis.call('HMGET', meta, 't', 'p', 's')
-- Another program may have written what is no number.
local uses = (tonumber(counts[1]) or 0) + redis.call('LLEN', hits)
redis.call('UNLINK', invalid, hits)
redis.call('HDEL', meta, 't', 'p', 's', 'q')
if redis.call('HEXISTS', meta, 'g') == 1 then
  redis.call('HSET', meta, 'g', ARGV[4])
end
count(HITS, uses - (tonumber(counts[2]) or 0))
count(MISSES, tonumber(counts[3]) or 0)
return 1
