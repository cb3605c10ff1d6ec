-- Turns a hit into a miss. Returns the ticket.
settle()
local counts = redis.call('HMGET', meta, 't', 'p')
-- A clear may have removed the hit. The number of uses never decreases, because entries are ordered by it.
if tonumber(counts[1] or 0) > tonumber(counts[2] or 0) then
  redis.call('HINCRBY', meta, 'p', 1)
end
redis.call('HINCRBY', meta, 's', 1)
return ticket()
