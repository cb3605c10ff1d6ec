//! `cargo xtask bench web`: builds the web app with this crate and in Python, and measures both under worker processes.

use crate::Failure;
use crate::command::{cargo, run};
use crate::{python, servers};

pub(crate) fn report() -> Result<(), Failure> {
    servers::all_installed()?;
    let gunicorn = python::installed("bench-web", "flask==3.1.2 gunicorn==23.0.0", "gunicorn")?;
    run(&mut cargo("build --release -p lru-memo-examples --example workers --features servers"))?;
    let mut measure = cargo("run --profile bench -p lru-memo-benches --bin stores -- web");
    run(measure.arg(gunicorn).arg("target/release/examples/workers"))
}
