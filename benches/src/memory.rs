//! How much memory an entry takes beyond its key and value, by counting what the allocator has handed out.

use crate::contenders::{self, LARGE, PROCESS};
use crate::counters::grown_bytes;
use crate::keys::Key;
use crate::results::{Bytes, Verdict};

pub(crate) const NAME: &str = "memory per entry";

const KEY_AND_VALUE: f64 = 16.0;
const GOAL: f64 = 32.0;

/// Fills each cache that evicts, then has as many entries again pass through it.
///
/// To be called before anything else has used the caches of memoised functions.
pub(crate) fn measure() -> Vec<Bytes> {
    let mut all = Vec::new();
    for contender in contenders::evictions(LARGE) {
        eprintln!("measuring: {NAME}, {}", contender.name);
        let beyond = |bytes: i64| bytes as f64 / LARGE as f64 - KEY_AND_VALUE;
        let store = |ranks: std::ops::Range<usize>| {
            for rank in ranks {
                (contender.pass)(&[u64::from_rank(rank)]);
            }
        };
        let filled = grown_bytes(|| store(0..LARGE));
        let churned = filled + grown_bytes(|| store(LARGE..2 * LARGE));
        all.push(Bytes {
            contender: contender.name.to_owned(),
            entries: LARGE,
            filled: beyond(filled),
            churned: beyond(churned),
        });
    }
    all.sort_by(|a, b| a.filled.total_cmp(&b.filled));
    all
}

pub(crate) fn judge(all: &[Bytes]) -> Verdict {
    let ours = all.iter().find(|it| it.contender == PROCESS).expect("we are among them");
    Verdict {
        row: NAME.to_owned(),
        goal: format!("{PROCESS}: at most {GOAL} bytes at {LARGE} entries"),
        found: format!("{:.1} bytes", ours.filled),
        met: ours.filled <= GOAL,
    }
}
