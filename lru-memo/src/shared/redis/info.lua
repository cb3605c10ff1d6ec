-- Returns the number of uses, of those that are no hits, of misses, and of entries.
local counts = redis.call('HMGET', KEYS[1], 't', 'p', 's')
return { counts[1] or '0', counts[2] or '0', counts[3] or '0', redis.call('HLEN', KEYS[2]) }
