//! `lru-memo`, through its macro as a user would.

use lru_memo::lru_cache;

use super::{CAPACITY, Contender};
use crate::counters::body;
use crate::keys::Text;

#[lru_cache(maxsize = CAPACITY)]
fn of_number(number: u64) -> u64 {
    body(number)
}

#[lru_cache(maxsize = CAPACITY, scope = thread)]
fn of_number_per_thread(number: u64) -> u64 {
    body(number)
}

#[lru_cache(maxsize = CAPACITY)]
fn of_text(_text: &str, number: u32) -> u64 {
    body(u64::from(number))
}

#[lru_cache(maxsize = CAPACITY, scope = thread)]
fn of_text_per_thread(_text: &str, number: u32) -> u64 {
    body(u64::from(number))
}

const PROCESS: &str = "lru-memo";
const THREAD: &str = "lru-memo, scope = thread";

pub(super) fn process() -> Contender<u64> {
    of_number_cache_clear();
    Contender::new(PROCESS, of_number)
}

pub(super) fn thread() -> Contender<u64> {
    Contender::new(THREAD, of_number_per_thread)
}

pub(super) fn process_of_text() -> Contender<Text> {
    of_text_cache_clear();
    Contender::new(PROCESS, |Text(text, number)| of_text(text, number))
}

pub(super) fn thread_of_text() -> Contender<Text> {
    Contender::new(THREAD, |Text(text, number)| of_text_per_thread(text, number))
}
