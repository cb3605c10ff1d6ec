//! `lru_memo::caches()` and `lru_memo::clear_all()`: what is listed, when, under which name, and from many threads.

#![expect(clippy::needless_lifetimes, reason = "they must not appear in names")]

use std::hash::Hash;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;

use lru_memo::{CacheInfo, RegisteredCache, Scope, cache, caches, clear_all, lru_cache};
use lru_memo_tests::without_hanging;

/// Counters can be cleared by any test: the registry belongs to the whole process.
fn registry_for_me_alone() -> MutexGuard<'static, ()> {
    static REGISTRY: Mutex<()> = Mutex::new(());
    REGISTRY.lock().unwrap_or_else(PoisonError::into_inner)
}

fn counts(info: CacheInfo) -> (u64, u64, usize) {
    (info.hits, info.misses, info.currsize)
}

fn named(name: &str) -> Vec<RegisteredCache> {
    caches().filter(|cache| cache.name() == name).collect()
}

/// The only cache of this name.
#[track_caller]
fn the_one(name: &str) -> RegisteredCache {
    let [cache] = named(name)[..] else {
        panic!("{} caches of the name {name}: {:?}", named(name).len(), caches().collect::<Vec<_>>())
    };
    cache
}

#[test]
fn a_cache_is_listed_once_from_its_first_use_on() {
    let _registry = registry_for_me_alone();
    const LINE: u32 = line!() + 2;
    #[lru_cache(maxsize = 5, typed = true)]
    fn listed(x: u32) -> u32 {
        x
    }
    const NAME: &str = "registry::listed";
    assert!(named(NAME).is_empty(), "not used yet");
    let _ = listed_cache_parameters();
    assert!(named(NAME).is_empty(), "asking for the parameters is no use");
    for x in [1, 1, 2] {
        listed(x);
        let found = the_one(NAME);
        assert_eq!((found.file(), found.parameters()), (file!(), listed_cache_parameters()));
        assert!((LINE..=LINE + 1).contains(&found.line()), "{} is not {LINE}", found.line());
        assert_eq!(found.info(), listed_cache_info());
    }
    assert_eq!(counts(the_one(NAME).info()), (1, 2, 2));
    the_one(NAME).clear();
    assert_eq!((counts(listed_cache_info()), listed_cache_peek(1)), ((0, 0, 0), None));
    assert_eq!(counts(the_one(NAME).info()), (0, 0, 0), "listed when empty, too");
}

#[test]
fn every_companion_that_looks_for_a_key_is_a_use() {
    let _registry = registry_for_me_alone();
    macro_rules! used_by {
        ($($name:ident: $companion:ident($($argument:tt)*);)*) => {$({
            #[lru_cache]
            fn $name(x: u32) -> u32 {
                x
            }
            let _ = $companion($($argument)*);
            the_one(concat!("registry::", stringify!($name)));
            $name(1);
            the_one(concat!("registry::", stringify!($name)));
        })*};
    }
    used_by! {
        by_put: by_put_cache_put(1, 1);
        by_peek: by_peek_cache_peek(1);
        by_invalidate: by_invalidate_cache_invalidate(1);
        by_refresh: by_refresh_cache_refresh(1);
    }
}

mod deep {
    pub(super) mod inside {
        use super::super::{Hash, lru_cache};

        #[lru_cache]
        pub(crate) fn free(x: u32) -> u32 {
            x
        }

        #[lru_cache]
        pub(crate) fn generic<T: Clone + Eq + Hash + Send + Sync + 'static, const N: usize>(
            x: T,
        ) -> (T, usize) {
            (x, N)
        }

        #[derive(Clone, PartialEq, Eq, Hash)]
        pub(crate) struct Owner<T>(pub(crate) T);

        impl<T: Clone + Eq + Hash + Send + Sync + 'static> Owner<T> {
            #[lru_cache]
            pub(crate) fn method(&self) -> T {
                self.0.clone()
            }
            #[lru_cache]
            pub(crate) fn associated(x: T) -> Self {
                Self(x)
            }
        }

        pub(crate) trait Double: Clone + Eq + Hash + Send + Sync + 'static {
            fn id(&self) -> u32;
            #[lru_cache]
            fn double(&self) -> u32 {
                2 * self.id()
            }
        }

        impl Double for u32 {
            fn id(&self) -> u32 {
                *self
            }
        }

        impl Double for Owner<u8> {
            fn id(&self) -> u32 {
                self.0.into()
            }
        }

        #[lru_cache]
        impl<T: Clone + Eq + Hash + Send + Sync + 'static> std::ops::Not for Owner<T> {
            type Output = T;
            #[lru_cache]
            fn not(self) -> T {
                self.0
            }
        }
    }
}

