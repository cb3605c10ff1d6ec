-- Returns the numbers of uses, of uses that are no hits, of misses, and of entries; the bound, which is perhaps empty, or false
-- if the namespace is new to the server; and the totals without the counters. KEYS: meta, values, hits.
local counts = redis.call('HMGET', KEYS[1], 't', 'p', 's', 'maxsize')
local uses = (counts[1] or 0) + redis.call('LLEN', KEYS[3])
local totals = redis.call('HMGET', KEYS[1], 'T0', 'T1', 'T2', 'T3', 'T4', 'T5', 'T6', 'T7', 'T8')
return { string.format('%.0f', uses), counts[2] or '0', counts[3] or '0', redis.call('HLEN', KEYS[2]), counts[4], totals }
