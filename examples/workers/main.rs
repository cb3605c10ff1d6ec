//! A web app whose view is memoized, served by several worker processes, as gunicorn serves a Flask app.
//!
//! - `cargo run --release --example workers` is a demonstration. It shows the answers to `GET /get_cache_info` from one
//!   worker, from two, and from two that share their cache, of which one is killed and replaced.
//! - `cargo run --release --example workers --features servers -- --store URL` shares the cache on a server.
//! - `cargo run --release --example workers -- serve --workers 2 --port 8000 --scope shared` serves until it is
//!   stopped.
//!
//! [`master`] starts this program again for each worker and keeps it running, [`worker`] accepts connections,
//! [`app`] answers them, [`scope`] has the memoized functions.

#[cfg(unix)]
mod app;
#[cfg(unix)]
mod cli;
#[cfg(unix)]
mod client;
#[cfg(unix)]
mod demonstration;
#[cfg(unix)]
mod directory;
#[cfg(unix)]
mod failure;
#[cfg(unix)]
mod master;
#[cfg(unix)]
mod scope;
#[cfg(unix)]
mod serve;
#[cfg(unix)]
mod worker;

#[cfg(unix)]
#[tokio::main]
async fn main() -> std::process::ExitCode {
    use cli::Action;

    let done = match cli::action() {
        Ok(Action::Demonstrate { store }) => demonstration::demonstrate(store).await,
        Ok(Action::Serve { workers, port, caching }) => serve::serve(workers, port, caching).await,
        Ok(Action::Work { caching }) => worker::work(&caching).await,
        Ok(Action::Help) => {
            print!("{}", cli::HELP);
            Ok(())
        }
        Err(failure) => Err(failure),
    };
    match done {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("error: {failure}");
            std::process::ExitCode::from(2)
        }
    }
}

#[cfg(not(unix))]
fn main() -> std::process::ExitCode {
    eprintln!("error: the workers inherit their socket in the way of Unix");
    std::process::ExitCode::from(2)
}
