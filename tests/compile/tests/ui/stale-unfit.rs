// mistakes: 4
use lru_memo::lru_cache;

#[lru_cache(stale = "1h")]
fn without_a_ttl(x: u32) -> u32 {
    x
}

#[lru_cache(ttl = "1m", stale = "0s")]
fn for_no_time(x: u32) -> u32 {
    x
}

#[lru_cache(ttl = "1m", stale = 60)]
fn without_a_unit(x: u32) -> u32 {
    x
}

#[lru_cache(ttl = "1m", stale_while_revalidate = "1h")]
fn as_http_calls_it(x: u32) -> u32 {
    x
}

fn main() {
    without_a_ttl(1);
    for_no_time(1);
    without_a_unit(1);
    as_http_calls_it(1);
}
