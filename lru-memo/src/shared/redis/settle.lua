-- Hits that are only logged, so that a hit is cheap, are counted and ordered together. It changes nothing that can be
-- seen, and has to be done before entries are ordered by anything else. Has the names `meta`, `recent` and `hits`.
local keys = redis.call('LRANGE', hits, 0, -1)
local count = #keys
if count > 0 then
  redis.call('DEL', hits)
  local last = redis.call('HINCRBY', meta, 't', count)
  if redis.call('PTTL', meta) == -1 then
    redis.call('PEXPIRE', meta, UNUSED)
  end
  -- Of one key, the latest hit; if the entry is still there.
  local seen, order = {}, {}
  for at = count, 1, -1 do
    local key = keys[at]
    if not seen[key] then
      seen[key] = true
      order[#order + 1] = last - count + at
      order[#order + 1] = key
    end
  end
  redis.call('ZADD', recent, 'XX', unpack(order))
end
