//! The master process: opens the socket, starts the workers, replaces those that die, stops them all.
//!
//! A worker is this program, started again. It shares only the socket with its master. Forking a process with threads
//! would not be safe.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::net::UnixStream;
use tokio::process::{Child, Command};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::failure::Failure;
use crate::scope::Caching;

/// The time limit for a worker to stop by itself.
const GRACE: Duration = Duration::from_secs(5);

/// The pause before a worker that was never ready is replaced, because its successor may fail as fast.
const PAUSE: Duration = Duration::from_secs(1);

/// Opens the socket that the workers share.
pub(crate) fn bind(port: u16) -> Result<TcpListener, Failure> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    TcpListener::bind(address).map_err(Failure::of(format!("cannot listen on {address}")))
}

/// The workers that serve one socket.
pub(crate) struct Master {
    address: SocketAddr,
    supervisors: JoinSet<()>,
    ready: Vec<oneshot::Receiver<()>>,
    stop: watch::Sender<()>,
}

impl Master {
    /// Starts the workers, and keeps as many running until [`stop`](Self::stop).
    pub(crate) fn start(listener: TcpListener, workers: u8, caching: Caching) -> Result<Self, Failure> {
        let address = listener.local_addr().map_err(Failure::of("the socket has no address"))?;
        let (listener, caching) = (Arc::new(listener), Arc::new(caching));
        let stop = watch::Sender::new(());
        let mut master = Self { address, supervisors: JoinSet::new(), ready: Vec::new(), stop };
        for _ in 0..workers {
            let (sender, receiver) = oneshot::channel();
            master.ready.push(receiver);
            let stop = master.stop.subscribe();
            master.supervisors.spawn(supervise(listener.clone(), caching.clone(), sender, stop));
        }
        Ok(master)
    }

    /// Returns the address of the workers.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Waits until every worker serves.
    pub(crate) async fn ready(&mut self) {
        for ready in self.ready.drain(..) {
            let _ = ready.await;
        }
    }

    /// Stops the workers and waits for their end.
    pub(crate) async fn stop(self) {
        let Self { stop, supervisors, .. } = self;
        drop(stop);
        supervisors.join_all().await;
    }
}

/// Keeps one worker running until the sender of `stop` is dropped.
async fn supervise(
    listener: Arc<TcpListener>,
    caching: Arc<Caching>,
    ready: oneshot::Sender<()>,
    mut stop: watch::Receiver<()>,
) {
    let mut ready = Some(ready);
    loop {
        let served = match Worker::start(&listener, &caching) {
            Ok(mut worker) => tokio::select! {
                served = worker.run(&mut ready) => served,
                _ = stop.changed() => return worker.stop().await,
            },
            Err(error) => {
                report(&format!("cannot start a worker: {error}"));
                false
            }
        };
        if !served {
            tokio::select! {
                () = sleep(PAUSE) => {}
                _ = stop.changed() => return,
            }
        }
    }
}

struct Worker {
    process: Child,
    /// The lifeline: it closes when the master ends, see [`crate::worker`].
    lifeline: UnixStream,
}

impl Worker {
    fn start(listener: &TcpListener, caching: &Caching) -> io::Result<Self> {
        let (ours, theirs) = std::os::unix::net::UnixStream::pair()?;
        ours.set_nonblocking(true)?;
        let mut command = Command::new(this_program()?);
        if let Some(name) = std::env::args_os().next() {
            command.arg0(name);
        }
        let process = command
            .arg("work")
            .args(caching.arguments())
            .stdin(Stdio::from(OwnedFd::from(listener.try_clone()?)))
            .stdout(Stdio::from(OwnedFd::from(theirs)))
            // Ctrl-C reaches the master only, which then stops its workers.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()?;
        Ok(Self { process, lifeline: UnixStream::from_std(ours)? })
    }

    /// Waits for the worker's end, and returns whether the worker was ready before.
    async fn run(&mut self, ready: &mut Option<oneshot::Sender<()>>) -> bool {
        let pid = self.process.id().unwrap_or_default();
        let served = self.lifeline.read_u8().await.is_ok();
        if served {
            if let Some(ready) = ready.take() {
                let _ = ready.send(());
            }
        }
        let how = self.process.wait().await;
        report(&format!("worker {pid} died ({}) and will be replaced", describe(how)));
        served
    }

    async fn stop(mut self) {
        drop(self.lifeline);
        if timeout(GRACE, self.process.wait()).await.is_err() {
            let _ = self.process.kill().await;
        }
    }
}

/// Returns a path of the running program, which works even after a deploy has replaced its file.
fn this_program() -> io::Result<PathBuf> {
    // On Linux, this path opens the file even after it was removed.
    let running = Path::new("/proc/self/exe");
    if running.exists() { Ok(running.to_owned()) } else { std::env::current_exe() }
}

fn describe(how: io::Result<ExitStatus>) -> String {
    how.map_or_else(|error| error.to_string(), |status| status.to_string())
}

/// Writes to the log. An error is ignored.
fn report(line: &str) {
    use std::io::Write;
    let _ = writeln!(io::stderr(), "{line}");
}
