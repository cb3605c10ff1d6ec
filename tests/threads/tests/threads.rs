//! One cache that several threads use, in a known order and in none.

#[path = "threads/at_exit.rs"]
mod at_exit;
#[path = "threads/at_once.rs"]
mod at_once;
#[path = "threads/in_turn.rs"]
mod in_turn;
#[path = "threads/stage.rs"]
mod stage;
#[path = "threads/values.rs"]
mod values;

use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::SeqCst;

/// A number that counts how many of its kind there are.
#[derive(Debug)]
struct Counted {
    number: u32,
    alive: &'static AtomicUsize,
}

impl Counted {
    fn new(number: u32, alive: &'static AtomicUsize) -> Self {
        alive.fetch_add(1, SeqCst);
        Self { number, alive }
    }
}

impl Clone for Counted {
    fn clone(&self) -> Self {
        Self::new(self.number, self.alive)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.alive.fetch_sub(1, SeqCst);
    }
}
