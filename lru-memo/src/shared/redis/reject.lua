-- Takes a hit back: it becomes a miss, and the entry goes. Returns the ticket.
remove(key)
redis.call('HINCRBY', meta, 't', -1)
redis.call('HINCRBY', meta, 's', 1)
return ticket()
