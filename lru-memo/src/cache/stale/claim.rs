//! The claim of an entry: who recomputes it, or until when nobody does.
//!
//! Times are counted from the moment at which the entry became old. A claim names its process: in the child of a fork, the
//! caller that has it does not exist, and another one may take it.

use alloc::sync::Arc;
use core::sync::atomic::AtomicU64;
use core::sync::atomic::Ordering::{AcqRel, Acquire};
use core::time::Duration;

use crate::sys::clock::Instant;
use crate::sys::fork::Process;

/// Free: 0. Resting: until when, in nanoseconds. Taken: [`TAKEN`], and the number of the process.
#[derive(Debug, Default)]
#[allow(unreachable_pub, reason = "older Rust does not see that it can be reached")]
pub struct Claim(AtomicU64);

const FREE: u64 = 0;
const TAKEN: u64 = 1 << 63;

fn taken_by(process: Process) -> u64 {
    TAKEN | u64::from(process.number())
}

/// Whether a claim in this state may be taken, of an entry that has been old for so long.
fn is_free(state: u64, old_for: Duration) -> bool {
    match state {
        FREE => true,
        taken if taken & TAKEN != 0 => taken != taken_by(Process::ANY) && taken != taken_by(Process::here()),
        resting => old_for.as_nanos() >= u128::from(resting),
    }
}

impl Claim {
    pub(super) fn is_free(&self, now: Instant, old_since: Instant) -> bool {
        is_free(self.0.load(Acquire), now.saturating_duration_since(old_since))
    }

    /// Takes the claim of an entry that has been old since then.
    pub(super) fn take(
        self: &Arc<Self>,
        now: Instant,
        old_since: Instant,
        process: Process,
    ) -> Option<Claimed> {
        let taken = taken_by(process);
        let old_for = now.saturating_duration_since(old_since);
        let take = |state| is_free(state, old_for).then_some(taken);
        self.0.fetch_update(AcqRel, Acquire, take).ok()?;
        Some(Claimed { claim: Arc::clone(self), taken, old_since })
    }
}

/// A claim that a caller has taken. Dropping it lets the next caller recompute.
#[derive(Debug)]
pub(crate) struct Claimed {
    claim: Arc<Claim>,
    taken: u64,
    old_since: Instant,
}

impl Claimed {
    pub(super) fn is_of(&self, claim: &Arc<Claim>) -> bool {
        Arc::ptr_eq(&self.claim, claim)
    }

    /// Ends it, and keeps everybody from recomputing for so long.
    pub(super) fn rest(&self, now: Instant, pause: Duration) {
        let until = now.saturating_duration_since(self.old_since).saturating_add(pause);
        self.end(u64::try_from(until.as_nanos()).unwrap_or(u64::MAX).min(TAKEN - 1));
    }

    fn end(&self, state: u64) {
        // In the child of a fork, another caller may have it.
        let _ = self.claim.0.compare_exchange(self.taken, state, AcqRel, Acquire);
    }
}

impl Drop for Claimed {
    fn drop(&mut self) {
        self.end(FREE);
    }
}
