//! `lru-memo`, used through its macro.

use std::sync::Arc;

use lru_memo::{cache, lru_cache};

use super::{Contender, Kind, PROCESS, SMALL, THREAD, UNBOUNDED};
use crate::counters::body;
use crate::keys::{Key as _, Line, Text};

/// Makes a module with functions for each bound, because the bound is part of the attribute.
macro_rules! of_capacities {
    ($($module:ident: $capacity:literal,)*) => {
        $(mod $module {
            use super::*;

            #[lru_cache(maxsize = $capacity)]
            pub(super) fn of_number(number: u64) -> u64 {
                body(number)
            }

            #[lru_cache(maxsize = $capacity, scope = thread)]
            pub(super) fn of_number_per_thread(number: u64) -> u64 {
                body(number)
            }
        })*

        pub(super) fn process(capacity: usize) -> Contender<u64> {
            match capacity {
                $($capacity => {
                    $module::of_number_cache_clear();
                    Contender::new(PROCESS, Kind::Ours, $module::of_number)
                })*
                _ => unreachable!("there is no function with room for {capacity} entries"),
            }
        }

        pub(super) fn thread(capacity: usize) -> Contender<u64> {
            match capacity {
                $($capacity => {
                    $module::of_number_per_thread_cache_clear();
                    Contender::new(THREAD, Kind::Ours, $module::of_number_per_thread)
                })*
                _ => unreachable!("there is no function with room for {capacity} entries"),
            }
        }
    };
}

of_capacities! {
    small: 1_024,
    large: 1_048_576,
    ten_to_2: 100,
    ten_to_3: 1_000,
    ten_to_4: 10_000,
    ten_to_5: 100_000,
    ten_to_6: 1_000_000,
    ten_to_7: 10_000_000,
}

#[cache]
fn unbounded_of_number(number: u64) -> u64 {
    body(number)
}

pub(super) fn unbounded(_: usize) -> Contender<u64> {
    unbounded_of_number_cache_clear();
    Contender::new(UNBOUNDED, Kind::Ours, unbounded_of_number)
}

#[lru_cache(maxsize = SMALL)]
fn of_text(_text: &str, number: u32) -> u64 {
    body(u64::from(number))
}

#[lru_cache(maxsize = SMALL, scope = thread)]
fn of_text_per_thread(_text: &str, number: u32) -> u64 {
    body(u64::from(number))
}

pub(super) fn process_of_text(capacity: usize) -> Contender<Text> {
    assert_eq!(capacity, SMALL);
    of_text_cache_clear();
    Contender::new(PROCESS, Kind::Ours, |Text(text, number)| of_text(text, number))
}

pub(super) fn thread_of_text(capacity: usize) -> Contender<Text> {
    assert_eq!(capacity, SMALL);
    of_text_per_thread_cache_clear();
    Contender::new(THREAD, Kind::Ours, |Text(text, number)| of_text_per_thread(text, number))
}

#[lru_cache]
fn of_nothing() -> u64 {
    body(0)
}

pub(super) fn without_arguments(_: usize) -> Contender<u64> {
    of_nothing_cache_clear();
    Contender::new(PROCESS, Kind::Ours, |_| of_nothing())
}

#[lru_cache(maxsize = SMALL)]
fn of_lines(text: &str) -> Arc<str> {
    body(0);
    text.into()
}

pub(super) fn process_of_lines(capacity: usize) -> Contender<Line> {
    assert_eq!(capacity, SMALL);
    of_lines_cache_clear();
    Contender::new(PROCESS, Kind::Ours, |Line(text)| Line::number_of(&of_lines(text)))
}
