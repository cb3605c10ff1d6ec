//! `cargo xtask bench`: which of the measurements is meant.

use crate::Failure;
use crate::command::{cargo, run};
use crate::{build_cost, instructions, servers, web};

/// What may follow `bench`, and what it does.
pub(crate) const USAGE: &[(&str, &str)] = &[
    ("bench [FILTER]", "the tables of benchmarks and their goals; FILTER: part of a row's name"),
    (
        "bench pictures",
        "the pictures and the table of benches/README.md, from what the last `bench` has found",
    ),
    ("bench stores", "hits and misses on each shared store, beside the least that it can be asked"),
    ("bench web", "requests per second of a web app, beside Flask and gunicorn with Python's lru_cache"),
    ("bench build", "what the crate, and each memoised function, adds to the time of a build"),
    ("bench --check", "instructions per call, by callgrind, against those on record"),
    ("bench --bless", "instructions per call go on record"),
];

pub(crate) fn bench(words: &[&str]) -> Result<(), Failure> {
    match words {
        ["build"] => build_cost::report(),
        ["stores"] => {
            servers::all_installed()?;
            run(&mut cargo("run --profile bench -p lru-memo-benches --bin stores"))
        }
        ["web"] => web::report(),
        ["--check"] => instructions::check(),
        ["--bless"] => instructions::bless(),
        filter => run(cargo("run --profile bench -p lru-memo-benches --").args(filter)),
    }
}
