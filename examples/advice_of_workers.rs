//! Which `maxsize` is good for worker processes that share a cache: `cargo run --example advice_of_workers`.

use std::process::Command;
use std::{env, io};

use lru_memo::lru_cache;

#[lru_cache(maxsize = 50, scope = shared, advise = true)]
fn article(id: u32) -> String {
    format!("article {id}")
}

fn main() -> io::Result<()> {
    if let Some(worker) = env::args().nth(1) {
        work(worker.parse().unwrap_or(0));
        return Ok(());
    }
    let program = env::current_exe()?;
    let workers = ["0", "1"].map(|worker| Command::new(&program).arg(worker).spawn());
    for worker in workers {
        worker?.wait()?;
    }
    println!("{}", article_cache_advice());
    Ok(())
}

/// Half of the readers. Both workers read the same favourites in turn.
fn work(worker: u32) {
    for request in (worker..6_000).step_by(2) {
        article(1_000 + request / 3);
        article(request % 120);
    }
    // Tells the store of the latest calls, before the process ends.
    article_cache_advice();
}
