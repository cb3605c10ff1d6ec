//! Checks for all decoders of foreign bytes, and for the URLs of stores. The fuzz target `decoders` and unit tests run
//! them.
//!
//! For any bytes, a decoder does not panic, ends, and allocates no more than the bytes can fill. A decoder reads what
//! its encoder has written.

use super::codec::format;
use super::configured;
#[cfg(all(feature = "shared", target_os = "linux"))]
use super::lmdb;
#[cfg(feature = "memcached")]
use super::memcached;
use crate::advice::fleet;

type Check = fn(&[u8]);

/// The checks, each with the first letter of its inputs.
const CHECKS: &[(u8, Check)] = &[
    (b'a', fleet::check),
    (b'f', format::check::check),
    (b'u', configured::check::url),
    #[cfg(feature = "memcached")]
    (b'd', memcached::check::directory),
    #[cfg(feature = "memcached")]
    (b'i', memcached::check::index),
    #[cfg(feature = "memcached")]
    (b'v', memcached::check::item),
    #[cfg(feature = "memcached")]
    (b'w', memcached::check::wire),
    #[cfg(all(feature = "shared", target_os = "linux"))]
    (b'r', lmdb::check::record),
    #[cfg(all(feature = "shared", target_os = "linux"))]
    (b't', lmdb::check::table),
];

/// Runs the check that the first byte names on the other bytes. Returns whether there is such a check.
pub fn check(input: &[u8]) -> bool {
    let Some((letter, bytes)) = input.split_first() else { return false };
    let Some((_, check)) = CHECKS.iter().find(|(known, _)| known == letter) else { return false };
    check(bytes);
    true
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;
    use std::fs;
    use std::path::{Path, PathBuf};

    use super::{CHECKS, check};

    /// How many changed copies of each seed are tried.
    const CHANGED: usize = 50;

    /// Numbers that are likely to be taken for a length or to overflow.
    const NUMBERS: [u64; 6] = [0, 1, 0xff, u32::MAX as u64, 1 << 63, u64::MAX];

    fn seeds() -> Vec<(PathBuf, Vec<u8>)> {
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/seeds/decoders");
        let paths =
            fs::read_dir(&directory).expect("there are seeds").map(|entry| entry.expect("a file").path());
        let mut seeds: Vec<_> = paths.map(|path| (path.clone(), fs::read(path).expect("a seed"))).collect();
        seeds.sort();
        seeds
    }

    #[test]
    fn every_decoder_has_a_seed_and_bears_what_is_made_of_it() {
        let seeds = seeds();
        for (letter, _) in CHECKS {
            let has_seed = seeds.iter().any(|(_, seed)| seed.first() == Some(letter));
            assert!(has_seed, "no seed begins with `{}`", char::from(*letter));
        }
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        let mut random = |below: usize| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state % below.max(1) as u64) as usize
        };
        for (path, seed) in &seeds {
            std::eprintln!("{}", path.display());
            check(seed);
            // A table is checked within a store of its own, which takes a few milliseconds.
            let changed = if seed.starts_with(b"t") { CHANGED / 5 } else { CHANGED };
            for number in 0..changed {
                let mut changed = seed.clone();
                let at = 1 + random(seed.len() - 1);
                match number % 4 {
                    0 => changed.truncate(at),
                    1 => changed[at] ^= 1 << random(8),
                    2 => changed.insert(at, [0, 0xff][random(2)]),
                    _ => {
                        let end = seed.len().min(at + 8);
                        changed[at..end].copy_from_slice(&NUMBERS[random(6)].to_le_bytes()[..end - at]);
                    }
                }
                check(&changed);
            }
        }
    }
}
