//! The memory of an entry beyond its key and value, counted in the allocator.

use std::ops::Range;

use crate::contenders::{self, Contender, LARGE, Make, PROCESS};
use crate::counters::grown_bytes;
use crate::keys::Key;
use crate::results::{Bytes, Verdict};

pub(crate) const NAME: &str = "memory per entry";

const KEY_AND_VALUE: f64 = 16.0;
const GOAL: f64 = 32.0;

/// Fills each cache that evicts, and then stores as many further entries.
///
/// Must run before the caches of memoized functions are used.
pub(crate) fn measure() -> Vec<Bytes> {
    let mut all = Vec::new();
    for make in contenders::EVICTING {
        let beyond = |bytes: i64| bytes as f64 / LARGE as f64 - KEY_AND_VALUE;
        let mut contender = None;
        let at_first = grown_bytes(|| contender = Some(filled(*make)));
        let contender = contender.expect("it was just made");
        eprintln!("measuring: {NAME}, {}", contender.name);
        let later = at_first + grown_bytes(|| store(&contender, LARGE..2 * LARGE));
        all.push(Bytes {
            contender: contender.name.to_owned(),
            entries: LARGE,
            filled: beyond(at_first),
            churned: beyond(later),
        });
    }
    all.sort_by(|a, b| a.filled.total_cmp(&b.filled));
    all
}

/// Fills a contender. Memory that it allocates in advance counts.
fn filled(make: Make<u64>) -> Contender<u64> {
    let contender = make(LARGE);
    store(&contender, 0..LARGE);
    contender
}

fn store(contender: &Contender<u64>, ranks: Range<usize>) {
    for rank in ranks {
        (contender.pass)(&[u64::from_rank(rank)]);
    }
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
