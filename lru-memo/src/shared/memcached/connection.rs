//! A connection to a server: bytes there and back, each with a deadline.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::time::Duration;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::PathBuf;
use std::sync::mpsc;
use std::thread;
use std::time::Instant;

use socket2::{Domain, SockAddr, Socket, Type};

use super::wire::{Answer, Batch, Head, head};

/// Where a server listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Address {
    /// A host, or an address, and a port.
    Tcp(String, u16),
    /// A socket in the file system.
    Unix(PathBuf),
}

pub(super) struct Connection {
    socket: Socket,
    /// What was received; what is before `at` was used.
    received: Vec<u8>,
    at: usize,
}

/// No line of an answer is longer.
const LONGEST_LINE: usize = 4096;

impl Connection {
    pub(super) fn open(address: &Address, until: Instant) -> io::Result<Self> {
        let socket = match address {
            Address::Tcp(host, port) => connect_tcp(host, *port, until)?,
            Address::Unix(path) => {
                let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
                // It bounds how long it takes to connect, too, where nobody accepts.
                socket.set_write_timeout(Some(left(until)?))?;
                socket.connect(&SockAddr::unix(path)?)?;
                socket
            }
        };
        Ok(Self { socket, received: Vec::new(), at: 0 })
    }

    /// Sends commands, and waits for the answers to all of them.
    pub(super) fn exchange(&mut self, batch: &Batch, until: Instant) -> io::Result<Vec<Answer>> {
        let mut rest = &batch.bytes[..];
        while !rest.is_empty() {
            self.socket.set_write_timeout(Some(left(until)?))?;
            match self.socket.write(rest) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(written) => rest = &rest[written..],
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        let answers = (0..batch.commands).map(|_| self.answer(until)).collect::<io::Result<_>>()?;
        if self.at == self.received.len() {
            self.received.clear();
            self.received.shrink_to(1 << 16);
            self.at = 0;
            Ok(answers)
        } else {
            Err(garbage("more than was asked for"))
        }
    }

    fn answer(&mut self, until: Instant) -> io::Result<Answer> {
        let line = self.line(until)?;
        match head(&line) {
            Some(Head::Whole(answer)) => Ok(answer),
            Some(Head::Value { length, number }) => {
                let mut value = self.take(length + 2, until)?;
                let end = value.split_off(length);
                if end == b"\r\n" {
                    Ok(Answer::Value(value, number))
                } else {
                    Err(garbage("a value without end"))
                }
            }
            None => {
                Err(garbage(&String::from_utf8_lossy(&line[..line.len().min(80)]).escape_debug().to_string()))
            }
        }
    }

    fn line(&mut self, until: Instant) -> io::Result<Vec<u8>> {
        let mut searched = self.at;
        loop {
            if let Some(found) = self.received[searched..].iter().position(|&byte| byte == b'\n') {
                let line = self.received[self.at..searched + found].to_vec();
                self.at = searched + found + 1;
                return line
                    .strip_suffix(b"\r")
                    .map(<[u8]>::to_vec)
                    .ok_or_else(|| garbage("a line without end"));
            }
            searched = self.received.len();
            if searched - self.at > LONGEST_LINE {
                return Err(garbage("a line without end"));
            }
            self.receive(until)?;
        }
    }

    fn take(&mut self, length: usize, until: Instant) -> io::Result<Vec<u8>> {
        while self.received.len() - self.at < length {
            self.receive(until)?;
        }
        let taken = self.received[self.at..self.at + length].to_vec();
        self.at += length;
        Ok(taken)
    }

    fn receive(&mut self, until: Instant) -> io::Result<()> {
        let length = self.received.len();
        // As much again as there is, so that long values are not copied often.
        self.received.resize(length + length.clamp(1 << 12, 1 << 20), 0);
        self.socket.set_read_timeout(Some(left(until)?))?;
        let result = self.socket.read(&mut self.received[length..]);
        self.received.truncate(length + result.as_ref().map_or(0, |read| *read));
        match result {
            Ok(0) => Err(ErrorKind::UnexpectedEof.into()),
            Err(error) if error.kind() != ErrorKind::Interrupted => Err(error),
            _ => Ok(()),
        }
    }
}

/// Whether the other side had closed the connection, as it does when it is restarted.
pub(super) fn is_closed(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::UnexpectedEof
            | ErrorKind::BrokenPipe
            | ErrorKind::ConnectionReset
            | ErrorKind::ConnectionAborted
    )
}

fn garbage(what: &str) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, format!("this is no answer of Memcached 1.6 or later: {what}"))
}

/// The time that is left.
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

/// The addresses of a host. Where a name has to be looked up, a thread does it, for it may take any time.
fn resolve(host: &str, port: u16, until: Instant) -> io::Result<Vec<SocketAddr>> {
    if let Ok(address) = host.parse() {
        return Ok(Vec::from([SocketAddr::new(address, port)]));
    }
    let (answer, answered) = mpsc::channel();
    let host = String::from(host);
    let look_up = move || {
        let addresses = (host.as_str(), port).to_socket_addrs().map(|addresses| addresses.collect());
        // Nobody may be waiting any more.
        let _ = answer.send(addresses);
    };
    thread::Builder::new().name("lru-memo address".into()).spawn(look_up)?;
    answered.recv_timeout(left(until)?).unwrap_or_else(|_| Err(ErrorKind::TimedOut.into()))
}
