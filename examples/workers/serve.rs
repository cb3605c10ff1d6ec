//! The command `serve`: workers on one port until a signal stops them.

use std::io::Write;

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::failure::Failure;
use crate::master::{Master, bind};
use crate::scope::Caching;

/// Serves until SIGINT or SIGTERM.
pub(crate) async fn serve(workers: u8, port: u16, caching: Caching) -> Result<(), Failure> {
    // The master caches nothing, but reports a wrong URL once, instead of each worker.
    caching.configure()?;
    // Signals are caught from the beginning, so that none can end the master before it has stopped its workers.
    let (mut interrupt, mut terminate) = (catch(SignalKind::interrupt())?, catch(SignalKind::terminate())?);
    let mut master = Master::start(bind(port)?, workers, caching)?;
    let url = format!("http://{}", master.address());
    let serving = async {
        master.ready().await;
        // An error is ignored: the app serves even if no one reads its output.
        let _ = writeln!(std::io::stdout(), "listening on {url} with {workers} workers; stop with Ctrl-C");
        std::future::pending::<()>().await;
    };
    tokio::select! {
        () = serving => {}
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    master.stop().await;
    Ok(())
}

/// Catches a signal from now on.
pub(crate) fn catch(kind: SignalKind) -> Result<Signal, Failure> {
    signal(kind).map_err(Failure::of("cannot catch signals"))
}
