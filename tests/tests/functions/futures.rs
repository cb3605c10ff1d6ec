//! What the future of a memoized `async fn` keeps while it waits, hits included: little beside the function's own future, and
//! each argument once more.

use lru_memo::{Memo, lru_cache};

/// Bytes that the future of a memoized function has beyond that of the function.
const MORE: usize = 56;

async fn other() {}

async fn plain(x: u64) -> u64 {
    other().await;
    x
}

#[lru_cache]
async fn of_process(x: u64) -> u64 {
    plain(x).await
}

#[lru_cache(scope = thread)]
async fn of_thread(x: u64) -> u64 {
    plain(x).await
}

#[lru_cache(single_flight = true)]
async fn in_one_flight(x: u64) -> u64 {
    plain(x).await
}

#[lru_cache(single_flight = "5s")]
async fn with_a_limit(x: u64) -> u64 {
    plain(x).await
}

#[lru_cache(ttl = "5s", stale = "5s")]
async fn with_stale(x: u64) -> u64 {
    plain(x).await
}

#[lru_cache(ttl = "5s", stale = "5s", single_flight = true)]
async fn with_both(x: u64) -> u64 {
    plain(x).await
}

#[cfg(feature = "shared")]
#[lru_cache(scope = shared)]
async fn shared(x: u64) -> u64 {
    plain(x).await
}

#[cfg(feature = "shared")]
#[lru_cache(scope = shared, single_flight = true, ttl = "5s", stale = "5s")]
async fn shared_with_both(x: u64) -> u64 {
    plain(x).await
}

struct Owner {
    memo: Memo,
}

impl Owner {
    #[lru_cache(scope = self.memo)]
    async fn of_object(&self, x: u64) -> u64 {
        plain(x).await
    }

    #[lru_cache(scope = self.memo, single_flight = true)]
    async fn of_object_in_one_flight(&self, x: u64) -> u64 {
        plain(x).await
    }
}

#[test]
fn a_future_keeps_little_beside_that_of_the_function() {
    let owner = Owner { memo: Memo::new() };
    let own = size_of_val(&of_process_uncached(1));
    let mut futures = vec![
        ("process", size_of_val(&of_process(1))),
        ("thread", size_of_val(&of_thread(1))),
        ("single flight", size_of_val(&in_one_flight(1))),
        ("single flight with a limit", size_of_val(&with_a_limit(1))),
        ("stale", size_of_val(&with_stale(1))),
        ("stale and single flight", size_of_val(&with_both(1))),
        ("object", size_of_val(&owner.of_object(1))),
        ("object and single flight", size_of_val(&owner.of_object_in_one_flight(1))),
        ("with the outcome", size_of_val(&in_one_flight_with_outcome(1))),
        ("refresh", size_of_val(&in_one_flight_cache_refresh(1))),
    ];
    #[cfg(feature = "shared")]
    futures.extend([
        ("shared", size_of_val(&shared(1))),
        ("shared with the rest", size_of_val(&shared_with_both(1))),
        ("information", size_of_val(&shared_cache_info())),
        ("invalidation", size_of_val(&shared_cache_invalidate(1))),
    ]);
    for (name, size) in futures {
        assert!(size <= own + MORE, "{name}: {size} bytes, the function's own future has {own}");
    }
}

/// An argument of 8 KB.
type Large = [u64; 1024];

macro_rules! of_large {
    ($large:ident: $($(#[$attribute:meta])* $name:ident;)*) => {$(
        $(#[$attribute])*
        async fn $name($large: Large) -> u64 {
            let x = $large[0];
            other().await;
            x
        }
    )*};
}

of_large! { large:
    #[lru_cache(key = large[0])] large_of_process;
    #[lru_cache(skip(large))] large_and_skipped;
    #[lru_cache(maxsize = 2)] large_as_the_key;
    #[lru_cache(key = large[0], single_flight = true)] large_in_one_flight;
    #[lru_cache(key = large[0], ttl = "5s", stale = "5s")] large_with_stale;
}

#[cfg(feature = "shared")]
of_large! { large:
    #[lru_cache(key = large[0], scope = shared)] large_and_shared;
    #[lru_cache(key = large[0], scope = shared, single_flight = true)] large_and_shared_in_one_flight;
    #[lru_cache(key = large[0], scope = shared, ttl = "5s", stale = "5s")] large_and_shared_with_stale;
}

#[test]
fn a_future_keeps_each_argument_at_most_twice() {
    let large = [7; 1024];
    let mut futures = vec![
        ("process", size_of_val(&large_of_process(large))),
        ("skipped", size_of_val(&large_and_skipped(large))),
        ("key", size_of_val(&large_as_the_key(large))),
        ("single flight", size_of_val(&large_in_one_flight(large))),
        ("stale", size_of_val(&large_with_stale(large))),
    ];
    #[cfg(feature = "shared")]
    futures.extend([
        ("shared", size_of_val(&large_and_shared(large))),
        ("shared and single flight", size_of_val(&large_and_shared_in_one_flight(large))),
        ("shared and stale", size_of_val(&large_and_shared_with_stale(large))),
    ]);
    for (name, size) in futures {
        assert!(size <= 2 * size_of::<Large>() + 2 * MORE, "{name}: {size} bytes");
    }
}
