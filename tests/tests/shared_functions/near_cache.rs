//! `near = ..`: a process goes on using for a while what it has got from a shared store.

use std::sync::MutexGuard;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::time::Duration;

use lru_memo::shared::{self, configure};
use lru_memo::{CacheInfo, clock, lru_cache};
use lru_memo_tests::clock_for_me_alone;
use pollster::block_on;

fn info(hits: u64, misses: u64, maxsize: impl Into<Option<usize>>, currsize: usize) -> CacheInfo {
    CacheInfo { hits, misses, maxsize: maxsize.into(), currsize }
}

/// Chooses the store of this process, whichever test comes first, and lets nobody else move the clock.
fn prepare() -> MutexGuard<'static, ()> {
    let _ = configure("memory://");
    clock_for_me_alone()
}

/// Does to the store what another process would do: this one does not know of it.
fn elsewhere(name: &str, act: impl Fn(&dyn shared::Store, &shared::Namespace)) {
    let store = shared::store().expect("it opens");
    let mut summaries = store.namespaces().expect("it works").into_iter();
    let summary = summaries.find(|summary| summary.name.ends_with(name)).expect("it was used");
    act(store, &summary.namespace());
}

#[test]
fn what_was_got_is_used_without_asking_and_counted_separately() {
    #[lru_cache(maxsize = 2, scope = shared, near = "10s")]
    fn counted(x: u32) -> u32 {
        x * 2
    }
    let _clock = prepare();
    assert_eq!([counted(1), counted(1), counted(1)], [2, 2, 2]);
    assert_eq!(counted_cache_info(), info(0, 1, 2, 1));
    assert_eq!(counted_cache_near_info(), info(2, 1, 2, 1));
    assert_eq!(counted_cache_parameters().near, Some(Duration::from_secs(10)));
}

#[test]
fn what_others_do_is_seen_after_that_time() {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    #[lru_cache(scope = shared, near = Duration::from_secs(100))]
    fn stale(x: u32) -> u32 {
        x + RUNS.fetch_add(1, SeqCst)
    }
    let _clock = prepare();
    assert_eq!((stale(1), stale(1)), (1, 1));
    elsewhere("near_cache::stale", |store, space| store.clear(space).expect("it works"));
    assert_eq!(stale(1), 1);
    assert_eq!(stale_cache_info(), info(0, 0, 128, 0));
    clock::advance(Duration::from_secs(100));
    assert_eq!((stale(1), stale(1)), (2, 2));
    assert_eq!(stale_cache_info(), info(0, 1, 128, 1));
}

#[test]
fn what_this_process_does_is_seen_at_once() {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    #[lru_cache(scope = shared, near = "1h")]
    fn own(x: u32) -> u32 {
        x + RUNS.fetch_add(10, SeqCst)
    }
    let _clock = prepare();
    assert_eq!((own(1), own(2)), (1, 12));
    assert!(own_cache_invalidate(1));
    assert_eq!((own(1), own(2)), (21, 12));
    own_cache_put(1, 7);
    assert_eq!(own(1), 7);
    assert_eq!((own_cache_refresh(1), own(1)), (31, 31));
    assert_eq!(own_cache_peek(1), Some(31));
    own_cache_clear();
    assert_eq!(own_cache_near_info(), info(0, 0, 128, 0));
    assert_eq!((own(1), own(2)), (41, 52));
}

#[test]
fn a_value_that_was_invalidated_while_it_was_computed_is_not_kept() {
    #[lru_cache(scope = shared, near = "1h")]
    fn unkept(x: u32) -> u32 {
        unkept_cache_invalidate(x);
        x
    }
    let _clock = prepare();
    assert_eq!((unkept(1), unkept(1)), (1, 1));
    assert_eq!(unkept_cache_info(), info(0, 2, 128, 0));
    assert_eq!(unkept_cache_near_info(), info(0, 2, 128, 0));
}

#[test]
fn single_flight_and_tasks_use_it() {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    #[lru_cache(maxsize = None, scope = shared, near = "1h", single_flight = true)]
    async fn awaited(x: u32) -> u32 {
        RUNS.fetch_add(1, SeqCst);
        x
    }
    let _clock = prepare();
    block_on(async {
        assert_eq!((awaited(1).await, awaited(1).await), (1, 1));
        assert_eq!(awaited_cache_info().await, info(0, 1, None, 1));
        // However many the store may have, this process keeps 1,024.
        assert_eq!(awaited_cache_near_info().await, info(1, 1, 1024, 1));
        awaited_cache_clear().await;
        assert_eq!(awaited(1).await, 1);
    });
    assert_eq!(RUNS.load(SeqCst), 2);
}

#[test]
fn what_is_not_to_be_stored_is_not_kept() {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    #[lru_cache(scope = shared, near = "1h", cache_if = |value: &u32| *value > 1)]
    fn large(x: u32) -> u32 {
        RUNS.fetch_add(1, SeqCst);
        x
    }
    let _clock = prepare();
    assert_eq!((large(1), large(1), large(2), large(2)), (1, 1, 2, 2));
    assert_eq!(RUNS.load(SeqCst), 3);
}

#[test]
fn a_process_keeps_so_many_bytes_near_and_no_more() {
    #[lru_cache(maxsize = None, scope = shared, near = "1h")]
    fn long(x: u32) -> Vec<u8> {
        vec![x as u8; 1 << 20]
    }
    let _clock = prepare();
    for x in (0..40).chain(0..40) {
        assert_eq!(long(x).len(), 1 << 20);
    }
    // Of 16 MiB, with their keys.
    assert_eq!(long_cache_near_info().currsize, 15);
    assert_eq!(long_cache_info(), info(40, 40, None, 40));
}
