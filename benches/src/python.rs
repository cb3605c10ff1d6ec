//! CPython's `functools.lru_cache`, measured by `timeit` after a row, and not in turns with the others.

use std::process::{Command, Stdio};

use crate::contenders::Kind;
use crate::results::Figures;
use crate::stats::median;

/// The workload for CPython.
#[derive(Clone, Copy)]
pub(crate) enum Calls {
    /// Hits on so many numbers.
    Hits(usize),
    /// Hits on so many pairs of a text of 16 characters and a number.
    HitsOfText(usize),
    /// Misses that evict.
    Misses,
    /// So many numbers by Zipf.
    Zipf(usize),
}

/// Prints nanoseconds per call, one line for each repetition. The time of an empty loop that calls a C function without
/// a body is subtracted. The same function is memoized.
const SCRIPT: &str = "
import sys, random, operator, functools, timeit
ROUNDS = 15
kind, distinct, capacity = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
random.seed(1)
if kind == 'misses':
    calls = [(number,) for number in range(distinct)]
else:
    some = [(random.getrandbits(62),) for _ in range(distinct)]
    if kind == 'text':
        some = [('%016x' % number, rank) for rank, (number,) in enumerate(some)]
    if kind == 'zipf':
        weights = [1 / (rank + 1) for rank in range(distinct)]
        calls = random.choices(some, weights, k=1 << 18)
    else:
        calls = [random.choice(some) for _ in range(4096)]
plain = operator.is_ if kind == 'text' else operator.index
cached = functools.lru_cache(maxsize=capacity)(plain)
loop = 'for a, b in calls: f(a, b)' if kind == 'text' else 'for a, in calls: f(a)'
def ns(f):
    return timeit.timeit(loop, globals={'f': f, 'calls': calls}, number=2) / 2 / len(calls) * 1e9
if kind == 'zipf':
    for a, in reversed(some): cached(a)
ns(cached)
before = cached.cache_info()
ns(cached)
after = cached.cache_info()
misses = after.misses - before.misses
print(misses / (misses + after.hits - before.hits))
for _ in range(ROUNDS):
    print(ns(cached) - ns(plain))
print(sys.version.split()[0])
";

/// Returns `None`, and prints a note, if there is no Python.
pub(crate) fn measure(calls: Calls, capacity: usize, baseline_ns: f64) -> Option<Figures> {
    let (kind, distinct) = match calls {
        Calls::Hits(distinct) => ("numbers", distinct),
        Calls::HitsOfText(distinct) => ("text", distinct),
        Calls::Misses => ("misses", 16 * capacity),
        Calls::Zipf(distinct) => ("zipf", distinct),
    };
    let output = Command::new("python3")
        .args(["-c", SCRIPT, kind, &distinct.to_string(), &capacity.to_string()])
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output();
    let output = match output {
        Ok(output) if output.status.success() => output,
        Ok(output) => {
            eprintln!("without CPython: python3 ended with {}", output.status);
            return None;
        }
        Err(error) => {
            eprintln!("without CPython: python3 could not be started: {error}");
            return None;
        }
    };
    let output = String::from_utf8_lossy(&output.stdout);
    let lines: Vec<&str> = output.lines().collect();
    let numbers: Option<Vec<f64>> = lines[..lines.len() - 1].iter().map(|line| line.parse().ok()).collect();
    let Some([misses, ns @ ..]) = numbers.as_deref() else {
        eprintln!("without CPython: python3 printed something else than numbers");
        return None;
    };
    eprintln!("  CPython {}", lines[lines.len() - 1]);
    let median_ns = median(ns.iter().copied());
    Some(Figures {
        contender: "CPython functools.lru_cache".to_owned(),
        kind: Kind::Python,
        ratio: median_ns / baseline_ns,
        ns_per_call: median_ns,
        ns: ns.to_vec(),
        allocations: None,
        misses: *misses,
    })
}
