//! A socket to a server, with a deadline for all reads and writes together.

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::time::Duration;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::PathBuf;
use std::time::Instant;

use socket2::{Domain, SockAddr, Socket, Type};

use crate::sys::fork::start_thread;
use crate::sys::sync::{Condvar, Mutex};

/// Where a server listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::shared) enum Address {
    /// A host name or an IP address, with a port.
    Tcp(String, u16),
    /// A socket in the file system.
    Unix(PathBuf),
}

/// A socket with a deadline. Slow bytes do not extend it, unlike a timeout for each read.
#[derive(Debug)]
pub(in crate::shared) struct Timed {
    socket: Socket,
    until: Instant,
    reading: Option<Duration>,
    writing: Option<Duration>,
}

impl Timed {
    pub(in crate::shared) fn open(address: &Address, until: Instant) -> io::Result<Self> {
        let socket = match address {
            Address::Tcp(host, port) => connect_tcp(host, *port, until)?,
            Address::Unix(path) => {
                let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
                // This bounds `connect`, too, which waits while the server does not accept.
                socket.set_write_timeout(Some(left(until)?))?;
                socket.connect(&SockAddr::unix(path)?)?;
                socket
            }
        };
        Ok(Self { socket, until, reading: None, writing: None })
    }

    pub(in crate::shared) fn set_deadline(&mut self, until: Instant) {
        self.until = until;
    }

    /// Returns the remaining time if it differs much from the socket's timeout. Setting it again costs a system call.
    fn to_arm(&self, armed: Option<Duration>) -> io::Result<Option<Duration>> {
        let left = left(self.until)?;
        let is_near = armed.is_some_and(|armed| armed.abs_diff(left) < left / 16);
        Ok((!is_near).then_some(left))
    }
}

impl Read for Timed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if let Some(left) = self.to_arm(self.reading)? {
            self.socket.set_read_timeout(Some(left))?;
            self.reading = Some(left);
        }
        self.socket.read(buffer)
    }
}

impl Write for Timed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if let Some(left) = self.to_arm(self.writing)? {
            self.socket.set_write_timeout(Some(left))?;
            self.writing = Some(left);
        }
        self.socket.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Returns the remaining time, or an error at the deadline.
fn left(until: Instant) -> io::Result<Duration> {
    let left = until.saturating_duration_since(Instant::now());
    if left.is_zero() { Err(ErrorKind::TimedOut.into()) } else { Ok(left) }
}

fn connect_tcp(host: &str, port: u16, until: Instant) -> io::Result<Socket> {
    let mut last = io::Error::new(ErrorKind::NotFound, "the host has no address");
    for address in resolve(host, port, until)? {
        let attempt = || -> io::Result<Socket> {
            let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
            socket.connect_timeout(&address.into(), left(until)?)?;
            socket.set_tcp_nodelay(true)?;
            Ok(socket)
        };
        match attempt() {
            Ok(socket) => return Ok(socket),
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// Returns the addresses of a host. A thread looks a name up, because that may take any time.
fn resolve(host: &str, port: u16, until: Instant) -> io::Result<Vec<SocketAddr>> {
    if let Ok(address) = host.parse() {
        return Ok(Vec::from([SocketAddr::new(address, port)]));
    }
    // No channel: waiting for one takes the token of `thread::park`, by which an executor may be waking the calling thread.
    let asked = Arc::new((Mutex::new(None), Condvar::new()));
    let (answer, host) = (Arc::clone(&asked), String::from(host));
    let look_up = move || {
        let addresses = (host.as_str(), port).to_socket_addrs().map(|addresses| addresses.collect());
        let (found, changed) = &*answer;
        *found.lock() = Some(addresses);
        changed.notify_one();
    };
    start_thread("lru-memo address", look_up)?;
    let (found, changed) = &*asked;
    let mut found = found.lock();
    loop {
        if let Some(addresses) = found.take() {
            return addresses;
        }
        left(until)?;
        found = changed.wait_until(found, until);
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn looking_up_a_name_takes_no_wake_up_that_is_for_the_caller() {
        for _ in 0..20 {
            let (begin, long) = (Instant::now(), Duration::from_secs(60));
            std::thread::current().unpark();
            let addresses = resolve("localhost", 1, begin + long).expect("the name is known");
            assert!(addresses.iter().all(|address| address.ip().is_loopback() && address.port() == 1));
            std::thread::park_timeout(long);
            assert!(begin.elapsed() < long, "the wake-up is lost");
        }
    }
}
