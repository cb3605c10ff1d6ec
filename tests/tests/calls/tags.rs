//! `tags = [..]` and `invalidate_tag`.

mod matching;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::SeqCst};
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use lru_memo::{CacheInfo, Memo, cache, invalidate_tag, invalidate_tag_async, lru_cache};
#[cfg(all(target_os = "linux", feature = "libc"))]
use lru_memo_tests::forks::in_child;
use lru_memo_tests::without_hanging;
use pollster::block_on;

fn watched(test: impl FnOnce() + Send + 'static) {
    without_hanging(|| "tags".to_owned(), test);
}

fn until(condition: impl Fn() -> bool) {
    while !condition() {
        thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn a_tag_reaches_the_entries_that_have_it_in_all_functions() {
    #[lru_cache(tags = [format!("reaches:{user}"), "reaches:orders"])]
    fn orders(user: u32, year: u16) -> Vec<u32> {
        vec![user, year.into()]
    }
    #[cache(tags = [format!("reaches:{user}")])]
    fn name(user: u32) -> String {
        user.to_string()
    }
    #[lru_cache]
    fn untagged(user: u32) -> u32 {
        user
    }
    for user in [7, 8] {
        orders(user, 1);
        orders(user, 2);
        name(user);
        untagged(user);
    }
    invalidate_tag("reaches:7");
    assert_eq!([orders_cache_peek(7, 1), orders_cache_peek(7, 2)], [None, None]);
    assert_eq!((name_cache_peek(7), name_cache_peek(8)), (None, Some("8".to_owned())));
    assert_eq!(orders_cache_info(), CacheInfo { hits: 0, misses: 4, maxsize: Some(128), currsize: 2 });
    assert_eq!(untagged_cache_info().currsize, 2);
    invalidate_tag("reaches:orders");
    assert_eq!((orders_cache_info().currsize, name_cache_info().currsize), (0, 1));
    invalidate_tag("a tag that nothing has");
    assert_eq!(name(8), "8");
    assert_eq!(name_cache_info().hits, 1);
    assert_eq!(orders(7, 1), [7, 1], "it is computed anew");
}

#[test]
fn tags_are_evaluated_on_a_miss_only_and_before_the_arguments_are_moved() {
    static EVALUATED: AtomicU32 = AtomicU32::new(0);
    fn counted(name: &str) -> String {
        EVALUATED.fetch_add(1, SeqCst);
        name.to_owned()
    }
    #[lru_cache(tags = [counted(&name), name])]
    fn length(name: String) -> usize {
        let moved = name;
        moved.len()
    }
    #[lru_cache(tags = [counted(&name), name])]
    async fn length_of_task(name: String) -> usize {
        let moved = name;
        moved.len()
    }
    for _ in 0..3 {
        assert_eq!((length("abc".to_owned()), block_on(length_of_task("abc".to_owned()))), (3, 3));
    }
    assert_eq!(EVALUATED.load(SeqCst), 2);
    assert!(length_cache_peek("abc".to_owned()).is_some());
    invalidate_tag("abc");
    assert!(length_cache_peek("abc".to_owned()).is_none());
    assert!(length_of_task_cache_peek("abc".to_owned()).is_none());
    assert_eq!(EVALUATED.load(SeqCst), 2);
}

#[test]
fn every_kind_of_text_is_a_tag() {
    #[derive(Clone)]
    struct Id(String);
    impl AsRef<str> for Id {
        fn as_ref(&self) -> &str {
            &self.0
        }
    }
    const FIXED: &str = "kinds:fixed";
    #[lru_cache(key = id.0.clone(), tags = ["kinds:text", FIXED, id, &id.0, String::from("kinds:string"),
        std::borrow::Cow::Borrowed("kinds:cow"), Box::<str>::from("kinds:box")])]
    fn length(id: Id) -> usize {
        id.0.len()
    }
    for tag in ["kinds:text", FIXED, "kinds:7", "kinds:string", "kinds:cow", "kinds:box"] {
        length(Id("kinds:7".to_owned()));
        invalidate_tag(tag);
        assert!(length_cache_peek(Id("kinds:7".to_owned())).is_none(), "{tag}");
    }
}

