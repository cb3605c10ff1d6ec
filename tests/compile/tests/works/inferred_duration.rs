//! A duration whose type the option tells.

use std::time::Duration;

use lru_memo::lru_cache;

struct Minutes(u64);

impl From<Minutes> for Duration {
    fn from(Minutes(minutes): Minutes) -> Self {
        Self::from_secs(60 * minutes)
    }
}

#[lru_cache(ttl = Minutes(10).into())]
fn f(x: u32) -> u32 {
    x
}

#[test]
fn a_duration_may_be_made_by_into() {
    assert_eq!((f(1), f_cache_parameters().ttl), (1, Some(Duration::from_secs(600))));
}
