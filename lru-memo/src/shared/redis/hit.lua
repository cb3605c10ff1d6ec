-- A lookup without a ttl, which is all that most calls need. KEYS: meta, values, recent, hits. ARGV: the key; whether a
-- miss counts. Returns the value; of a miss, the ticket.
local value = redis.call('HGET', KEYS[2], ARGV[1])
if value then
  hit(KEYS[1], KEYS[3], KEYS[4], ARGV[1])
  return value
end
if ARGV[2] == '' then
  return false
end
redis.call('HINCRBY', KEYS[1], 's', 1)
local found = redis.call('HMGET', KEYS[1], 'g', 'q')
return { found[1], found[2] or '0' }
