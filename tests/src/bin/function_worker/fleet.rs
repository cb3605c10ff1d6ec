//! Functions whose bound, totals and times of use all workers share.

use lru_memo::{caches, lru_cache};

use super::wait;

#[lru_cache(maxsize = 4, scope = shared)]
fn bounded(x: u64) -> u64 {
    x
}

#[lru_cache(maxsize = 4, scope = shared)]
async fn bounded_task(x: u64) -> u64 {
    x
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
        _ => return None,
    })
}
