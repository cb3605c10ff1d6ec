-- Settles the log: counts the logged hits as uses, and moves each of their entries once. A hit only appends to the log, so
-- it is cheap. Must run before a script reads or changes the order. Uses the names `meta`, `recent` and `hits`.
local keys = redis.call('LRANGE', hits, 0, -1)
local count = #keys
if count > 0 then
  redis.call('DEL', hits)
  local last = redis.call('HINCRBY', meta, 't', count)
  if redis.call('PTTL', meta) == -1 then
    redis.call('PEXPIRE', meta, UNUSED)
  end
  -- Only the latest hit of each key counts for the order, and only if the entry still exists.
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
