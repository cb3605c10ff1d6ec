//! The memory that `advise = true` takes: little for few keys, and no more than 256 KiB for any number of them.

use std::sync::atomic::Ordering::Relaxed;

use lru_memo::lru_cache;
use lru_memo_tests::counting::{IN_USE, alone};

#[lru_cache(maxsize = 16)]
fn plain(key: u64) -> u64 {
    key
}

#[lru_cache(maxsize = 16, advise = true)]
fn advised(key: u64) -> u64 {
    key
}

/// How many more bytes the second function takes than the first, called with these keys.
fn difference(keys: impl Iterator<Item = u64> + Clone) -> isize {
    let grown = |function: fn(u64) -> u64| {
        let before = IN_USE.load(Relaxed);
        keys.clone().for_each(|key| _ = function(key));
        IN_USE.load(Relaxed) - before
    };
    let plain = grown(plain);
    grown(advised) - plain
}

#[test]
fn advice_takes_256_kibibytes_at_most() {
    let _alone = alone();
    let few = difference((0..100).map(|call| call % 10));
    assert!(few < 8 * 1024, "{few} bytes for ten keys");
    // Larger and larger loops: keys come again at all depths, and the first turn is over.
    let loops = (9..16).flat_map(|power| (0..3_u64 << power).map(move |call| call % (1 << power)));
    let many = few + difference(loops);
    assert!(many < 256 * 1024, "{many} bytes for many keys");
    assert!(many > 64 * 1024, "{many} bytes: the keys were too few");
    assert!(advised_cache_advice().hit_ratio(1 << 17) > 0.5);
}