#[test]
fn methods_generic_functions_and_patterns_have_tags() {
    #[derive(Clone, Copy, PartialEq, Eq, Hash)]
    struct Shop(u32);
    #[lru_cache]
    impl Shop {
        #[lru_cache(tags = [format!("shop:{}", self.0), format!("item:{item}")])]
        fn price(&self, item: u32) -> u32 {
            self.0 + item
        }
    }
    #[lru_cache(tags = [format!("generic:{x:?}")])]
    fn shown<T: std::fmt::Debug + Clone + Eq + std::hash::Hash + Send + Sync + 'static>(x: T) -> String {
        format!("{x:?}")
    }
    #[lru_cache(tags = [format!("pair:{left}")])]
    fn sum((left, right): (u32, u32)) -> u32 {
        left + right
    }
    Shop(1).price(5);
    Shop(2).price(5);
    Shop(2).price(6);
    invalidate_tag("shop:1");
    assert_eq!(Shop(1).price_cache_peek(5), None);
    invalidate_tag("item:5");
    assert_eq!((Shop(2).price_cache_peek(5), Shop(2).price_cache_peek(6)), (None, Some(8)));
    shown(1_u8);
    shown("text");
    shown('c');
    invalidate_tag("generic:1");
    invalidate_tag("generic:'c'");
    assert_eq!((shown_cache_peek(1_u8), shown_cache_peek('c')), (None, None));
    assert!(shown_cache_peek("text").is_some());
    sum((1, 2));
    invalidate_tag("pair:1");
    assert_eq!(sum_cache_peek((1, 2)), None);
}

#[test]
fn a_run_that_has_begun_before_is_not_stored_and_another_one_is() {
    static INSIDE: AtomicU32 = AtomicU32::new(0);
    static GO_ON: AtomicBool = AtomicBool::new(false);
    #[lru_cache(tags = [format!("run:{x}")])]
    fn slow(x: u32) -> u32 {
        INSIDE.fetch_add(1, SeqCst);
        until(|| GO_ON.load(SeqCst));
        x
    }
    watched(|| {
        let runs: Vec<_> = (0..2).map(|x| thread::spawn(move || slow(x))).collect();
        until(|| INSIDE.load(SeqCst) == 2);
        invalidate_tag("run:0");
        GO_ON.store(true, SeqCst);
        let values: Vec<_> = runs.into_iter().map(|run| run.join().expect("no panic")).collect();
        assert_eq!(values, [0, 1]);
        assert_eq!((slow_cache_peek(0), slow_cache_peek(1)), (None, Some(1)));
    });
}

#[test]
fn a_run_from_before_leaves_the_value_that_was_computed_after_in_its_place() {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    static GO_ON: AtomicBool = AtomicBool::new(false);
    #[cache(tags = ["overtaken"])]
    fn numbered(_x: u32) -> u32 {
        let run = RUNS.fetch_add(1, SeqCst);
        until(|| run > 0 || GO_ON.load(SeqCst));
        run
    }
    watched(|| {
        let first = thread::spawn(|| numbered(1));
        until(|| RUNS.load(SeqCst) == 1);
        invalidate_tag("overtaken");
        assert_eq!(numbered(1), 1);
        GO_ON.store(true, SeqCst);
        assert_eq!(first.join().expect("no panic"), 0);
        assert_eq!(numbered_cache_peek(1), Some(1));
    });
}

#[test]
fn a_caller_after_the_invalidation_does_not_wait_for_a_run_from_before() {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    static GO_ON: AtomicBool = AtomicBool::new(false);
    #[lru_cache(tags = ["flight"], single_flight = true)]
    fn numbered(_x: u32) -> u32 {
        let run = RUNS.fetch_add(1, SeqCst);
        if run == 0 {
            until(|| GO_ON.load(SeqCst));
        }
        run
    }
    watched(|| {
        let first = thread::spawn(|| numbered(1));
        until(|| RUNS.load(SeqCst) == 1);
        invalidate_tag("flight");
        assert_eq!(numbered(1), 1);
        GO_ON.store(true, SeqCst);
        assert_eq!(first.join().expect("no panic"), 0);
        assert_eq!(numbered_cache_peek(1), Some(1));
    });
}

#[test]
fn the_caches_of_other_threads_follow_before_their_next_hit() {
    #[lru_cache(scope = thread, tags = [format!("threads:{x}")])]
    fn of_thread(x: u32) -> u32 {
        x
    }
    #[lru_cache(scope = thread, tags = [format!("threads:{}", x.to_string())])]
    fn generic_of_thread<T: ToString + Clone + Eq + std::hash::Hash + 'static>(x: T) -> String {
        x.to_string()
    }
    fn call_all() {
        for x in 0..3 {
            of_thread(x);
            generic_of_thread(x);
        }
    }
    watched(|| {
        let (go_on, told) = channel::<()>();
        let (done, is_done) = channel();
        let other = thread::spawn(move || {
            call_all();
            done.send(()).expect("the test listens");
            told.recv().expect("the test goes on");
            let peeked = (0..3).map(|x| (of_thread_cache_peek(x), generic_of_thread_cache_peek(x)));
            let peeked: Vec<_> = peeked.map(|(one, other)| (one.is_some(), other.is_some())).collect();
            assert_eq!(peeked, [(true, true), (false, false), (true, true)]);
            call_all();
            assert_eq!((of_thread_cache_info().misses, of_thread_cache_info().hits), (4, 2));
        });
        is_done.recv().expect("the thread goes on");
        call_all();
        invalidate_tag("threads:1");
        assert_eq!((of_thread_cache_peek(0), of_thread_cache_peek(1)), (Some(0), None));
        assert_eq!(generic_of_thread_cache_info::<u32>().currsize, 2);
        go_on.send(()).expect("the thread listens");
        other.join().expect("no panic");
    });
}

