//! The command `serve`: workers on one port until a signal stops them.

use std::io::Write;

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::failure::Failure;
use crate::master::{Master, bind};
use crate::scope::Caching;

/// Serves until SIGINT or SIGTERM.
pub(crate) async fn serve(workers: u8, port: u16, caching: Caching) -> Result<(), Failure> {
    // The master caches nothing; but a mistake is better told here than by each worker.
    caching.configure()?;
    // Caught from the first, so that no signal can end the master before it has stopped its workers.
    let (mut interrupt, mut terminate) = (catch(SignalKind::interrupt())?, catch(SignalKind::terminate())?);
    let mut master = Master::start(bind(port)?, workers, caching)?;
    let url = format!("http://{}", master.address());
    let serving = async {
        master.ready().await;
        // That nobody reads this is no reason not to serve.
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
