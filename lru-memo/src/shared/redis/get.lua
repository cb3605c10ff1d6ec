-- Looks up an entry that seems to have expired, or one in a namespace whose use was not noted for long. ARGV[4]: whether a
-- miss counts. Returns the value, or the ticket for a miss.
local value = find()
if value then
  redis.call('RPUSH', hits, key)
  note_use()
  settle()
  return value
end
if ARGV[4] == '' then
  return false
end
redis.call('HINCRBY', meta, 's', 1)
return ticket()
