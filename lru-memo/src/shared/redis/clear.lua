-- Removes all entries and counts. ARGV[4]: the next generation. The memory is given back in another thread of the server.
if redis.call('HEXISTS', meta, 'g') == 1 then
  redis.call('UNLINK', values, recent, ages, weights, invalid)
  redis.call('HDEL', meta, 't', 'p', 's', 'w', 'q')
  redis.call('HSET', meta, 'g', ARGV[4])
end
return 1
