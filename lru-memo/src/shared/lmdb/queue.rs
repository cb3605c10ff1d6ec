//! Waits for a lock of the store, no longer than the timeout. The process that holds the lock may be stopped, by a
//! debugger or in a frozen container. Then one call for each interval of the breaker waits, and all others fail at
//! once.

use core::time::Duration;
use std::time::Instant;

use super::raw::{Robust, RobustGuard};
use crate::shared::breaker::Breaker;
use crate::shared::error::{Error, Kind};
use crate::shared::task;

pub(super) struct Queue {
    timeout: Duration,
    breaker: Breaker,
}

impl Queue {
    pub(super) fn new(timeout: Duration) -> Self {
        Self { timeout, breaker: Breaker::new() }
    }

    /// Takes the lock. Fails instead of waiting on the thread of a task, see [`task::without_waiting`].
    #[inline]
    pub(super) fn enter<'a>(&self, lock: &'a Robust) -> Result<RobustGuard<'a>, Error> {
        if self.breaker.is_at_rest() {
            if let Some(held) = lock.try_lock() {
                return Ok(held);
            }
        }
        self.wait(lock)
    }

    #[cold]
    fn wait<'a>(&self, lock: &'a Robust) -> Result<RobustGuard<'a>, Error> {
        if !task::may_wait() {
            return Err(stopped());
        }
        let admitted = self.breaker.admit().ok_or_else(stopped)?;
        match lock.lock_until(Instant::now() + self.timeout) {
            Some(held) => {
                self.breaker.succeeded();
                Ok(held)
            }
            None => {
                self.breaker.failed(admitted);
                Err(stopped())
            }
        }
    }
}

pub(super) fn stopped() -> Error {
    Error::new(
        Kind::Unavailable,
        "the shared store is locked by a process that takes too long, or is stopped",
    )
}
