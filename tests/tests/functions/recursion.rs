//! How deeply a memoized function may call itself.

use std::thread::Builder;

use lru_memo::lru_cache;

/// Runs a test in a thread with as much stack as threads have by default.
fn in_thread(test: fn()) {
    let thread = Builder::new().stack_size(2 << 20).spawn(test).expect("a thread");
    thread.join().expect("the test succeeds");
}

#[test]
fn a_function_that_calls_itself_2500_times_deep_needs_no_more_stack_than_a_thread_has() {
    #[lru_cache(maxsize = None)]
    fn fib(n: u64) -> u64 {
        if n < 2 { n } else { fib(n - 1).wrapping_add(fib(n - 2)) }
    }
    in_thread(|| assert_eq!(fib(2500), fib_uncached(2500)));
}

#[test]
fn so_does_a_function_with_a_cache_of_the_thread() {
    #[lru_cache(maxsize = None, scope = thread)]
    fn fib(n: u64) -> u64 {
        if n < 2 { n } else { fib(n - 1).wrapping_add(fib(n - 2)) }
    }
    in_thread(|| assert_eq!(fib(2500), fib_uncached(2500)));
}
