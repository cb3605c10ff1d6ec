//! The right to compute a key: the lock on a byte of a file, which goes with the process.
//!
//! A process that has it may be stopped. Who has waited in vain for a [sign of life](super::members::Sign) goes on to
//! another byte of the same key, and so do all others: one of them at a time has that one. A process that goes on
//! after it was given up computes beside them.

use alloc::sync::Arc;
use core::time::Duration;
use std::thread;
use std::time::Instant;

use super::members::{Membership, PROCESSES, Tried};
use crate::shared::error::{Error, Kind};

/// Beyond the timeout: so long may a process that is not stopped get no processor.
const MARGIN: Duration = Duration::from_secs(1);

/// So many stopped processes in a row are passed over.
const BYTES: u64 = 64;

/// How long it is waited at first, and at most, before it is looked again.
const PAUSES: (Duration, Duration) = (Duration::from_micros(50), Duration::from_millis(10));

/// The lock on a byte, until it is dropped by the process that took it.
pub(super) struct Turn {
    members: Arc<Membership>,
    byte: u64,
}

impl Turn {
    /// Locks a byte of a key. `None` when another process has it that lives, and it is not to be waited; else waits as
    /// long as that one shows a sign of life within the timeout.
    pub(super) fn take(
        members: &Arc<Membership>,
        key: u64,
        timeout: Option<Duration>,
    ) -> Result<Option<Self>, Error> {
        for number in 0..BYTES {
            let byte = key.wrapping_add(number.wrapping_mul(0x9e37_79b9_7f4a_7c15)) % PROCESSES;
            if let Some(turn) = Self::take_byte(members, byte, timeout)? {
                return Ok(Some(turn));
            }
            if timeout.is_none() && !members.sign(byte).is_given_up() {
                return Ok(None);
            }
        }
        Err(Error::new(Kind::Unavailable, "too many processes that were computing a key are stopped"))
    }

    /// Waits for one byte. `None` when it is to be passed over, or not to be waited.
    fn take_byte(
        members: &Arc<Membership>,
        byte: u64,
        timeout: Option<Duration>,
    ) -> Result<Option<Self>, Error> {
        let sign = members.sign(byte);
        let (mut beats, mut since, mut pause) = (sign.beats(), Instant::now(), PAUSES.0);
        loop {
            let tried = members.try_lock(byte)?;
            let is_here = match tried {
                Tried::Locked => return Ok(Some(Self { members: Arc::clone(members), byte })),
                Tried::HeldHere => true,
                Tried::HeldElsewhere => false,
            };
            let Some(timeout) = timeout else { return Ok(None) };
            let now = sign.beats();
            if is_here || now != beats {
                (beats, since) = (now, Instant::now());
            } else if sign.is_given_up() {
                return Ok(None);
            } else if since.elapsed() > timeout + MARGIN {
                sign.give_up(beats);
                return Ok(None);
            }
            thread::sleep(pause);
            pause = (2 * pause).min(PAUSES.1);
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.members.unlock(self.byte);
    }
}
