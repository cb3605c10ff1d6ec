//! `cargo xtask bench`: selects a measurement.

use crate::Failure;
use crate::command::{cargo, run};
use crate::{build_cost, instructions, servers, web};

/// The forms of the command, with what they do.
pub(crate) const USAGE: &[(&str, &str)] = &[
    ("bench [FILTER]", "compares with other crates, and checks the goals; FILTER: part of a row's name"),
    ("bench pictures", "writes the pictures and the table of benches/README.md from the last `bench`"),
    ("bench stores", "measures hits and misses on each shared store, beside a raw request to it"),
    ("bench web", "measures a web app, beside Flask and gunicorn with Python's lru_cache"),
    ("bench build", "measures the build time of the crate, and of each memoized function"),
    ("bench --check", "counts instructions per call, and compares them with those on record"),
    ("bench --bless", "puts the instructions per call on record"),
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
