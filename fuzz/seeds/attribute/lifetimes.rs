#[lru_cache(ttl = "1h", ttl_of = |value: &u64| Duration::from_secs(*value), jitter = "1m", idle = "10m", scope = thread)]
fn aging(x: u64) -> u64 { x }
