//! One server, with its connections and its circuit breaker.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicU32, Ordering};
use core::time::Duration;
use std::io;
use std::time::Instant;

use parking_lot::Mutex;

use super::connection::{Connection, is_closed};
use super::wire::{Answer, Batch};
use crate::shared::breaker::Breaker;
use crate::shared::error::{Error, Kind};
use crate::shared::remote::pool::Pool;
use crate::shared::remote::socket::Address;

pub(super) struct Server {
    /// The host and port, or the path of the socket.
    pub(super) name: String,
    address: Address,
    connect_timeout: Duration,
    idle: Pool<Connection>,
    /// How often the server had closed an idle connection, perhaps because it was restarted.
    restarts: AtomicU32,
    breaker: Breaker,
    /// The reason of the last failure.
    reason: Mutex<Box<str>>,
}

impl Server {
    pub(super) fn new(name: String, address: Address, connect_timeout: Duration) -> Self {
        Self {
            name,
            address,
            connect_timeout,
            idle: Pool::new(),
            restarts: AtomicU32::new(0),
            breaker: Breaker::new(),
            reason: Mutex::default(),
        }
    }

    /// Returns a number that changes when the server may have been restarted.
    pub(super) fn run(&self) -> u32 {
        self.restarts.load(Ordering::Relaxed)
    }

    /// Sends commands, and waits for all answers. After a failure, fails at once for a while.
    pub(super) fn exchange(&self, batch: &Batch, until: Instant) -> Result<Vec<Answer>, Error> {
        Ok(self.exchange_in(None, batch, until)?.unwrap_or_default())
    }

    /// Like [`exchange`](Self::exchange), but returns `None` if the server may have been restarted since this
    /// [`run`](Self::run): a restarted server numbers versions from the beginning.
    pub(super) fn exchange_in(
        &self,
        run: Option<u32>,
        batch: &Batch,
        until: Instant,
    ) -> Result<Option<Vec<Answer>>, Error> {
        let Some(admitted) = self.breaker.admit() else {
            let reason = self.reason.try_lock().map(|reason| reason.clone()).unwrap_or_default();
            return Err(self.failed(&format!("not asked for a while after a failure: {reason}")));
        };
        match self.attempt(run, batch, until) {
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

    fn attempt(&self, run: Option<u32>, batch: &Batch, until: Instant) -> io::Result<Option<Vec<Answer>>> {
        if let Some(mut kept) = self.idle.take() {
            match kept.exchange(batch, until) {
                Ok(answers) => {
                    self.idle.keep(kept);
                    return Ok(Some(answers));
                }
                // The server has closed this idle connection, and probably the others.
                Err(error) if is_closed(&error) => {
                    self.restarts.fetch_add(1, Ordering::Relaxed);
                    self.idle.clear();
                }
                Err(error) => return Err(error),
            }
        }
        if run.is_some_and(|run| run != self.run()) {
            return Ok(None);
        }
        let mut opened = Connection::open(&self.address, until.min(Instant::now() + self.connect_timeout))?;
        let answers = opened.exchange(batch, until)?;
        self.idle.keep(opened);
        Ok(Some(answers))
    }

    fn failed(&self, reason: &str) -> Error {
        Error::new(Kind::Unavailable, format!("the Memcached server {} cannot be used: {reason}", self.name))
    }
}
