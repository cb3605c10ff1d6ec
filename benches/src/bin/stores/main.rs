//! Measures calls on each shared store: `cargo xtask bench stores`.
//!
//! Rounds take turns: hits, misses that store, hits on a cache of the process, and the simplest request to the store.
//! Then several processes use a store at once, and a server hangs. The output has medians, and medians of the ratios
//! within one round.

mod calls;
mod processes;
mod raw;
mod servers;
mod sqlite;
mod statistics;
mod web;

use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

use crate::servers::Store;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words[..] {
        // The arguments with which this program starts itself.
        ["calls", url, directory] => calls::by_one(url, Path::new(directory)),
        ["callers", url] => calls::by_many(url),
        ["hits"] => processes::work(processes::hits),
        ["flight"] => processes::work(processes::flight),
        ["ask-hung"] => processes::ask_hung(),
        ["web", gunicorn, workers] => {
            if let Err(error) = web::report(Path::new(gunicorn), Path::new(workers)) {
                eprintln!("{error}");
                return ExitCode::FAILURE;
            }
        }
        _ => return report(),
    }
    ExitCode::SUCCESS
}

fn report() -> ExitCode {
    let directory =
        tempfile::Builder::new().prefix("lru-memo-bench").tempdir_in("/dev/shm").expect("a directory");
    let stores = servers::start_all(directory.path());
    let place = directory.path().display().to_string();
    println!("One caller, on the same processor as the server.\n");
    println!("| store | value | what | us per call | of a raw GET |\n|---|--:|---|--:|--:|");
    for store in &stores {
        store.run_on(1);
        print_all(store, store.user(&["calls", &store.url, &place]));
    }
    println!("\nMany callers of values of 64 B, on all processors; us per call of all together.\n");
    println!("| store | callers | what | us per call | of a raw GET |\n|---|--:|---|--:|--:|");
    let processors = std::thread::available_parallelism().expect("a number of processors").get();
    // The embedded store has no clients that wait.
    for store in &stores[1..] {
        store.run_on(processors);
        print_all(store, store.user(&["callers", &store.url]));
    }
    println!("\nHits of 64 B by one process, and by two at the same time.\n");
    println!("| store | one: us per call | two: us per call of each | so many times the calls of one |");
    println!("|---|--:|--:|--:|");
    stores.iter().for_each(processes::scaling);
    println!("\nSingle flight: 8 processes with 8 threads each ask for what takes 300 ms.\n");
    println!("| store | runs | median wait, of 300 ms | longest wait, of 300 ms |");
    println!("|---|--:|--:|--:|");
    stores.iter().for_each(processes::single_flight);
    println!("\nBytes on the wire, per hit of 64 B.\n\n| store | to the server | back |\n|---|--:|--:|");
    stores.iter().for_each(processes::wire);
    println!("\nA server that accepts and never answers, asked for 5 s by one caller; us per call.\n");
    println!("| store | calls | that waited | median | 99.9 % | longest |\n|---|--:|--:|--:|--:|--:|");
    stores[1..].iter().for_each(|store| processes::hung(store, directory.path()));
    ExitCode::SUCCESS
}

/// Prints the rows of one process.
fn print_all(store: &Store, mut user: Command) {
    let output = user.stderr(Stdio::inherit()).output().expect("it starts");
    assert!(output.status.success(), "{user:?} fails");
    let rows = String::from_utf8_lossy(&output.stdout).into_owned();
    rows.lines().for_each(|row| println!("| {} {row}", store.name));
}
