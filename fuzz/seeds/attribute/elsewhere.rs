#[cache(maxsize = 3)]
struct Nothing { to: u32, memoize: u8 }
