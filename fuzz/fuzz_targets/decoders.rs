//! Arbitrary bytes for all decoders of what others have written: values, what is on Memcached, what is in files.
//!
//! The first byte says which decoder; `lru-memo/src/shared/decoders.rs` has their checks.

#![no_main]

use libfuzzer_sys::{Corpus, fuzz_target};
use lru_memo::shared::decoders::check;

fuzz_target!(|input: &[u8]| -> Corpus { if check(input) { Corpus::Keep } else { Corpus::Reject } });
