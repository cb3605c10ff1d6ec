#[lru_cache(maxsize = 2)]
pub fn square(n: u64) -> u64 { n * n }
