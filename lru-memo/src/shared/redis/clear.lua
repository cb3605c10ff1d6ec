-- Removes all entries and counters. ARGV[4]: the next generation. Another thread of the server frees the memory.
forget_entries()
redis.call('UNLINK', invalid, hits)
if redis.call('HEXISTS', meta, 'g') == 1 then
  redis.call('HDEL', meta, 't', 'p', 's', 'q')
  redis.call('HSET', meta, 'g', ARGV[4])
else
  redis.call('UNLINK', meta)
end
return 1
