#[lru_cache(cache_if = |found| found.is_some())]
unsafe extern "C" fn find((a, b): (u32, u32), mut c: u8, _: bool, #[lru_cache(skip)] log: &Log) -> Option<u8> { None }
