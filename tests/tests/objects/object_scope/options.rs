//! Every option, with a cache that belongs to an object.

use std::cell::Cell;
use std::hash::RandomState;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::thread;
use std::time::Duration;

use lru_memo::{Memo, clock, lru_cache};

use super::counts;

#[derive(Default)]
struct Store {
    rows: usize,
    ttl: Duration,
    weight: usize,
    runs: AtomicU32,
    memo: Memo,
}

impl Store {
    fn run<T>(&self, value: T) -> T {
        self.runs.fetch_add(1, SeqCst);
        value
    }

    fn runs(&self) -> u32 {
        self.runs.load(SeqCst)
    }

    #[lru_cache(ttl = self.ttl, scope = self.memo)]
    fn aging(&self, x: u32) -> u32 {
        self.run(x)
    }

    #[lru_cache(maxsize = None, max_weight = self.weight, weigh = |x, text| *x as usize + text.len(), scope = self.memo)]
    fn heavy(&self, x: u32) -> String {
        self.run("a".repeat(x as usize))
    }

    #[lru_cache(maxsize = None, scope = self.memo)]
    fn unbounded(&self, x: u32) -> u32 {
        self.run(x)
    }

    #[lru_cache(maxsize = 0, scope = self.memo)]
    fn nothing(&self, x: u32) -> u32 {
        self.run(x)
    }

    #[lru_cache(key = (x % self.rows as u32, text.trim()), scope = self.memo)]
    fn by_key(&self, x: u32, text: &str) -> u32 {
        self.run(x + text.len() as u32)
    }

    #[lru_cache(skip(seen), scope = self.memo)]
    fn skipping(&self, x: u32, seen: &Cell<u32>) -> u32 {
        seen.set(x);
        self.run(x)
    }

    #[lru_cache(skip(self), scope = self.memo)]
    fn skipping_the_owner(&self, x: u32) -> u32 {
        self.run(x)
    }

    #[lru_cache(cache_if = |x| x % 2 == 0, scope = self.memo)]
    fn some(&self, x: u32) -> u32 {
        self.run(x)
    }

    #[lru_cache(cache_err = true, scope = self.memo)]
    fn errors(&self, x: u32) -> Result<u32, u32> {
        self.run(Err(x))
    }

    #[lru_cache(scope = self.memo)]
    fn no_errors(&self, x: u32) -> Result<u32, u32> {
        self.run(if x == 0 { Err(x) } else { Ok(x) })
    }

    #[lru_cache(single_flight = true, scope = self.memo)]
    fn alone(&self, x: u32) -> u32 {
        thread::sleep(Duration::from_millis(20));
        self.run(x)
    }

    #[lru_cache(hasher = RandomState, typed = true, name = "named", version = 3, scope = self.memo)]
    fn named(&self, x: u32) -> u32 {
        self.run(x)
    }

    #[again::cache(scope = self.memo)]
    fn cached(&self, x: u32) -> u32 {
        self.run(x)
    }
}

/// The attributes by another path.
mod again {
    pub(super) use lru_memo::cache;
}

#[test]
fn the_limits_are_those_of_the_object_when_its_cache_is_made() {
    let _clock = lru_memo_tests::clock_for_me_alone();
    let mut store = Store { ttl: Duration::from_secs(9), weight: 12, ..Store::default() };
    let other = Store { ttl: Duration::from_secs(90), weight: 100, ..Store::default() };
    for store in [&store, &other] {
        store.aging(1);
        store.heavy(3);
        store.heavy(4);
    }
    assert_eq!((store.heavy_cache_info().currsize, other.heavy_cache_info().currsize), (1, 2));
    clock::advance(Duration::from_secs(10));
    assert_eq!((store.aging_cache_peek(1), other.aging_cache_peek(1)), (None, Some(1)));
    (store.ttl, store.weight) = (Duration::from_secs(1), 1);
    assert_eq!(store.aging_cache_parameters().ttl, Some(Duration::from_secs(9)));
    assert_eq!(store.heavy_cache_parameters().max_weight, Some(12));
    assert_eq!(store.clone_with_its_options().aging_cache_parameters().ttl, Some(Duration::from_secs(1)));
}

impl Store {
    fn clone_with_its_options(&self) -> Self {
        Self { ttl: self.ttl, ..Self::default() }
    }
}

#[test]
fn options_that_use_the_object_are_evaluated_once_for_each_cache() {
    struct Counted(Cell<usize>, Memo);
    impl Counted {
        fn size(&self) -> usize {
            self.0.set(self.0.get() + 1);
            self.0.get()
        }
        #[lru_cache(maxsize = self.size(), scope = self.1)]
        fn get(&self, x: u32) -> u32 {
            x
        }
    }
    let counted = Counted(Cell::new(4), Memo::new());
    for x in 0..9 {
        counted.get(x % 6);
    }
    assert_eq!(
        (counted.get_cache_info().maxsize, counted.get_cache_parameters().maxsize),
        (Some(5), Some(5))
    );
    assert_eq!(counted.0.get(), 5);
}

#[test]
fn bounds_hold_for_each_object() {
    let stores = [Store::default(), Store::default()];
    for store in &stores {
        for x in 0..200 {
            store.unbounded(x);
            store.nothing(x % 2);
            store.cached(x);
        }
        assert_eq!(counts(store.unbounded_cache_info()), (0, 200, 200));
        assert_eq!(counts(store.nothing_cache_info()), (0, 200, 0));
        assert_eq!((store.cached_cache_info().maxsize, store.cached_cache_info().currsize), (None, 200));
    }
}

