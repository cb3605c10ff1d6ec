//! A server: its connections, and whether it is worth asking.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicU32, Ordering};
use core::time::Duration;
use std::io;
use std::time::Instant;

use parking_lot::Mutex;

use super::breaker::Breaker;
use super::connection::{Address, Connection, is_closed};
use super::wire::{Answer, Batch};
use crate::shared::error::{Error, Kind};

/// How many connections are kept.
const KEPT: usize = 16;

pub(super) struct Server {
    /// As in the URL: tells it from others.
    pub(super) name: String,
    address: Address,
    connect_timeout: Duration,
    /// Connections that nobody is using. Nobody waits for these locks, so none can be left behind by a fork.
    idle: [Mutex<Option<Connection>>; KEPT],
    /// Whose connections these are: the child of a fork must not use those of its parent.
    process: AtomicU32,
    breaker: Breaker,
    /// Why it has failed.
    reason: Mutex<Box<str>>,
}

impl Server {
    pub(super) fn new(name: String, address: Address, connect_timeout: Duration) -> Self {
        Self {
            name,
            address,
            connect_timeout,
            idle: Default::default(),
            process: AtomicU32::new(std::process::id()),
            breaker: Breaker::new(),
            reason: Mutex::default(),
        }
    }

    /// Sends commands, and waits for the answers to all of them. A server that has failed is not asked for a while.
    pub(super) fn exchange(&self, batch: &Batch, until: Instant) -> Result<Vec<Answer>, Error> {
        let Some(admitted) = self.breaker.admit() else {
            let reason = self.reason.try_lock().map(|reason| reason.clone()).unwrap_or_default();
            return Err(self.failed(&format!("left alone for a while: {reason}")));
        };
        match self.attempt(batch, until) {
            Ok(answers) => {
                self.breaker.succeeded();
                Ok(answers)
            }
            Err(error) => {
                let reason = match error.kind() {
                    io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => String::from("it took too long"),
                    _ => format!("{error}"),
                };
                if let Some(mut last) = self.reason.try_lock() {
                    *last = reason.as_str().into();
                }
                self.breaker.failed(admitted);
                Err(self.failed(&reason))
            }
        }
    }

    fn attempt(&self, batch: &Batch, until: Instant) -> io::Result<Vec<Answer>> {
        if let Some(mut kept) = self.take() {
            match kept.exchange(batch, until) {
                Ok(answers) => {
                    self.keep(kept);
                    return Ok(answers);
                }
                // It was closed while nobody used it, and so were others.
                Err(error) if is_closed(&error) => self.forget(),
                Err(error) => return Err(error),
            }
        }
        let mut opened = Connection::open(&self.address, until.min(Instant::now() + self.connect_timeout))?;
        let answers = opened.exchange(batch, until)?;
        self.keep(opened);
        Ok(answers)
    }

    fn take(&self) -> Option<Connection> {
        let here = std::process::id();
        if self.process.swap(here, Ordering::Relaxed) != here {
            self.forget();
        }
        self.idle.iter().find_map(|place| place.try_lock()?.take())
    }

    fn keep(&self, connection: Connection) {
        let vacant = self.idle.iter().find_map(|place| place.try_lock().filter(|place| place.is_none()));
        if let Some(mut vacant) = vacant {
            *vacant = Some(connection);
        }
    }

    fn forget(&self) {
        self.idle.iter().for_each(|place| drop(place.try_lock().and_then(|mut place| place.take())));
    }

    fn failed(&self, reason: &str) -> Error {
        Error::new(Kind::Unavailable, format!("the Memcached server {} cannot be used: {reason}", self.name))
    }
}
