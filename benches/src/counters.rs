//! Counters for each thread: allocations, bytes in use, and runs of the memoized function.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
    static RUNS: Cell<u64> = const { Cell::new(0) };
    /// The bytes that this thread has allocated less those it has freed.
    static LIVE_BYTES: Cell<u64> = const { Cell::new(0) };
}

/// The system's allocator with counters.
pub(crate) struct CountingAllocator;

fn add(counter: &'static std::thread::LocalKey<Cell<u64>>, number: u64) {
    // A thread may allocate after its counters were dropped. No one reads them then.
    let _ = counter.try_with(|count| count.set(count.get().wrapping_add(number)));
}

fn count_block(size: usize) {
    add(&ALLOCATIONS, 1);
    add(&LIVE_BYTES, size as u64);
}

fn uncount_bytes(size: usize) {
    add(&LIVE_BYTES, (size as u64).wrapping_neg());
}

// SAFETY: every method passes its arguments to the system's allocator and returns what that returns; counting
// touches a thread-local without a destructor and allocates nothing.
unsafe impl GlobalAlloc for CountingAllocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count_block(layout.size());
        // SAFETY: the caller keeps the contract of `alloc`, which is the same one.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count_block(layout.size());
        // SAFETY: the caller keeps the contract of `alloc_zeroed`, which is the same one.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count_block(size);
        uncount_bytes(layout.size());
        // SAFETY: `block` came from the system's allocator with this layout, as all blocks do that we hand out.
        unsafe { System.realloc(block, layout, size) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        uncount_bytes(layout.size());
        // SAFETY: `block` came from the system's allocator with this layout, as all blocks do that we hand out.
        unsafe { System.dealloc(block, layout) }
    }
}

/// The memoized function of all contenders: almost nothing, and counted.
#[inline(never)]
pub(crate) fn body(number: u64) -> u64 {
    add(&RUNS, 1);
    number.wrapping_mul(3)
}

/// Returns the allocations, and the runs of [`body`], on this thread during `work`.
pub(crate) fn counted(work: impl FnOnce()) -> (u64, u64) {
    let (allocations, runs) = (ALLOCATIONS.get(), RUNS.get());
    work();
    (ALLOCATIONS.get() - allocations, RUNS.get() - runs)
}

/// Returns the growth of this thread's bytes in use during `work`.
pub(crate) fn grown_bytes(work: impl FnOnce()) -> i64 {
    let before = LIVE_BYTES.get();
    work();
    LIVE_BYTES.get().wrapping_sub(before).cast_signed()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_counted_until_they_are_freed() {
        let mut kept = Vec::new();
        assert_eq!(grown_bytes(|| kept = Vec::<u8>::with_capacity(1000)), 1000);
        assert_eq!(grown_bytes(|| kept.reserve_exact(3000)), 2000);
        assert_eq!(grown_bytes(|| drop(kept)), -3000);
    }

    #[test]
    fn runs_of_the_function_are_counted() {
        assert_eq!(counted(|| assert_eq!(body(2), 6)), (0, 1));
    }
}
