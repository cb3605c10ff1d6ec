-- Adds namespaces to the index, and renews the expiry of the index. KEYS: the index. ARGV: the time in milliseconds; the ids.
redis.call('SADD', KEYS[1], unpack(ARGV, 2))
redis.call('PEXPIRE', KEYS[1], ARGV[1])
return 1
