//! Functions whose bound, totals and times of use all workers share.

use std::thread;
use std::time::Duration;

use lru_memo::{CacheTotals, caches, clock, lru_cache};

use super::wait;

#[lru_cache(maxsize = 4, scope = shared)]
fn bounded(x: u64) -> u64 {
    x
}

#[lru_cache(maxsize = 4, scope = shared)]
async fn bounded_task(x: u64) -> u64 {
    x
}

/// What fails for 13, and takes long from 100 on.
#[lru_cache(maxsize = 2, scope = shared, single_flight = true)]
fn counted(x: u64) -> Result<u64, String> {
    if x >= 100 {
        thread::sleep(Duration::from_millis(x));
    }
    if x == 13 { Err("13".to_owned()) } else { Ok(x) }
}

#[lru_cache(maxsize = 2, scope = shared, near = "1h")]
async fn counted_near(x: u64) -> u64 {
    x
}

#[lru_cache(maxsize = 8, scope = shared, idle = "1h")]
fn idling(x: u64) -> u64 {
    x
}

#[lru_cache(maxsize = None, scope = shared, idle = "1h", ttl = "1d")]
async fn idling_unbounded(x: u64) -> u64 {
    x
}

#[lru_cache(maxsize = 8, scope = shared, idle = "1h", near = "10h")]
fn idling_near(x: u64) -> u64 {
    x
}

fn counts(totals: CacheTotals) -> String {
    let CacheTotals { hits, misses, evictions, expirations, errors, waits, .. } = totals;
    format!("{:?}", [hits, misses, evictions, expirations, errors, waits])
}

/// Answers a command, if it is one of these.
pub fn answer(command: &str, number: u64) -> Option<String> {
    Some(match command {
        "bounded" => (bounded(number) + wait(bounded_task(number))).to_string(),
        "bounded_all" => (0..number).map(|x| bounded(x) + wait(bounded_task(x))).sum::<u64>().to_string(),
        "bounded_held" => {
            let held = |x: &u64| {
                let is_held = bounded_cache_peek(*x).is_some();
                assert_eq!(wait(bounded_task_cache_peek(*x)).is_some(), is_held, "of {x}");
                is_held
            };
            format!("{:?}", (0..number).filter(held).collect::<Vec<_>>())
        }
        "bounded_info" => format!("{} {}", bounded_cache_info(), wait(bounded_task_cache_info())),
        "bounded_parameters" => {
            let parameters = [bounded_cache_parameters(), wait(bounded_task_cache_parameters())];
            format!("{:?}", parameters.map(|parameters| parameters.maxsize))
        }
        "bounded_resize" => {
            bounded_cache_resize(number as usize);
            wait(bounded_task_cache_resize(number as usize));
            String::new()
        }
        "registered_resize" => {
            let all = caches().filter(|cache| cache.name().contains("fleet::bounded"));
            all.map(|cache| {
                let is_resized = cache.resize(number as usize);
                format!("{is_resized} {:?}", cache.parameters().maxsize)
            })
            .collect::<Vec<_>>()
            .join(" ")
        }
        "bounded_clear" => {
            bounded_cache_clear();
            wait(bounded_task_cache_clear());
            String::new()
        }
        "counted" => format!("{:?}", counted(number)),
        "counted_by_threads" => super::in_threads(2, || format!("{:?}", counted(number))),
        "counted_near" => wait(counted_near(number)).to_string(),
        "counted_clear" => {
            counted_cache_clear();
            String::new()
        }
        "counted_totals" => counts(counted_cache_totals()),
        "counted_near_totals" => counts(wait(counted_near_cache_totals())),
        "registered_totals" => {
            let mut found = caches().filter(|cache| cache.name().ends_with("fleet::counted"));
            counts(found.next().expect("it was used").totals())
        }
        "counted_milliseconds" => {
            let totals = counted_cache_totals();
            format!("{} {}", totals.compute_time.as_millis(), totals.saved_time().as_millis())
        }
        "later" => {
            clock::advance(Duration::from_secs(60 * number));
            String::new()
        }
        "idling" => (idling(number) + wait(idling_unbounded(number)) + idling_near(number)).to_string(),
        "idling_misses" => {
            let infos = [idling_cache_info(), wait(idling_unbounded_cache_info()), idling_near_cache_info()];
            format!("{:?}", infos.map(|info| info.misses))
        }
        "idling_peek" => {
            let peeked = [
                idling_cache_peek(number),
                wait(idling_unbounded_cache_peek(number)),
                idling_near_cache_peek(number),
            ];
            format!("{peeked:?}")
        }
        _ => return None,
    })
}
