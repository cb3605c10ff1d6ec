//! Functions that serve old values. They fail while their source is 0.

use std::sync::atomic::Ordering::SeqCst;
use std::thread;
use std::time::Duration;

use lru_memo::{CacheTotals, clock, lru_cache};

use super::SOURCE;

/// What a run does before it ends.
#[derive(Clone, Copy)]
enum Before {
    Nothing,
    Invalidation,
    Forever,
}

#[lru_cache(ttl = "100m", stale = "1000m", skip(before), scope = shared)]
fn old(x: u64, before: Before) -> Result<u64, String> {
    println!("runs {x}");
    match before {
        Before::Nothing => {}
        Before::Invalidation => {
            while old_cache_peek(x).is_some() {
                thread::yield_now();
            }
        }
        Before::Forever => thread::sleep(Duration::MAX),
    }
    match SOURCE.load(SeqCst) {
        0 => Err("no source".to_owned()),
        source => Ok(source),
    }
}

/// Fails while its source is 1000.
#[lru_cache(maxsize = 5000, ttl = "100m", stale = "1000m", single_flight = true, scope = shared)]
fn old_of_many(x: u64) -> Result<u64, String> {
    if SOURCE.load(SeqCst) == 1000 { Err("no source".to_owned()) } else { Ok(x) }
}

/// Answers a command, if it is one of these.
pub fn answer(command: &str, number: u64) -> Option<String> {
    let called = |before| format!("{:?}", old_with_outcome(number, before));
    Some(match command {
        "old" => called(Before::Nothing),
        "old_for_ever" => called(Before::Forever),
        "old_after_an_invalidation" => called(Before::Invalidation),
        "old_invalidate" => old_cache_invalidate(number).to_string(),
        "old_info" => old_cache_info().to_string(),
        "old_totals" => {
            let CacheTotals { hits, misses, stale_hits, errors, .. } = old_cache_totals();
            format!("{hits} {misses} {stale_hits} {errors}")
        }
        "old_of_many" => {
            let (value, outcome) = old_of_many_with_outcome(number);
            format!("{value:?} {outcome:?} {}", old_of_many_cache_info().currsize)
        }
        "old_of_many_info" => old_of_many_cache_info().to_string(),
        "minutes_later" => {
            clock::advance(Duration::from_secs(60 * number));
            String::new()
        }
        _ => return None,
    })
}
