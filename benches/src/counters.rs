//! What is counted rather than timed, per thread: allocations, and runs of the memoised function.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
    static RUNS: Cell<u64> = const { Cell::new(0) };
}

/// The system's allocator, counting.
pub(crate) struct CountingAllocator;

fn count(counter: &'static std::thread::LocalKey<Cell<u64>>) {
    // A thread that ends may allocate when its counters are gone; nobody reads them then.
    let _ = counter.try_with(|count| count.set(count.get() + 1));
}

// SAFETY: every method passes its arguments to the system's allocator and returns what that returns; counting
// touches a thread-local without a destructor and allocates nothing.
unsafe impl GlobalAlloc for CountingAllocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(&ALLOCATIONS);
        // SAFETY: the caller keeps the contract of `alloc`, which is the same one.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(&ALLOCATIONS);
        // SAFETY: the caller keeps the contract of `alloc_zeroed`, which is the same one.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(&ALLOCATIONS);
        // SAFETY: `block` came from the system's allocator with this layout, as all blocks do that we hand out.
        unsafe { System.realloc(block, layout, size) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: `block` came from the system's allocator with this layout, as all blocks do that we hand out.
        unsafe { System.dealloc(block, layout) }
    }
}

/// The memoised function of all contenders: as good as nothing, and counted.
#[inline(never)]
pub(crate) fn body(number: u64) -> u64 {
    count(&RUNS);
    number.wrapping_mul(3)
}

/// Allocations and runs of [`body`] on this thread while `work` runs.
pub(crate) fn counted(work: impl FnOnce()) -> (u64, u64) {
    let (allocations, runs) = (ALLOCATIONS.get(), RUNS.get());
    work();
    (ALLOCATIONS.get() - allocations, RUNS.get() - runs)
}
