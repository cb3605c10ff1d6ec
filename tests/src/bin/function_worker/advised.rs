//! Functions that advise on a bound that all workers share.

use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

use lru_memo::{CacheAdvice, lru_cache};

use super::wait;

#[lru_cache(maxsize = 500, scope = shared, advise = true)]
fn advised(x: u64) -> u64 {
    x
}

/// What is never stored for 13.
#[lru_cache(maxsize = 2, scope = shared, single_flight = true, advise = true)]
async fn advised_task(x: u64) -> Result<u64, String> {
    if x == 13 { Err("13".to_owned()) } else { Ok(x) }
}

static FAILS: AtomicBool = AtomicBool::new(false);

#[lru_cache(maxsize = 2, scope = shared, ttl = "10m", stale = "1h", advise = true)]
fn advised_old(x: u64) -> Result<u64, String> {
    if FAILS.load(SeqCst) { Err("the backend is down".to_owned()) } else { Ok(x) }
}

/// The ratios of small sizes, and the number of calls.
fn told(advice: &CacheAdvice) -> String {
    let ratios: Vec<_> = (1..5).map(|size| format!("{:.3}", advice.hit_ratio(size))).collect();
    format!("{} of {}", ratios.join(" "), advice.observed())
}

/// Answers a command, if it is one of these.
pub fn answer(command: &str, number: u64) -> Option<String> {
    Some(match command {
        "advised" => advised(number).to_string(),
        "advised_clear" => {
            advised_cache_clear();
            String::new()
        }
        "advised_resize" => {
            advised_cache_resize(number as usize);
            String::new()
        }
        "advised_observed" => advised_cache_advice().observed().to_string(),
        "advised_ratios" => {
            let advice = advised_cache_advice();
            let sizes = [64, 125, 250, 500, 1_000, 2_000, 4_000, 8_000, 16_000];
            sizes.map(|size| advice.hit_ratio(size).to_string()).join(" ")
        }
        "advised_table" => advised_cache_advice().to_string().replace('\n', "|"),
        "advised_told" => told(&advised_cache_advice()),
        "advised_task" => format!("{:?}", wait(advised_task(number))),
        "advised_task_told" => told(&wait(advised_task_cache_advice())),
        "advised_old" => format!("{:?}", advised_old(number)),
        "advised_old_fails" => {
            FAILS.store(number > 0, SeqCst);
            String::new()
        }
        "advised_old_told" => told(&advised_old_cache_advice()),
        _ => return None,
    })
}