#[test]
fn the_key_may_use_the_object() {
    let stores = [Store { rows: 2, ..Store::default() }, Store { rows: 3, ..Store::default() }];
    let seen = stores.each_ref().map(|store| (store.by_key(1, "a "), store.by_key(3, "a"), store.runs()));
    assert_eq!(seen, [(3, 3, 1), (3, 4, 2)]);
    assert_eq!(stores[0].by_key_cache_peek(5, " a"), Some(3));
    assert!(stores[1].by_key_cache_invalidate(0, "a"));
}

#[test]
fn parameters_may_be_skipped_beside_the_object() {
    let (store, other, seen) = (Store::default(), Store::default(), Cell::new(0));
    assert_eq!((store.skipping(1, &seen), store.skipping(1, &seen), seen.take()), (1, 1, 1));
    assert_eq!((other.skipping(1, &seen), seen.take()), (1, 1));
    assert_eq!((store.skipping_the_owner(1), other.skipping_the_owner(1)), (1, 1));
    assert_eq!((store.runs(), other.runs()), (2, 2));
}

#[test]
fn what_is_stored_is_chosen_as_in_other_scopes() {
    let store = Store::default();
    for _ in 0..2 {
        assert_eq!((store.some(1), store.some(2)), (1, 2));
        assert_eq!((store.errors(1), store.no_errors(0), store.no_errors(1)), (Err(1), Err(0), Ok(1)));
    }
    assert_eq!(counts(store.some_cache_info()), (1, 3, 1));
    assert_eq!(counts(store.errors_cache_info()), (1, 1, 1));
    assert_eq!(counts(store.no_errors_cache_info()), (1, 3, 1));
    assert_eq!((store.errors_cache_peek(1), store.no_errors_cache_peek(1)), (Some(Err(1)), Some(1)));
}

#[test]
fn one_call_of_an_object_runs_and_the_others_wait() {
    let stores = [Store::default(), Store::default()];
    thread::scope(|scope| {
        for _ in 0..4 {
            for store in &stores {
                scope.spawn(|| assert_eq!(store.alone(1), 1));
            }
        }
    });
    assert_eq!(stores.each_ref().map(|store| counts(store.alone_cache_info())), [(3, 1, 1); 2]);
}

#[test]
fn a_cache_may_have_a_name_and_a_hasher() {
    let store = Store::default();
    assert_eq!((store.named(1), store.named(1), store.runs()), (1, 1, 1));
    assert_eq!(store.memo.caches().map(|cache| cache.name()).collect::<Vec<_>>(), ["named"]);
    let parameters = store.named_cache_parameters();
    assert_eq!((parameters.version, parameters.typed), (3, true));
}

impl Store {
    #[lru_cache(tags = [format!("rows:{}", self.rows), group], scope = self.memo)]
    fn tagged(&self, x: u32, group: &str) -> u32 {
        self.run(x + group.len() as u32)
    }
}

#[test]
fn tags_reach_the_caches_of_all_objects_before_their_next_hit() {
    let stores = [3, 4].map(|rows| Store { rows, ..Store::default() });
    let call = |x, group| stores.each_ref().map(|store| store.tagged(x, group));
    assert_eq!((call(1, "a"), call(2, "b"), call(1, "a")), ([2, 2], [3, 3], [2, 2]));
    lru_memo::invalidate_tag("a");
    assert_eq!(stores.each_ref().map(|store| store.tagged_cache_peek(1, "a")), [None, None]);
    assert_eq!(stores.each_ref().map(|store| store.tagged_cache_peek(2, "b")), [Some(3), Some(3)]);
    lru_memo::invalidate_tag("rows:4");
    assert_eq!(stores.each_ref().map(|store| store.tagged_cache_peek(2, "b")), [Some(3), None]);
    stores[1].tagged_cache_put(2, "b", 9);
    assert_eq!((call(2, "b"), stores[1].runs()), ([3, 9], 2));
    lru_memo::invalidate_tag("rows:4");
    assert_eq!(call(2, "b"), [3, 3]);
}

#[test]
fn entries_of_an_object_that_match_a_predicate_are_removed() {
    #[lru_cache(scope = store.memo)]
    fn sum(store: &Store, x: u32, text: &str) -> usize {
        store.run(x as usize + text.len())
    }
    let [store, other] = [3, 4].map(|rows| Store { rows, ..Store::default() });
    assert_eq!(sum_cache_invalidate_if(&store, |_, _| true), 0);
    assert_eq!(store.memo.caches().count(), 0);
    for x in 0..4 {
        assert_eq!((sum(&store, x, "a"), sum(&other, x, "a")), (x as usize + 1, x as usize + 1));
        assert_eq!((store.unbounded(x), other.unbounded(x)), (x, x));
    }
    assert_eq!(sum_cache_invalidate_if(&store, |(x, text), sum| *x > 1 && text == "a" && *sum < 4), 1);
    assert_eq!((sum_cache_peek(&store, 2, "a"), sum_cache_peek(&store, 3, "a")), (None, Some(4)));
    assert_eq!(store.unbounded_cache_invalidate_if(|x, _| x % 2 == 0), 2);
    assert_eq!((store.unbounded_cache_info().currsize, other.unbounded_cache_info().currsize), (2, 4));
    assert_eq!(sum_cache_info(&other).currsize, 4);
}
