//! A backend that dies while its values go on: `cargo run --example old_values`.

use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::Duration;

use lru_memo::{clock, lru_cache};

static IS_UP: AtomicBool = AtomicBool::new(true);

// Fresh for ten minutes, then served for an hour longer while it cannot be computed anew.
#[lru_cache(ttl = "10m", stale = "1h")]
fn price(item: &str) -> Result<u32, String> {
    println!("    (asking the backend for {item})");
    if IS_UP.load(SeqCst) { Ok(100) } else { Err("the backend is down".to_owned()) }
}

fn show(when: &str) {
    let (price, outcome) = price_with_outcome("tea");
    println!("{when}: {price:?}, {outcome:?}");
}

fn later(minutes: u64) {
    clock::advance(Duration::from_secs(60 * minutes));
}

fn main() {
    show("at first");
    show("again");
    IS_UP.store(false, SeqCst);
    later(10);
    show("10 minutes later, the backend is down");
    show("at once again: nobody asks for a minute");
    later(30);
    show("30 minutes later");
    IS_UP.store(true, SeqCst);
    later(1);
    show("the backend is up");
    IS_UP.store(false, SeqCst);
    later(70);
    show("70 minutes later, it is too old");
    let totals = price_cache_totals();
    println!("{}; {} of the hits old, {} errors", price_cache_info(), totals.stale_hits, totals.errors);
}
