// mistakes: 3
//! Numbers of seconds, which other crates take for durations.

use lru_memo::{Memo, lru_cache};

const SECONDS: u64 = 60;

#[lru_cache(ttl = SECONDS)]
fn f(x: u32) -> u32 {
    x
}

#[lru_cache(idle = 60 * 60)]
fn g(x: u32) -> u32 {
    x
}

struct Client {
    seconds: u64,
    memo: Memo,
}

impl Client {
    #[lru_cache(ttl = "1h", stale = self.seconds, scope = self.memo)]
    fn get(&self, x: u32) -> u32 {
        x
    }
}

fn main() {}