#[test]
fn the_caches_of_objects_follow_before_their_next_hit() {
    #[derive(Default)]
    struct Shop {
        number: u32,
        memo: Memo,
    }
    impl Shop {
        #[lru_cache(scope = self.memo, tags = [format!("object:{item}"), format!("shop:{}", self.number)])]
        fn price(&self, item: u32) -> u32 {
            self.number + item
        }
    }
    #[lru_cache(scope = shop.memo, tags = [format!("object:{item}")])]
    fn name(shop: Arc<Shop>, item: u32) -> String {
        format!("{item} of {}", shop.number)
    }
    let shops = [1, 2].map(|number| Arc::new(Shop { number, ..Shop::default() }));
    for shop in &shops {
        for item in [1, 2] {
            shop.price(item);
            name(Arc::clone(shop), item);
        }
    }
    invalidate_tag("object:1");
    for shop in &shops {
        assert_eq!((shop.price_cache_peek(1), shop.price_cache_peek(2)), (None, Some(shop.number + 2)));
        assert_eq!(name_cache_peek(Arc::clone(shop), 1), None);
        assert!(name_cache_peek(Arc::clone(shop), 2).is_some());
    }
    invalidate_tag("shop:1");
    assert_eq!((shops[0].price_cache_peek(2), shops[1].price_cache_peek(2)), (None, Some(4)));
    assert_eq!(shops[1].price_cache_invalidate_if(|item, price| item + 2 == *price), 1);
    assert_eq!(name_cache_invalidate_if(Arc::clone(&shops[1]), |item, _| *item == 2), 1);
}

#[test]
fn a_value_that_is_put_or_refreshed_has_the_tags_of_its_arguments() {
    #[lru_cache(tags = [format!("put:{x}")])]
    fn identity(x: u32) -> u32 {
        x
    }
    identity_cache_put(1, 10);
    identity_cache_refresh(2);
    invalidate_tag("put:1");
    assert_eq!((identity_cache_peek(1), identity_cache_peek(2)), (None, Some(2)));
    invalidate_tag("put:2");
    assert_eq!(identity_cache_peek(2), None);
    assert_eq!(identity(2), 2);
}

#[test]
fn an_entry_that_was_stored_again_after_an_invalidation_stays() {
    #[lru_cache(tags = ["again"])]
    fn identity(x: u32) -> u32 {
        x
    }
    for _ in 0..100 {
        invalidate_tag("again");
        assert_eq!((identity(1), identity(1)), (1, 1));
    }
    assert_eq!((identity_cache_info().hits, identity_cache_info().misses), (100, 100));
}

#[test]
fn values_are_dropped_outside_of_every_lock() {
    #[derive(Clone)]
    struct Reenters;
    impl Drop for Reenters {
        fn drop(&mut self) {
            let _ = value_cache_info();
            invalidate_tag("dropped by a destructor");
        }
    }
    #[lru_cache(maxsize = 8, tags = ["dropped"])]
    fn value(_x: u32) -> Reenters {
        Reenters
    }
    watched(|| {
        (0..8).for_each(|x| drop(value(x)));
        invalidate_tag("dropped");
        assert_eq!(value_cache_info().currsize, 0);
    });
}

#[test]
fn a_task_invalidates_without_blocking() {
    #[lru_cache(tags = ["task"])]
    async fn identity(x: u32) -> u32 {
        x
    }
    block_on(async {
        identity(1).await;
        invalidate_tag_async("task").await;
        assert_eq!(identity_cache_peek(1), None);
    });
}

#[test]
fn hits_beside_invalidations_never_see_what_was_computed_before() {
    static VERSION: AtomicU32 = AtomicU32::new(0);
    #[lru_cache(tags = ["versions"])]
    fn version(_x: u32) -> u32 {
        VERSION.load(SeqCst)
    }
    watched(|| {
        let stop = &AtomicBool::new(false);
        thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(move || {
                    while !stop.load(SeqCst) {
                        version(1);
                    }
                });
            }
            for new in 1..2_000 {
                VERSION.store(new, SeqCst);
                invalidate_tag("versions");
                assert_eq!(version(1), new);
            }
            stop.store(true, SeqCst);
        });
    });
}

#[cfg(all(target_os = "linux", feature = "libc"))]
#[test]
fn the_child_of_a_fork_invalidates_its_own() {
    #[lru_cache(tags = ["forked"])]
    fn identity(x: u32) -> u32 {
        x
    }
    watched(|| {
        identity(1);
        in_child(|| {
            invalidate_tag("forked");
            assert_eq!(identity_cache_peek(1), None);
        })
        .expect("the child ends well");
        assert_eq!(identity_cache_peek(1), Some(1));
        assert!(lru_memo::caches().any(|cache| cache.name().ends_with("identity")));
    });
}
