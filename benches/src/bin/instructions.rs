//! Calls to be counted in instructions: `cargo xtask bench --check` runs this under callgrind.
//!
//! `instructions CASE CALLS` makes so many calls; without arguments, the names of the cases are printed.

use std::hint::black_box;
use std::process::ExitCode;

use lru_memo::lru_cache;

const CAPACITY: usize = 128;

/// Something to call, and what for: hits ask for the same few keys again and again, misses never for one twice.
struct Case {
    name: &'static str,
    hits: bool,
    call: fn(usize) -> u64,
}

const CASES: &[Case] = &[
    Case { name: "hit, u64", hits: true, call: |rank| of_number(mixed(rank)) },
    Case { name: "hit, (&str, u32)", hits: true, call: |rank| of_text(&text(rank), rank as u32) },
    Case { name: "hit, u64, scope = thread", hits: true, call: |rank| of_thread(mixed(rank)) },
    Case { name: "miss and evict, u64", hits: false, call: |rank| of_number(mixed(rank)) },
    Case { name: "miss and evict, (&str, u32)", hits: false, call: |rank| of_text(&text(rank), rank as u32) },
    Case { name: "miss and evict, u64, scope = thread", hits: false, call: |rank| of_thread(mixed(rank)) },
];
