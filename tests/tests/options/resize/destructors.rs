//! What leaves when a bound becomes smaller is dropped outside of the lock, and its destructor may do anything.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};

use lru_memo::lru_cache;

/// Runs a function when it is dropped, unless it is a clone.
struct Dropped {
    number: u32,
    act: fn(u32),
    is_first: bool,
}

impl Clone for Dropped {
    fn clone(&self) -> Self {
        // What is stored is the clone.
        Self { is_first: false, ..*self }
    }
}

impl Drop for Dropped {
    fn drop(&mut self) {
        if !self.is_first {
            (self.act)(self.number);
        }
    }
}

#[test]
fn a_destructor_may_use_the_cache_that_is_resized() {
    static SEEN: AtomicU32 = AtomicU32::new(0);
    fn act(_: u32) {
        let info = text_cache_info();
        assert!(info.maxsize.is_some_and(|maxsize| info.currsize <= maxsize), "{info}");
        let before = info.maxsize;
        number(7);
        assert_eq!(text_cache_info().maxsize, before);
        SEEN.fetch_add(1, SeqCst);
    }
    #[lru_cache(maxsize = 2000)]
    fn text(x: u32) -> Dropped {
        Dropped { number: x, act, is_first: true }
    }
    #[lru_cache(maxsize = 2)]
    fn number(x: u32) -> u32 {
        x
    }
    let stored = |x| _ = std::mem::ManuallyDrop::new(text(x));
    (0..2000).for_each(stored);
    text_cache_resize(10);
    assert_eq!(SEEN.load(SeqCst), 1990);
    assert_eq!(text_cache_info().to_string(), "CacheInfo(hits=0, misses=2000, maxsize=10, currsize=10)");
}

#[test]
fn a_bound_that_becomes_smaller_does_so_in_steps() {
    static LOWEST: AtomicU32 = AtomicU32::new(u32::MAX);
    static STEPS: AtomicU32 = AtomicU32::new(0);
    fn act(_: u32) {
        let info = number_cache_info();
        let maxsize = info.maxsize.unwrap() as u32;
        assert!(info.currsize <= info.maxsize.unwrap(), "{info}");
        let before = LOWEST.swap(maxsize, SeqCst);
        assert!(maxsize <= before, "a step has raised the bound from {before} to {maxsize}");
        if maxsize < before {
            STEPS.fetch_add(1, SeqCst);
        }
    }
    #[lru_cache(maxsize = 4096)]
    fn number(x: u32) -> Dropped {
        Dropped { number: x, act, is_first: true }
    }
    (0..4096).for_each(|x| _ = std::mem::ManuallyDrop::new(number(x)));
    number_cache_resize(96);
    assert!(STEPS.load(SeqCst) >= 10, "{STEPS:?}");
    assert_eq!(number_cache_info().maxsize, Some(96));
}

#[test]
fn destructors_that_panic_leave_the_new_bound() {
    static DROPPED: AtomicU32 = AtomicU32::new(0);
    fn act(number: u32) {
        DROPPED.fetch_add(1, SeqCst);
        assert!(number % 7 != 0, "user code");
    }
    #[lru_cache(maxsize = 700)]
    fn number(x: u32) -> Dropped {
        Dropped { number: x, act, is_first: true }
    }
    (0..700).for_each(|x| _ = std::mem::ManuallyDrop::new(number(x)));
    let result = catch_unwind(AssertUnwindSafe(|| number_cache_resize(1)));
    assert!(result.is_err(), "the first panic is the caller's");
    assert_eq!(DROPPED.load(SeqCst), 699);
    assert_eq!(number_cache_info().to_string(), "CacheInfo(hits=0, misses=700, maxsize=1, currsize=1)");
    number_cache_resize(5);
    (1..5).for_each(|x| _ = std::mem::ManuallyDrop::new(number(x)));
    assert_eq!(number_cache_info().currsize, 5);
    std::mem::forget(number_cache_peek(699));
}
