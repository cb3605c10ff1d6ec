#[lru_cache(max_weight = 64 * 1024, weigh = |path, bytes: &Vec<u8>| path.len() + bytes.len(), maxsize = None)]
fn load(path: &str) -> Vec<u8> { fs::read(path).unwrap() }
