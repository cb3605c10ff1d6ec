//! A web app whose view is memoized, served by several worker processes, as gunicorn serves a Flask app.
//!
//! `cargo run --release --example workers` is a demonstration: what `GET /get_cache_info` answers with one worker,
//! and with two. `cargo run --release --example workers -- serve --workers 2 --port 8000` serves until it is
//! stopped.
//!
//! [`master`] starts this program again for each worker and keeps it running, [`worker`] accepts connections,
//! [`app`] answers them.

#[cfg(unix)]
mod app;
#[cfg(unix)]
mod cli;
#[cfg(unix)]
mod client;
#[cfg(unix)]
mod demonstration;
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
        Ok(Action::Demonstrate) => demonstration::demonstrate().await,
        Ok(Action::Serve { workers, port, scope }) => serve::serve(workers, port, scope).await,
        Ok(Action::Work { scope }) => worker::work(scope).await,
        Ok(Action::Help(text)) => {
            print!("{text}");
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
