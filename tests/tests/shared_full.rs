//! The embedded store when there is no room: its size is reached, the disk is full, files may not grow.

mod shared;

use lru_memo::shared::Store;
use shared::{Scratch, peek, put, space};

/// A value whose length depends on its number: up to twice this, with some that are much longer.
fn value(number: u64, mean: usize) -> Vec<u8> {
    let random = (number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 33) as usize;
    let length = if random % 50 == 0 { mean * 8 } else { random % (2 * mean) };
    vec![number as u8; length]
}

#[test]
fn a_store_that_reaches_its_size_keeps_it_over_many_turnovers() {
    let scratch = Scratch::new();
    let store = scratch.store_of(4 << 20);
    let space = space("f", None);
    for number in 0..20_000_u64 {
        assert!(put(&store, &space, &number.to_le_bytes(), &value(number, 1000), 1));
        if number > 4000 && number % 500 == 0 {
            let kept = store.info(&space).expect("it works").currsize;
            assert!(kept > 1000, "{kept} entries of 1,140 bytes in 4 MiB, after {number}");
            for recent in number - 500..=number {
                let found = peek(&store, &space, &recent.to_le_bytes());
                assert!(found == Some(value(recent, 1000)), "{recent} of {number}");
            }
        }
    }
}
