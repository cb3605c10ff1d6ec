//! A worker process: serves the app on the socket it inherits, as long as its master lives.
//!
//! Its standard input is the listening socket, as inetd passes it. Its standard output is the *lifeline*, a socket
//! pair whose other end the master holds and never writes to: the worker says there that it is ready, and stops
//! when it ends, which the kernel sees to even when the master is killed.

use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::thread;
use std::time::Duration;

use axum::serve::Listener;
use lru_memo::shared;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::{mpsc, oneshot};

use crate::app::app;
use crate::failure::Failure;
use crate::scope::{Caching, Scope};

/// How long a stopping worker waits for the answers it has begun.
const GRACE: Duration = Duration::from_secs(3);

/// How long to wait when there are no file descriptors or no memory for a connection.
const PAUSE: Duration = Duration::from_millis(100);

/// Serves until the lifeline ends.
pub(crate) async fn work(caching: &Caching) -> Result<(), Failure> {
    let inherited = "a worker is started by its master, with a socket for standard input and output";
    let (listener, lifeline) = inherit().map_err(Failure::of(inherited))?;
    let mut lifeline = tokio::net::UnixStream::from_std(lifeline).map_err(Failure::of(inherited))?;
    let connections = Connections::accept_from(listener).map_err(Failure::of(inherited))?;

    caching.configure()?;
    if caching.scope == Scope::Shared {
        // Without its store the app serves as well, only slower; but somebody should know.
        if let Err(error) = shared::store() {
            eprintln!("worker {}: nothing is cached: {error}", std::process::id());
        }
    }

    // Whether this is said or the master is gone already: reading tells.
    let _ = lifeline.write_u8(b'r').await;
    let (stop, stopped) = oneshot::channel::<()>();
    let serving = axum::serve(connections, app(caching.scope)).with_graceful_shutdown(async {
        let _ = stopped.await;
    });
    let ended = async {
        let _ = lifeline.read_u8().await;
        drop(stop);
        tokio::time::sleep(GRACE).await;
    };
    tokio::select! {
        served = serving => served.map_err(Failure::of("cannot serve")),
        () = ended => Ok(()),
    }
}

/// Takes the socket and the lifeline from where the master put them.
fn inherit() -> io::Result<(TcpListener, UnixStream)> {
    let listener = TcpListener::from(io::stdin().as_fd().try_clone_to_owned()?);
    listener.local_addr()?;
    let lifeline = UnixStream::from(io::stdout().as_fd().try_clone_to_owned()?);
    lifeline.peer_addr()?;
    lifeline.set_nonblocking(true)?;
    Ok((listener, lifeline))
}

/// The connections that a thread accepts, one at a time.
///
/// A thread that blocks in `accept` queues up behind those of the other workers, so the kernel passes connections
/// round; with workers that poll the socket, all would wake up and one of them might win every time.
struct Connections {
    accepted: mpsc::Receiver<(TcpStream, SocketAddr)>,
    address: SocketAddr,
}

impl Connections {
    fn accept_from(listener: TcpListener) -> io::Result<Self> {
        let address = listener.local_addr()?;
        let (sender, accepted) = mpsc::channel(1);
        thread::Builder::new().name("accept".to_owned()).spawn(move || {
            loop {
                match listener.accept() {
                    Ok(connection) => {
                        if sender.blocking_send(connection).is_err() {
                            return;
                        }
                    }
                    Err(error) if is_of_the_connection(&error) => {}
                    Err(_) => thread::sleep(PAUSE),
                }
            }
        })?;
        Ok(Self { accepted, address })
    }
}

/// Whether `accept` failed because the client went away.
fn is_of_the_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset | io::ErrorKind::Interrupted
    )
}

impl Listener for Connections {
    type Io = tokio::net::TcpStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            // A worker that could not accept any more would better die and be replaced.
            let (stream, address) = self.accepted.recv().await.expect("the thread outlives this end");
            let stream = stream.set_nonblocking(true).and_then(|()| tokio::net::TcpStream::from_std(stream));
            if let Ok(stream) = stream {
                return (stream, address);
            }
        }
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        Ok(self.address)
    }
}