#[test]
fn names_are_paths_of_functions_and_of_the_types_of_methods() {
    use deep::inside::{Double, Owner, free, generic};
    let _registry = registry_for_me_alone();
    free(1);
    let found = the_one("registry::deep::inside::free");
    assert_eq!(found.file(), file!());

    Owner(1_u8).method();
    Owner(1_u16).method();
    Owner::associated(1_u8);
    assert_eq!((1_u32.double(), Owner(1_u8).double()), (2, 2));
    let _ = !Owner(1_u8);
    for name in [
        "registry::deep::inside::Owner<u8>::method",
        "registry::deep::inside::Owner<u16>::method",
        "registry::deep::inside::Owner<u8>::associated",
        "registry::deep::inside::Owner<u8>::double",
        "registry::deep::inside::Owner<u8>::not",
        "u32::double",
    ] {
        assert_eq!(counts(the_one(name).info()), (0, 1, 1), "{name}");
    }
    generic::<_, 1>('a');
    generic::<_, 2>('a');
    generic::<_, 2>('a');
    for (name, counted) in [
        ("registry::deep::inside::generic::<char, 1>", (0, 1, 1)),
        ("registry::deep::inside::generic::<char, 2>", (1, 1, 1)),
    ] {
        assert_eq!(counts(the_one(name).info()), counted, "{name}");
    }
}

#[test]
fn the_name_of_an_instantiation_tells_its_parameters() {
    #[derive(Clone, PartialEq, Eq, Hash)]
    struct Owner<T>(T);
    impl<T: Clone + Eq + Hash + Send + Sync + 'static> Owner<T> {
        #[lru_cache]
        fn with<U: Clone + Eq + Hash + Send + Sync + 'static>(&self, other: U) -> U {
            other
        }
    }
    #[lru_cache]
    fn consts<'a, const LOUD: bool, const END: char, const BY: i8>(x: &'a str) -> usize {
        x.len()
    }
    #[lru_cache]
    fn anonymous(x: impl Into<u64> + Clone + Eq + Hash + Send + Sync + 'static) -> u64 {
        x.into()
    }
    #[lru_cache(name = "given")]
    fn named<T: 'static>() -> usize {
        size_of::<T>()
    }
    #[lru_cache]
    fn lifetimes<'a>(x: &'a str) -> usize {
        x.len()
    }
    let _registry = registry_for_me_alone();
    Owner(1_u8).with("a");
    consts::<true, '!', -1>("a");
    anonymous(1_u16);
    named::<u32>();
    lifetimes("a");
    the_one("registry::the_name_of_an_instantiation_tells_its_parameters::Owner<u8>::with::<&str>");
    the_one("registry::consts::<true, '!', -1>");
    the_one("registry::anonymous::<u16>");
    the_one("given");
    the_one("registry::lifetimes");
}

#[test]
fn a_cache_of_a_thread_is_listed_once_and_answers_for_the_thread_that_asks() {
    let _registry = registry_for_me_alone();
    #[lru_cache(scope = thread)]
    fn of_thread(x: u32) -> u32 {
        x
    }
    #[lru_cache(scope = thread)]
    fn generic_of_thread<T: Clone + Eq + Hash + 'static>(x: T) -> T {
        x
    }
    #[derive(Clone, PartialEq, Eq, Hash)]
    struct Id(u32);
    impl Id {
        #[lru_cache(scope = thread)]
        fn method_of_thread(&self) -> u32 {
            self.0
        }
    }
    let ends = ["::of_thread", "::generic_of_thread::<char>", "::method_of_thread"];
    let listed = move |end: &str| caches().filter(|cache| cache.name().ends_with(end)).collect::<Vec<_>>();
    let use_all = || (of_thread(1), generic_of_thread('a'), Id(1).method_of_thread());
    for _ in 0..5 {
        thread::spawn(move || {
            assert_eq!(use_all(), use_all());
            for end in ends {
                let [cache] = listed(end)[..] else { panic!("{end} is listed {} times", listed(end).len()) };
                assert_eq!((cache.parameters().scope, counts(cache.info())), (Scope::Thread, (1, 1, 1)));
                cache.clear();
                assert_eq!(counts(cache.info()), (0, 0, 0));
            }
        })
        .join()
        .expect("no panic");
    }
    for end in ends {
        assert_eq!(listed(end).iter().map(|cache| counts(cache.info())).collect::<Vec<_>>(), [(0, 0, 0)]);
    }
    use_all();
    thread::spawn(clear_all).join().expect("no panic");
    assert_eq!(counts(of_thread_cache_info()), (0, 1, 1), "another thread's `clear_all` leaves it alone");
    clear_all();
    assert_eq!(counts(of_thread_cache_info()), (0, 0, 0));
}

