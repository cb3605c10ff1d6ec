//! The demonstration: sends the same requests to one worker, to two, and to two that share their cache, and shows their
//! answers.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use lru_memo::shared;
use serde_json::Value;
use tokio::process::Command;
use tokio::signal::unix::SignalKind;
use tokio::time::{sleep, timeout};

use crate::client::{Answer, get};
use crate::directory::Directory;
use crate::failure::Failure;
use crate::master::{Master, bind};
use crate::scope::{Caching, Scope, clear_shared};
use crate::serve::catch;

const BEGINNING: &str = "\
A web app memoizes its view with #[lru_cache(maxsize = 2)]. Worker processes
serve the app on one port. GET / calls the view, once. GET /get_cache_info then
asks for the counters of the cache; any of the workers may answer.";

const ENDING: &str = "\
Try next
  Serve the app until Ctrl-C, and reload http://127.0.0.1:8000/get_cache_info:
    cargo run --release --example workers -- serve --scope shared
  Share the cache among machines, on a Redis or Memcached server:
    cargo run --release --example workers --features servers -- \\
      --store redis://127.0.0.1
  Read the memoized view: examples/workers/scope.rs";

/// The maximum number of requests until every worker has answered.
const MOST: usize = 1000;

/// The time limit for the start of the workers.
const START: Duration = Duration::from_secs(60);

/// A case: a number of workers, and the scope of their cache.
const SCENES: [(u8, Scope, &str); 3] = [
    (1, Scope::Process, "1. One worker process, one cache"),
    (2, Scope::Process, "2. Two worker processes, a cache in each"),
    (2, Scope::Shared, "3. Two worker processes, one cache for both"),
];

/// The counters that each worker reports.
type Reports = BTreeMap<u32, Value>;

/// Runs all cases.
pub(crate) async fn demonstrate(store: Option<String>) -> Result<(), Failure> {
    let mut interrupt = catch(SignalKind::interrupt())?;
    let shared = Shared::new(store)?;
    println!("{BEGINNING}");
    for (workers, scope, headline) in SCENES {
        let store = match scope {
            Scope::Process => None,
            Scope::Shared => Some(shared.emptied()?),
        };
        println!("\n{headline} (scope = {})", scope.name());
        if let (Scope::Shared, Shared::Given(_)) = (scope, &shared) {
            // The redacted URL, without a password.
            println!("   on {}", shared::health().store);
        }
        let mut master = Master::start(bind(0)?, workers, Caching { scope, store })?;
        let shown = tokio::select! {
            shown = show(&mut master, workers.into(), scope) => shown,
            _ = interrupt.recv() => Err(Failure::new("interrupted")),
        };
        master.stop().await;
        shown?;
    }
    println!("\n{ENDING}");
    Ok(())
}

/// The place of the shared cache.
enum Shared {
    /// A directory of this run, in which the store makes a private one.
    Own(Directory),
    /// The store of this URL, which the user has chosen.
    Given(String),
}

impl Shared {
    fn new(store: Option<String>) -> Result<Self, Failure> {
        let Some(url) = store else {
            return Directory::new().map(Self::Own);
        };
        // This process uses the store, too, to clear it.
        Caching { scope: Scope::Shared, store: Some(url.clone()) }.configure()?;
        Ok(Self::Given(url))
    }

    /// Returns the URL, after removing the entries of earlier runs.
    fn emptied(&self) -> Result<String, Failure> {
        match self {
            Self::Own(directory) => Ok(format!("file://{}/store", directory.path().display())),
            Self::Given(url) => clear_shared().map(|()| url.clone()),
        }
    }
}

