//! The demonstration: the same requests to one worker and to two, and who answered what.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use serde::Deserialize;
use tokio::time::timeout;

use crate::app::Counters;
use crate::client::{Answer, get};
use crate::failure::Failure;
use crate::master::{Master, bind};
use crate::scope::Scope;

/// How often the cache info is asked for.
const TIMES: usize = 12;

/// How much more often at most, when not every worker has answered by then.
const MORE: usize = 200;

/// How long workers may take to start.
const START: Duration = Duration::from_secs(30);

/// What is shown: so many workers, whose cache has that scope.
const SCENES: [(u8, Scope); 2] = [(1, Scope::Process), (2, Scope::Process)];

/// Shows who shares a cache, and who does not.
pub(crate) async fn demonstrate() -> Result<(), Failure> {
    for (workers, scope) in SCENES {
        let plural = if workers == 1 { "" } else { "es" };
        println!("{workers} worker process{plural} on one port, scope = {}", scope.name());
        let mut master = Master::start(bind(0)?, workers, scope)?;
        let shown = match timeout(START, master.ready()).await {
            Ok(()) => show(master.address(), usize::from(workers)).await,
            Err(_) => Err(Failure::new("the workers do not start")),
        };
        master.stop().await;
        shown?;
    }
    Ok(())
}

/// Sends the requests, prints the answers and what they mean.
async fn show(server: SocketAddr, workers: usize) -> Result<(), Failure> {
    println!("  {:<20} {:>8}   answer", "request", "worker");
    print("/", &get(server, "/").await?);

    // Nothing changes the counters from here on, so one answer of each worker is enough to judge by.
    let mut seen = BTreeMap::new();
    let mut asked = 0;
    while asked < TIMES || (seen.len() < workers && asked < TIMES + MORE) {
        let answer = get(server, "/get_cache_info").await?;
        asked += 1;
        print("/get_cache_info", &answer);
        let counters = Counters::deserialize(&answer.body).map_err(Failure::of("not a cache info"))?;
        seen.insert(answer.worker, counters);
    }
    if seen.len() < workers {
        return Err(Failure::new(format!("only {} of {workers} workers answered", seen.len())));
    }
    println!("=> The view was called once. {}\n", conclusion(&seen));
    Ok(())
}

fn print(path: &str, answer: &Answer) {
    println!("  {:<20} {:>8}   {}", format!("GET {path}"), answer.worker, answer.body);
}

/// What the counters of the workers mean, in a sentence.
fn conclusion(seen: &BTreeMap<u32, Counters>) -> String {
    let mut knowing = Vec::new();
    let mut ignorant = Vec::new();
    for (worker, counters) in seen {
        let known = if counters.misses > 0 { &mut knowing } else { &mut ignorant };
        known.push(worker.to_string());
    }
    let (knowing, ignorant) = (knowing.join(" and "), ignorant.join(" and "));
    if ignorant.is_empty() {
        format!("Whichever worker answers ({knowing}) knows of it.")
    } else {
        format!("Worker {knowing} knows of it, worker {ignorant} does not: the cache is per worker.")
    }
}
