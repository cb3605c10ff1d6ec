//! The demonstration: the same requests to one worker, to two, and to two that share their cache; and who answered
//! what.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use lru_memo::shared;
use rustix::process::{Pid, Signal, kill_process};
use serde::Deserialize;
use tempfile::TempDir;
use tokio::signal::unix::SignalKind;
use tokio::time::{sleep, timeout};

use crate::app::Counters;
use crate::client::{Answer, get};
use crate::failure::Failure;
use crate::master::{Master, bind};
use crate::scope::{Caching, Scope, clear_shared};
use crate::serve::catch;

/// How often the cache info is asked for.
const TIMES: usize = 12;

/// How often it is asked for when a worker was replaced.
const TIMES_AGAIN: usize = 6;

/// How much more often at most, when not every worker has answered by then.
const MORE: usize = 200;

/// How long workers may take to start.
const START: Duration = Duration::from_secs(30);

/// What is shown: so many workers, whose cache has that scope.
const SCENES: [(u8, Scope); 3] = [(1, Scope::Process), (2, Scope::Process), (2, Scope::Shared)];

/// What each worker knows.
type Seen = BTreeMap<u32, Counters>;

/// Shows who shares a cache, and who does not.
pub(crate) async fn demonstrate(store: Option<String>) -> Result<(), Failure> {
    let mut interrupt = catch(SignalKind::interrupt())?;
    let shared = Shared::new(store)?;
    println!(
        "A web view is memoized with #[lru_cache(maxsize = 2)] and called once. What do the workers know of it?\n"
    );
    for (workers, scope) in SCENES {
        let plural = if workers == 1 { "" } else { "es" };
        let (store, place) = match scope {
            Scope::Process => (None, String::new()),
            Scope::Shared => (Some(shared.emptied()?), shared.place()),
        };
        println!("{workers} worker process{plural} on one port, scope = {}{place}", scope.name());
        let mut master = Master::start(bind(0)?, workers, Caching { scope, store })?;
        let shown = tokio::select! {
            shown = show(&mut master, workers.into(), scope) => shown,
            _ = interrupt.recv() => Err(Failure::new("interrupted")),
        };
        master.stop().await;
        shown?;
    }
    Ok(())
}

/// Where the shared cache is kept.
enum Shared {
    /// In a directory of this run, in which the store makes one that is private.
    Own(TempDir),
    /// Where the user wants it, by this URL.
    Given(String),
}

impl Shared {
    fn new(store: Option<String>) -> Result<Self, Failure> {
        let Some(url) = store else {
            return tempfile::tempdir().map(Self::Own).map_err(Failure::of("no temporary directory"));
        };
        // For this process, too, which has to empty it.
        Caching { scope: Scope::Shared, store: Some(url.clone()) }.configure()?;
        Ok(Self::Given(url))
    }

    /// The URL, when nothing is cached there that another run has left.
    fn emptied(&self) -> Result<String, Failure> {
        match self {
            Self::Own(directory) => Ok(format!("file://{}/store", directory.path().display())),
            Self::Given(url) => clear_shared().map(|()| url.clone()),
        }
    }

    /// The end of a headline that says where, without a password.
    fn place(&self) -> String {
        match self {
            Self::Own(_) => String::new(),
            Self::Given(_) => format!(", on {}", shared::health().store),
        }
    }
}

/// Sends the requests, prints the answers and what they mean.
async fn show(master: &mut Master, workers: usize, scope: Scope) -> Result<(), Failure> {
    timeout(START, master.ready()).await.map_err(|_| Failure::new("the workers do not start"))?;
    let server = master.address();
    println!("  {:<20} {:>8}   answer", "request", "worker");
    let called = get(server, "/").await?;
    print("/", &called);
    let seen = ask_all(server, workers, TIMES).await?;
    println!("=> {}\n", conclusion(&seen, scope)?);
    if scope == Scope::Shared {
        show_replacement(server, called.worker, &seen).await?;
    }
    Ok(())
}

/// Kills a worker, and asks again when another has taken its place.
async fn show_replacement(server: SocketAddr, killed: u32, before: &Seen) -> Result<(), Failure> {
    println!("kill -9 {killed}, the worker that has called the view");
    kill(killed)?;
    timeout(START, replaced(server, before)).await.map_err(|_| Failure::new("no worker is replaced"))?;
    let after = ask_all(server, before.len(), TIMES_AGAIN).await?;
    let new = after.keys().find(|worker| !before.contains_key(worker));
    let new = new.ok_or_else(|| Failure::new("no worker is new"))?;
    if after.contains_key(&killed) || after.values().ne(before.values()) {
        return Err(Failure::new("the workers do not answer as before"));
    }
    println!("=> Worker {new} has replaced {killed} and answers the same: the cache outlives its workers.");
    Ok(())
}

/// Asks until every worker has answered, prints the answers.
async fn ask_all(server: SocketAddr, workers: usize, times: usize) -> Result<Seen, Failure> {
    // Nothing changes the counters meanwhile, so one answer of each worker is enough to judge by.
    let mut seen = Seen::new();
    let mut asked = 0;
    while asked < times || (seen.len() < workers && asked < times + MORE) {
        let answer = get(server, "/get_cache_info").await?;
        asked += 1;
        print("/get_cache_info", &answer);
        let counters = Counters::deserialize(&answer.body).map_err(Failure::of("not a cache info"))?;
        seen.insert(answer.worker, counters);
    }
    if seen.len() < workers {
        return Err(Failure::new(format!("only {} of {workers} workers answered", seen.len())));
    }
    Ok(seen)
}

/// Waits until a worker answers that is not known. A connection that a killed one had accepted is lost.
async fn replaced(server: SocketAddr, known: &Seen) {
    loop {
        match get(server, "/get_cache_info").await {
            Ok(answer) if !known.contains_key(&answer.worker) => return,
            _ => sleep(Duration::from_millis(20)).await,
        }
    }
}

fn kill(worker: u32) -> Result<(), Failure> {
    let pid = worker.try_into().ok().and_then(Pid::from_raw);
    let pid = pid.ok_or_else(|| Failure::new(format!("{worker} is not a process")))?;
    kill_process(pid, Signal::KILL).map_err(Failure::of(format!("cannot kill worker {worker}")))
}

fn print(path: &str, answer: &Answer) {
    println!("  {:<20} {:>8}   {}", format!("GET {path}"), answer.worker, answer.body);
}

/// What the counters of the workers mean, in a sentence.
fn conclusion(seen: &Seen, scope: Scope) -> Result<String, Failure> {
    let mut knowing = Vec::new();
    let mut ignorant = Vec::new();
    for (worker, counters) in seen {
        let known = if counters.misses > 0 { &mut knowing } else { &mut ignorant };
        known.push(worker.to_string());
    }
    let (all, one) = (ignorant.is_empty(), knowing.len() == 1);
    let (knowing, ignorant) = (knowing.join(" and "), ignorant.join(" and "));
    match scope {
        Scope::Process if all && one => {
            Ok(format!("Worker {knowing} knows of it: all is well in development."))
        }
        Scope::Process if one => {
            Ok(format!("Worker {knowing} knows of it, worker {ignorant} does not: the cache is per worker."))
        }
        Scope::Shared if all => {
            Ok(format!("Workers {knowing} know of it: there is one cache for all of them."))
        }
        _ => Err(Failure::new(format!(
            "not what was to be shown: known to [{knowing}], unknown to [{ignorant}]"
        ))),
    }
}
