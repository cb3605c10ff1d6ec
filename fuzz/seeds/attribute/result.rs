#[lru_cache(maxsize = None, cache_err = true, typed = true)]
fn read(path: &Path) -> io::Result<Arc<str>> { Ok(fs::read_to_string(path)?.into()) }
