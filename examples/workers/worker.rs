//! A worker process: serves the app on the socket it inherits, as long as its master lives.
//!
//! Its standard input is the listening socket, as inetd passes it. Its standard output is the *lifeline*, a socket pair
//! with the master, which never writes to it. The worker reports there that it is ready. It stops when the lifeline
//! closes, which happens even when the master is killed.

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

/// How long a stopping worker waits for unfinished answers.
const GRACE: Duration = Duration::from_secs(3);

/// The pause when there are no file descriptors or no memory for a connection.
const PAUSE: Duration = Duration::from_millis(100);

/// Serves until the lifeline ends.
pub(crate) async fn work(caching: &Caching) -> Result<(), Failure> {
    let inherited = "a worker is started by its master, with a socket for standard input and output";
    let (listener, lifeline) = inherit().map_err(Failure::of(inherited))?;
    let mut lifeline = tokio::net::UnixStream::from_std(lifeline).map_err(Failure::of(inherited))?;
    let connections = Connections::accept_from(listener).map_err(Failure::of(inherited))?;

    caching.configure()?;
    if caching.scope == Scope::Shared {
        // Without its store the app works as well, but slower, so the error is logged.
        if let Err(error) = shared::store() {
            eprintln!("worker {}: nothing is cached: {error}", std::process::id());
        }
    }

    // An error is ignored: if the master is gone, the read below ends.
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

/// Takes the socket and the lifeline from standard input and output.
fn inherit() -> io::Result<(TcpListener, UnixStream)> {
    let listener = TcpListener::from(io::stdin().as_fd().try_clone_to_owned()?);
    listener.local_addr()?;
    let lifeline = UnixStream::from(io::stdout().as_fd().try_clone_to_owned()?);
    lifeline.peer_addr()?;
    lifeline.set_nonblocking(true)?;
    Ok((listener, lifeline))
}

/// Accepts connections, one at a time.
///
/// Threads of all workers block in `accept`, and the kernel serves them in turns. If workers polled the socket instead,
/// all would wake up for each connection, and one worker might get all of them.
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
            // A worker that cannot accept connections should die and be replaced.
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