#[test]
fn caches_come_in_the_order_of_first_use() {
    let _registry = registry_for_me_alone();
    #[lru_cache(name = "order: one")]
    fn one() {}
    #[lru_cache(name = "order: two")]
    fn two() {}
    #[lru_cache(name = "order: three")]
    fn three() {}
    two();
    three();
    one();
    two();
    let found: Vec<_> =
        caches().map(|cache| cache.name()).filter(|name| name.starts_with("order: ")).collect();
    assert_eq!(found, ["order: two", "order: three", "order: one"]);
}

#[test]
fn clear_all_clears_every_cache() {
    let _registry = registry_for_me_alone();
    #[lru_cache]
    fn bounded(x: u32) -> u32 {
        x
    }
    #[cache]
    fn unbounded<T: Clone + Eq + Hash + Send + Sync + 'static>(x: T) -> T {
        x
    }
    #[lru_cache(scope = thread, ttl = "1h")]
    fn local(x: u32) -> u32 {
        x
    }
    #[lru_cache(single_flight = true)]
    async fn asynchronous(x: u32) -> u32 {
        x
    }
    clear_all();
    for _ in 0..2 {
        assert_eq!((bounded(1), unbounded('a'), unbounded(1), local(1)), (1, 'a', 1, 1));
        assert_eq!(pollster::block_on(asynchronous(1)), 1);
    }
    let infos = || {
        [
            bounded_cache_info(),
            unbounded_cache_info::<char>(),
            unbounded_cache_info::<i32>(),
            local_cache_info(),
            asynchronous_cache_info(),
        ]
        .map(counts)
    };
    assert_eq!(infos(), [(1, 1, 1); 5]);
    clear_all();
    assert_eq!(infos(), [(0, 0, 0); 5]);
    assert!(caches().all(|cache| cache.info().currsize == 0));
}

#[test]
fn the_registry_can_be_used_while_values_are_computed_and_dropped() {
    let _registry = registry_for_me_alone();
    static DROPS: AtomicU32 = AtomicU32::new(0);
    #[derive(Clone)]
    struct Value;
    impl Drop for Value {
        fn drop(&mut self) {
            if DROPS.fetch_add(1, SeqCst) < 100 {
                assert!(caches().count() > 0);
                f(DROPS.load(SeqCst));
                clear_all();
            }
        }
    }
    #[lru_cache(maxsize = 2)]
    fn f(_x: u32) -> Value {
        assert!(caches().any(|cache| cache.name() == "registry::f" && cache.info().misses > 0));
        Value
    }
    without_hanging(
        || "the registry within user code".to_owned(),
        || {
            (0..10).for_each(|x| drop(f(x)));
            // A cache that is first used while the registry is walked.
            for cache in caches() {
                #[lru_cache]
                fn late(x: u32) -> u32 {
                    x
                }
                late(cache.line());
            }
        },
    );
}

#[test]
fn many_threads_may_register_list_and_clear_at_once() {
    let _registry = registry_for_me_alone();
    #[lru_cache(maxsize = 4)]
    fn from_all_threads<const N: usize>(x: usize) -> usize {
        x + N
    }
    #[lru_cache(scope = thread)]
    fn in_all_threads<const N: usize>(x: usize) -> usize {
        x + N
    }
    fn use_all(x: usize) {
        let found = [
            from_all_threads::<0>(x),
            from_all_threads::<1>(x),
            from_all_threads::<2>(x),
            from_all_threads::<3>(x),
        ];
        assert_eq!(found, [x, x + 1, x + 2, x + 3]);
        assert_eq!(
            [in_all_threads::<0>(x), in_all_threads::<1>(x), in_all_threads::<2>(x)],
            [x, x + 1, x + 2]
        );
    }
    without_hanging(
        || "threads at the registry".to_owned(),
        || {
            let threads: Vec<_> = (0..8)
                .map(|thread| {
                    thread::spawn(move || {
                        for round in 0..100 {
                            use_all((round + thread) % 7);
                            assert!(caches().all(|cache| {
                                let info = cache.info();
                                info.maxsize.is_none_or(|max| info.currsize <= max)
                                    && !format!("{cache:?}").is_empty()
                            }));
                            if round % 10 == thread {
                                clear_all();
                            }
                        }
                    })
                })
                .collect();
            threads.into_iter().for_each(|thread| thread.join().expect("no panic"));
        },
    );
    let count = |start: &str| caches().filter(|cache| cache.name().starts_with(start)).count();
    assert_eq!((count("registry::from_all_threads"), count("registry::in_all_threads")), (4, 3));
}
