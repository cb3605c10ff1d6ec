//! What a `Memo` is to its owner.

use std::cmp::Ordering;
use std::collections::HashSet;
use std::panic::{RefUnwindSafe, UnwindSafe, catch_unwind};
use std::thread;

use lru_memo::{Memo, Scope, lru_cache};

use super::counts;

#[derive(Debug, Default, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Store {
    blocks: usize,
    memo: Memo,
}

impl Store {
    const fn new(blocks: usize) -> Self {
        Self { blocks, memo: Memo::new() }
    }

    #[lru_cache(maxsize = self.blocks, scope = self.memo)]
    fn block(&self, id: u64) -> String {
        format!("block {id} of {}", self.blocks)
    }

    #[lru_cache(scope = self.memo)]
    fn length(&self, text: &str) -> usize {
        text.len() * self.blocks
    }
}

#[test]
fn each_object_has_values_a_size_and_counters_of_its_own() {
    let [small, large] = [2, 64].map(Store::new);
    for id in 0..4 {
        assert_eq!(small.block(id), format!("block {id} of 2"));
        assert_eq!(large.block(id), format!("block {id} of 64"));
        assert_eq!((small.length("abc"), large.length("abc")), (6, 192));
    }
    large.block(3);
    assert_eq!(small.block_cache_info().to_string(), "CacheInfo(hits=0, misses=4, maxsize=2, currsize=2)");
    assert_eq!(large.block_cache_info().to_string(), "CacheInfo(hits=1, misses=4, maxsize=64, currsize=4)");
    assert_eq!(counts(small.length_cache_info()), (3, 1, 1));
    small.block_cache_clear();
    assert_eq!(counts(small.block_cache_info()), (0, 0, 0));
    assert_eq!(counts(large.block_cache_info()), (1, 4, 4));
    assert_eq!(counts(small.length_cache_info()), (3, 1, 1));
}

#[test]
fn an_unused_memo_is_one_pointer_and_tells_what_a_cache_would_be() {
    assert_eq!(size_of::<Memo>(), size_of::<usize>());
    static STORE: Store = Store::new(7);
    let store = &STORE;
    assert_eq!(store.block_cache_info().to_string(), "CacheInfo(hits=0, misses=0, maxsize=7, currsize=0)");
    assert_eq!(store.block_cache_parameters().maxsize, Some(7));
    assert_eq!(store.block_cache_parameters().scope, Scope::Object);
    store.block_cache_clear();
    assert_eq!(store.memo.caches().count(), 0);
}

#[test]
fn a_clone_of_an_owner_begins_with_an_empty_memo() {
    let store = Store::new(3);
    store.block(1);
    let mut other = store.clone();
    other.blocks = 5;
    assert_eq!(counts(other.block_cache_info()), (0, 0, 0));
    assert_eq!(other.block(1), "block 1 of 5");
    assert_eq!(
        (store.block_cache_peek(1), counts(store.block_cache_info())),
        (Some("block 1 of 3".to_owned()), (0, 1, 1))
    );
    assert_eq!(other.block_cache_parameters().maxsize, Some(5));
}

#[test]
fn a_memo_takes_no_part_in_what_its_owner_derives() {
    let (used, unused) = (Store::new(3), Store::new(3));
    used.block(1);
    assert_eq!(used, unused);
    assert_eq!(used.cmp(&unused), Ordering::Equal);
    assert_eq!(used.partial_cmp(&Store::new(4)), Some(Ordering::Less));
    assert!(HashSet::from([used]).contains(&unused));
    assert!(format!("{unused:?}").starts_with("Store { blocks: 3, memo: Memo"));
}

#[test]
fn a_memo_lists_its_caches_in_the_order_of_first_use_and_clears_them() {
    let (store, other) = (Store::new(3), Store::new(4));
    store.length("abc");
    store.block(1);
    store.block(1);
    other.block(1);
    let names: Vec<_> = store.memo.caches().map(|cache| cache.name()).collect();
    assert_eq!(
        names,
        ["objects::object_scope::memo::Store::length", "objects::object_scope::memo::Store::block"]
    );
    let seen: Vec<_> =
        store.memo.caches().map(|cache| (cache.parameters().maxsize, counts(cache.info()))).collect();
    assert_eq!(seen, [(Some(128), (0, 1, 1)), (Some(3), (1, 1, 1))]);
    let second = store.memo.caches().nth(1).unwrap();
    second.clear();
    assert_eq!((counts(second.info()), counts(store.length_cache_info())), ((0, 0, 0), (0, 1, 1)));
    store.memo.clear();
    assert_eq!(store.memo.caches().map(|cache| counts(cache.info())).collect::<Vec<_>>(), [(0, 0, 0); 2]);
    assert_eq!(counts(other.block_cache_info()), (0, 1, 1));
    assert!(format!("{second:?}").contains("Store::block"));
}

#[test]
fn totals_are_those_of_the_object() {
    let (store, other) = (Store::new(1), Store::new(1));
    assert_eq!(store.block_cache_totals().misses, 0);
    for id in [1, 2, 2] {
        store.block(id);
    }
    store.block_cache_clear();
    other.block(1);
    let totals = store.block_cache_totals();
    assert_eq!((totals.hits, totals.misses, totals.evictions), (1, 2, 1));
    assert_eq!(store.memo.caches().next().unwrap().totals().misses, 2);
    assert_eq!(other.block_cache_totals().misses, 1);
}

#[test]
fn the_caches_of_the_process_do_not_list_those_of_objects() {
    let store = Store::new(3);
    store.block(1);
    assert!(!lru_memo::caches().any(|cache| cache.name().contains("Store::block")));
    lru_memo::clear_all();
    assert_eq!(counts(store.block_cache_info()), (0, 1, 1));
}

#[test]
fn threads_share_the_caches_of_their_object() {
    let store = Store::new(3);
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| assert_eq!(store.block(1), "block 1 of 3"));
        }
    });
    store.block(1);
    let info = store.block_cache_info();
    assert_eq!((info.hits + info.misses, info.currsize), (4, 1));
}

#[test]
fn an_owner_may_cross_threads_and_panics() {
    fn is_fit<T: Send + Sync + UnwindSafe + RefUnwindSafe + 'static>() {}
    is_fit::<Memo>();
    let store = Store::new(3);
    let text = catch_unwind(|| store.block(1)).unwrap();
    assert_eq!(thread::spawn(move || store.block(1)).join().unwrap(), text);
}

#[cfg(feature = "shared")]
#[test]
fn serde_takes_a_memo_for_nothing() {
    #[derive(serde::Serialize, serde::Deserialize)]
    struct Kept {
        rows: usize,
        memo: Memo,
    }
    impl Kept {
        #[lru_cache(scope = self.memo)]
        fn row(&self, number: usize) -> usize {
            self.rows + number
        }
    }
    let kept = Kept { rows: 2, memo: Memo::new() };
    kept.row(1);
    let text = serde_json::to_string(&kept).unwrap();
    assert_eq!(text, r#"{"rows":2,"memo":null}"#);
    let read: Kept = serde_json::from_str(&text).unwrap();
    assert_eq!((read.row_cache_info().misses, read.row(1)), (0, 3));
}
