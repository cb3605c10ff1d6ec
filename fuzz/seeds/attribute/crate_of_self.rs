#[lru_cache(crate = Self)]
fn same(n: u32) -> u32 { n }
