//! What a stored value begins with, in a function with `stale`. Times are wall time, which processes share.

use alloc::vec::Vec;
use core::time::Duration;

use crate::shared::namespace::fingerprint;
use crate::shared::wall;

/// The first byte. Other values begin with a `TypeCode` of the format, or with the mark of tags.
const MARK: u8 = 0xfd;

/// The times of a value, in nanoseconds since 1970.
#[derive(Debug, Clone, Copy)]
pub(super) struct Head {
    /// When the value becomes old.
    fresh_until: u64,
    /// Until when nobody recomputes it.
    rests_until: u64,
}

impl Head {
    /// Of a value that is stored now.
    pub(super) fn fresh_for(left: Duration) -> Self {
        Self { fresh_until: wall::now().saturating_add(nanoseconds(left)), rests_until: 0 }
    }

    /// The same value, which nobody recomputes before this pause is over.
    pub(super) fn resting_for(self, pause: Duration) -> Self {
        Self { rests_until: wall::now().saturating_add(nanoseconds(pause)), ..self }
    }

    /// Returns the head of a stored value, if it has one.
    pub(super) fn of(bytes: &[u8]) -> Option<Self> {
        split(bytes).map(|(head, _)| head)
    }

    /// Puts the head before a value.
    pub(super) fn before(self, value: &[u8]) -> Vec<u8> {
        let times = [self.fresh_until, self.rests_until].map(u64::to_le_bytes);
        [&[MARK][..], &times[0], &times[1], value].concat()
    }

    pub(super) fn is_old(self, now: u64) -> bool {
        now >= self.fresh_until
    }

    /// Whether the value is old, and may be recomputed.
    pub(super) fn is_due(self, now: u64) -> bool {
        self.is_old(now) && now >= self.rests_until
    }

    /// How long the value has been stored, in a function with this `ttl`. A value of a shorter age counts as stored so much
    /// earlier.
    pub(super) fn age(self, ttl: Duration) -> Duration {
        let stored = self.fresh_until.saturating_sub(nanoseconds(ttl));
        Duration::from_nanos(wall::now().saturating_sub(stored))
    }
}

/// Returns the identity of the namespace: values with a head are kept apart from those without.
pub(in crate::shared) fn id(id: u128, stale: Option<Duration>) -> u128 {
    stale.map_or(id, |stale| fingerprint(&[&id.to_le_bytes(), b"stale", &stale.as_nanos().to_le_bytes()]))
}

/// Returns a stored value without its head, if it has one.
pub(in crate::shared) fn undated(bytes: &[u8]) -> Option<&[u8]> {
    split(bytes).map(|(_, value)| value)
}

fn split(bytes: &[u8]) -> Option<(Head, &[u8])> {
    let (&MARK, rest) = bytes.split_first()? else { return None };
    let (fresh_until, rest) = rest.split_first_chunk()?;
    let (rests_until, value) = rest.split_first_chunk()?;
    let [fresh_until, rests_until] = [fresh_until, rests_until].map(|time| u64::from_le_bytes(*time));
    Some((Head { fresh_until, rests_until }, value))
}

fn nanoseconds(length: Duration) -> u64 {
    u64::try_from(length.as_nanos()).unwrap_or(u64::MAX)
}
