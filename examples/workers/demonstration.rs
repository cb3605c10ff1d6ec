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

/// Shows that the cache is per worker.
pub(crate) async fn demonstrate() -> Result<(), Failure> {
    for workers in [1, 2] {
        let mut master = Master::start(bind(0)?, workers, Scope::Process)?;
        let shown = match timeout(START, master.ready()).await {
            Ok(()) => show(master.address(), workers).await,
            Err(_) => Err(Failure::new("the workers do not start")),
        };
        master.stop().await;
        shown?;
    }
    Ok(())
}

/// Sends the requests and prints the answers.
async fn show(server: SocketAddr, workers: u8) -> Result<(), Failure> {
    println!(
        "{workers} worker process{} on one port",
        if workers == 1 { "" } else { "es" }
    );
    println!("  {:<20} {:>8}   answer", "request", "worker");
    print("/", &get(server, "/").await?);

    // What each worker said last.
    let mut seen = BTreeMap::new();
    let mut asked = 0;
    while asked < TIMES || (seen.len() < usize::from(workers) && asked < TIMES + MORE) {
        let answer = get(server, "/get_cache_info").await?;
        asked += 1;
        print("/get_cache_info", &answer);
        let counters = Counters::deserialize(&answer.body).map_err(Failure::of("not a cache info"))?;
        seen.insert(answer.worker, counters);
    }
    if seen.len() < usize::from(workers) {
        return Err(Failure::new(format!(
            "only {} of {workers} workers answered",
            seen.len()
        )));
    }
    println!("{}\n", conclusion(&seen));
    Ok(())
}

fn print(path: &str, answer: &Answer) {
    println!(
        "  {:<20} {:>8}   {}",
        format!("GET {path}"),
        answer.worker,
        answer.body
    );
}

/// What the answers mean, in a sentence.
fn conclusion(seen: &BTreeMap<u32, Counters>) -> String {
    let (holding, empty): (Vec<_>, Vec<_>) = seen.iter().partition(|(_, counters)| counters.currsize > 0);
    let pids = |workers: &[(&u32, &Counters)]| {
        workers
            .iter()
            .map(|(pid, _)| pid.to_string())
            .collect::<Vec<_>>()
            .join(", ")
    };
    if empty.is_empty() {
        format!(
            "=> One view was called, and whoever answers ({}) knows of it.",
            pids(&holding)
        )
    } else {
        format!(
            "=> One view was called, {} knows of it and {} does not: the cache is per worker.",
            pids(&holding),
            pids(&empty)
        )
    }
}
