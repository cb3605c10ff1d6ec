//! `maxsize`, `ttl` and `max_weight` that are known only when the program runs.

use std::hash::Hash;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering::SeqCst};
use std::sync::{Barrier, OnceLock};
use std::thread;
use std::time::Duration;

use lru_memo::lru_cache;
use pollster::block_on;

/// The store of this process, whichever test comes first.
fn prepare() {
    #[cfg(feature = "shared")]
    lru_memo_tests::in_memory_or_chosen();
}

/// What a program has read from a file, say.
struct Config {
    entries: usize,
}

fn config() -> &'static Config {
    static CONFIG: OnceLock<Config> = OnceLock::new();
    CONFIG.get_or_init(|| Config { entries: 2 })
}

macro_rules! limits {
    ($scope:ident) => {
        use super::*;

        #[test]
        fn maxsize_is_any_expression() {
            prepare();
            #[lru_cache(maxsize = config().entries, scope = $scope)]
            fn f(x: u32) -> u32 {
                x
            }
            assert_eq!(f_cache_parameters().maxsize, Some(2));
            let _ = [1, 2, 3].map(f);
            assert_eq!([1, 2, 3].map(f_cache_peek), [None, Some(2), Some(3)]);
            assert_eq!((f_cache_info().maxsize, f_cache_info().currsize), (Some(2), 2));
        }

        #[test]
        fn limits_are_evaluated_at_the_first_use_and_kept() {
            prepare();
            static EVALUATED: AtomicUsize = AtomicUsize::new(0);
            fn next() -> usize {
                EVALUATED.fetch_add(1, SeqCst) + 1
            }
            #[lru_cache(maxsize = next(), ttl = Duration::from_secs(60 * next() as u64), scope = $scope)]
            fn f(x: u32) -> u32 {
                x
            }
            assert_eq!(EVALUATED.load(SeqCst), 0);
            let _ = [1, 2].map(f);
            thread::spawn(|| [1, 2].map(f)).join().expect("no panic");
            let parameters = f_cache_parameters();
            assert_eq!((parameters.maxsize, parameters.ttl), (Some(1), Some(Duration::from_secs(120))));
            assert_eq!((f_cache_info().maxsize, EVALUATED.load(SeqCst)), (Some(1), 2));
            assert_eq!(f_cache_parameters(), parameters);
        }

        #[test]
        fn each_instantiation_has_limits_of_its_own() {
            prepare();
            trait Limited: Clone + Eq + Hash + Send + Sync + serde::Serialize + 'static {
                fn entries() -> usize;
            }
            impl Limited for u8 {
                fn entries() -> usize {
                    config().entries
                }
            }
            impl Limited for u16 {
                fn entries() -> usize {
                    config().entries + 1
                }
            }
            #[lru_cache(maxsize = T::entries(), scope = $scope)]
            fn f<T: Limited>(x: T) -> u32 {
                let _ = x;
                0
            }
            assert_eq!(f_cache_info::<u8>().maxsize, Some(2));
            for x in 0..5 {
                f(x as u8);
                f(x as u16);
            }
            assert_eq!((f_cache_info::<u8>().currsize, f_cache_info::<u16>().currsize), (2, 3));
            assert_eq!((f_cache_parameters::<u8>().maxsize, f_cache_parameters::<u16>().maxsize), (Some(2), Some(3)));
        }

        #[test]
        fn methods_have_limits_that_are_known_later() {
            prepare();
            trait Limits {
                fn entries() -> usize
                where
                    Self: Sized;
                fn limited(&self, x: u32) -> u32;
                #[lru_cache(maxsize = config().entries, skip(self), scope = $scope)]
                fn by_default(&self, x: u32, entries: usize) -> u32 {
                    x + entries as u32
                }
            }
            struct Store;
            impl Store {
                #[lru_cache(maxsize = Self::most(), skip(self), scope = $scope)]
                fn get(&self, x: u32) -> u32 {
                    x
                }
                fn most() -> usize {
                    config().entries + 2
                }
            }
            #[lru_cache]
            impl Limits for Store {
                fn entries() -> usize {
                    config().entries + 1
                }
                #[lru_cache(maxsize = Self::entries(), skip(self), scope = $scope)]
                fn limited(&self, x: u32) -> u32 {
                    x
                }
            }
            let all: &dyn Limits = &Store;
            for x in 0..9 {
                assert_eq!((Store.get(x), all.limited(x), all.by_default(x, 1)), (x, x, x + 1));
            }
            assert_eq!((Store::get_cache_info().currsize, Store::get_cache_parameters().maxsize), (4, Some(4)));
            assert_eq!((Store::limited_cache_info().currsize, Store::limited_cache_info().maxsize), (3, Some(3)));
            assert_eq!(Store::by_default_cache_info().currsize, 2);
            assert_eq!(Store::by_default_cache_parameters().maxsize, Some(2));
        }

        #[test]
        fn async_functions_have_limits_that_are_known_later() {
            prepare();
            #[lru_cache(maxsize = config().entries, single_flight = true, scope = $scope)]
            async fn f(x: u32) -> u32 {
                x
            }
            for x in 0..9 {
                assert_eq!(block_on(f(x)), x);
            }
            assert_eq!(f_cache_parameters_of!($scope: f_cache_parameters()).maxsize, Some(2));
        }

        #[test]
        fn of_limits_that_are_made_at_the_same_time_one_is_kept() {
            prepare();
            static EVALUATED: AtomicU32 = AtomicU32::new(0);
            static BARRIER: OnceLock<Barrier> = OnceLock::new();
            fn entries() -> usize {
                BARRIER.get_or_init(|| Barrier::new(2)).wait();
                EVALUATED.fetch_add(1, SeqCst) as usize + 1
            }
            #[lru_cache(maxsize = entries(), scope = $scope)]
            fn f(x: u32) -> u32 {
                x
            }
            let call = || {
                f(1);
                f_cache_info().maxsize
            };
            let told = thread::scope(|scope| {
                [scope.spawn(call), scope.spawn(call)].map(|thread| thread.join().expect("no panic"))
            });
            let kept = f_cache_parameters().maxsize;
            assert_eq!((told, EVALUATED.load(SeqCst)), ([kept; 2], 2));
        }
    };
}

/// The parameters of an `async fn`; with `scope = shared`, they are awaited.
macro_rules! f_cache_parameters_of {
    (shared: $companion:expr) => {
        block_on($companion)
    };
    ($scope:ident: $companion:expr) => {
        $companion
    };
}

mod in_the_process {
    limits!(process);
}

mod in_a_thread {
    limits!(thread);
}

#[cfg(feature = "shared")]
mod in_all_processes {
    limits!(shared);
}
