#[lru_cache(128, maxsise = 2, maxsize = -1, typed = 1, ttl = "soon", ttl = 5, scope = planet, skip(gone), key = x)]
const fn wrong<'a>(x: &'a mut u32, y: &dyn Fn(u32)) -> impl Iterator<Item = &'a u32> { x }
