//! The lease of a key: a lock on a byte of a file. The kernel releases the lock when the process dies.
//!
//! The holder may be stopped. A waiter that sees no [sign of life](super::members::Sign) for too long goes on to the
//! next byte of the key, and so do all others; one process at a time holds that byte. A process that continues after it
//! was given up computes beside the new holder.

use alloc::sync::Arc;
use core::time::Duration;
use std::thread;
use std::time::Instant;

use super::members::{Membership, PROCESSES, Tried};
use crate::shared::error::{Error, Kind};

/// The time beyond the timeout for which a running process may get no processor.
const MARGIN: Duration = Duration::from_secs(1);

/// How many stopped processes in a row are passed over.
const BYTES: u64 = 64;

/// The first and the longest pause between two attempts.
const PAUSES: (Duration, Duration) = (Duration::from_micros(50), Duration::from_millis(10));

/// The lock on a byte. Dropping it in the process that took it releases it.
pub(super) struct ByteLock {
    members: Arc<Membership>,
    byte: u64,
}

impl ByteLock {
    /// Locks a byte of a key. With a timeout, waits while the holder shows a sign of life within the timeout. Without
    /// one, returns `None` if a living process holds the byte.
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

    /// Waits for one byte. Returns `None` if the holder was given up, or if there is no timeout.
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

impl Drop for ByteLock {
    fn drop(&mut self) {
        self.members.unlock(self.byte);
    }
}
