//! The web app under worker processes, in Python and with this crate: what they need is made, then measured.

use std::path::Path;

use crate::Failure;
use crate::command::{cargo, program, run, succeeds};
use crate::servers;

/// Where Flask and gunicorn are installed, from PyPI.
const ENVIRONMENT: &str = "target/bench-web";

pub(crate) fn report() -> Result<(), Failure> {
    servers::all_installed()?;
    let gunicorn = format!("{ENVIRONMENT}/bin/gunicorn");
    if !Path::new(&gunicorn).exists() {
        if !succeeds(&mut program("python3", "-m ensurepip --version")) {
            servers::install("python3-venv")?;
        }
        run(&mut program("python3", &format!("-m venv {ENVIRONMENT}")))?;
        run(&mut program(
            &format!("{ENVIRONMENT}/bin/pip"),
            "install --quiet flask==3.1.2 gunicorn==23.0.0",
        ))?;
    }
    run(&mut cargo("build --release -p lru-memo-examples --example workers --features servers"))?;
    let measure = "run --profile bench -p lru-memo-benches --bin stores -- web";
    run(&mut cargo(&format!("{measure} {gunicorn} target/release/examples/workers")))
}
