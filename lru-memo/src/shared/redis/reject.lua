-- Takes a hit back: it becomes a miss, and the entry goes. Returns the ticket.
remove(key)
local counts = redis.call('HMGET', meta, 't', 'p')
-- The hit may have been cleared. Uses are never counted back, for they are what entries are in order by.
if tonumber(counts[1] or 0) > tonumber(counts[2] or 0) then
  redis.call('HINCRBY', meta, 'p', 1)
end
redis.call('HINCRBY', meta, 's', 1)
return ticket()
