-- A lookup of an entry that seems to have expired, or in a namespace whose use has not been noted for long. ARGV[4]: whether a miss counts. Returns the value; of a miss, the ticket.
local value = find()
if value then
  redis.call('RPUSH', hits, key)
  settle()
  return value
end
if ARGV[4] == '' then
  return false
end
redis.call('HINCRBY', meta, 's', 1)
return ticket()
