-- Makes a namespace that is new to the server. ARGV: from 4, its generation, its name, and its limits, each perhaps empty.
-- Returns the ticket.
if redis.call('HSETNX', meta, 'g', ARGV[4]) == 1 then
  -- If the server has evicted `meta`, the order of the remaining entries is lost.
  forget_entries()
  redis.call('UNLINK', invalid, hits)
  redis.call('HSET', meta, 'n', ARGV[5], 'maxsize', ARGV[6], 'max_weight', ARGV[7], 'ttl', ARGV[8], 'idle', ARGV[9])
end
return ticket()
