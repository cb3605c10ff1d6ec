#[lru_cache(maxsize = 4 * 1024, key = (self.id, day), ttl = "1h 30m")]
fn price(&self, day: u32) -> Result<u32, Error> { self.fetch(day) }