/// Sends the requests, and prints the answers with an explanation.
async fn show(master: &mut Master, workers: usize, scope: Scope) -> Result<(), Failure> {
    timeout(START, master.ready()).await.map_err(|_| Failure::new("the workers do not start"))?;
    let server = master.address();
    println!("   {:<19} {:>7}  answer", "request", "worker");
    let called = get(server, "/").await?;
    print("/", &called);
    let reports = ask_all(server, workers, 2 * workers).await?;
    println!("=> {}", conclusion(called.worker, &reports, scope)?);
    if scope == Scope::Shared {
        show_replacement(server, called.worker, &reports).await?;
    }
    Ok(())
}

/// Kills a worker, and sends requests again when another worker has replaced it.
async fn show_replacement(server: SocketAddr, killed: u32, before: &Reports) -> Result<(), Failure> {
    kill(killed).await?;
    timeout(START, replaced(server, before)).await.map_err(|_| Failure::new("no worker is replaced"))?;
    let after = ask_all(server, before.len(), before.len()).await?;
    let new = after.keys().find(|worker| !before.contains_key(worker));
    let new = new.ok_or_else(|| Failure::new("no worker is new"))?;
    if after.contains_key(&killed) || after.values().ne(before.values()) {
        return Err(Failure::new("the workers do not answer as before"));
    }
    println!(
        "=> Worker {new} replaces {killed} and reports the call, too: the cache\n   outlives its workers."
    );
    Ok(())
}

/// Asks for the counters at least so many times, until every worker has reported them. Prints so many answers, and the
/// first one of each worker.
async fn ask_all(server: SocketAddr, workers: usize, times: usize) -> Result<Reports, Failure> {
    // The counters do not change in between, so one answer of each worker is enough.
    let mut reports = Reports::new();
    for asked in 0..MOST {
        if asked >= times && reports.len() >= workers {
            return Ok(reports);
        }
        let answer = get(server, "/get_cache_info").await?;
        if asked < times || !reports.contains_key(&answer.worker) {
            print("/get_cache_info", &answer);
        }
        reports.insert(answer.worker, answer.body);
    }
    Err(Failure::new(format!("only {} of {workers} workers answered", reports.len())))
}

/// Waits for an answer of a new worker. Connections that the killed worker had accepted are lost.
async fn replaced(server: SocketAddr, known: &Reports) {
    loop {
        match get(server, "/get_cache_info").await {
            Ok(answer) if !known.contains_key(&answer.worker) => return,
            _ => sleep(Duration::from_millis(20)).await,
        }
    }
}

/// Kills a worker by `kill`, and prints the command.
async fn kill(worker: u32) -> Result<(), Failure> {
    let command = format!("kill -9 {worker}");
    println!("   {command}");
    // Every shell has the command built in.
    let status = Command::new("sh").args(["-c", &command]).status().await.map_err(Failure::of(&command))?;
    if status.success() { Ok(()) } else { Err(Failure::new(format!("{command}: {status}"))) }
}

fn print(path: &str, answer: &Answer) {
    println!("   {:<19} {:>7}  {}", format!("GET {path}"), answer.worker, answer.body);
}

/// Explains the reports of the workers, of which one was called.
fn conclusion(called: u32, reports: &Reports, scope: Scope) -> Result<String, Failure> {
    let reports_call = |report: &Value| report["Misses"] == 1;
    let (knowing, ignorant): (Vec<u32>, Vec<u32>) =
        reports.keys().partition(|&worker| reports_call(&reports[worker]));
    match (scope, &knowing[..], &ignorant[..]) {
        (Scope::Process, [worker], []) if *worker == called => {
            Ok(format!("Worker {worker} reports the call: one miss, one entry."))
        }
        (Scope::Process, [worker], [other]) if *worker == called => Ok(format!(
            "Worker {worker} reports the call. Worker {other} does not: each worker\n   process has its own cache."
        )),
        (Scope::Shared, [one, two], []) => {
            Ok(format!("Workers {one} and {two} report the call: they share one cache."))
        }
        _ => Err(Failure::new(format!(
            "not what was to be shown: known to {knowing:?}, unknown to {ignorant:?}"
        ))),
    }
}
