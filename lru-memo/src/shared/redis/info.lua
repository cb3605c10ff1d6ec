-- KEYS: meta, values, hits. Returns the number of uses, of those that are no hits, of misses, and of entries.
local counts = redis.call('HMGET', KEYS[1], 't', 'p', 's')
local uses = (counts[1] or 0) + redis.call('LLEN', KEYS[3])
return { string.format('%.0f', uses), counts[2] or '0', counts[3] or '0', redis.call('HLEN', KEYS[2]) }
