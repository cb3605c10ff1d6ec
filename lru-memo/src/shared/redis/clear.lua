-- Removes all entries and counts. ARGV[4]: the next generation. The memory is given back in another thread of the server.
forget_entries()
redis.call('UNLINK', invalid)
if redis.call('HEXISTS', meta, 'g') == 1 then
  redis.call('HDEL', meta, 't', 'p', 's', 'q')
  redis.call('HSET', meta, 'g', ARGV[4])
else
  redis.call('UNLINK', meta)
end
return 1
