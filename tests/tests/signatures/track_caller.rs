//! `#[track_caller]`: a function that panics on a miss points at its caller, whatever its signature and scope.
//!
//! What a macro writes has the line of the macro's use: the functions are written by one, their calls by another.

use std::hash::Hash;
use std::panic::{AssertUnwindSafe, Location, catch_unwind, set_hook, take_hook};
use std::sync::{Mutex, PoisonError};

use lru_memo::lru_cache;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// What a type parameter needs in order to be part of a key in every scope.
trait Part: Clone + Eq + Hash + Send + Sync + Serialize + DeserializeOwned + 'static {}
impl<T: Clone + Eq + Hash + Send + Sync + Serialize + DeserializeOwned + 'static> Part for T {}

/// The line of the panic that a closure ends in.
fn line_of_panic<R>(run: impl FnOnce() -> R) -> u32 {
    static HOOK: Mutex<()> = Mutex::new(());
    static LINE: Mutex<u32> = Mutex::new(0);
    let _one_at_a_time = HOOK.lock().unwrap_or_else(PoisonError::into_inner);
    let me = std::thread::current().id();
    let former = take_hook();
    set_hook(Box::new(move |info| {
        if std::thread::current().id() == me {
            *LINE.lock().unwrap_or_else(PoisonError::into_inner) = info.location().map_or(0, Location::line);
        }
    }));
    let panicked = catch_unwind(AssertUnwindSafe(run)).is_err();
    set_hook(former);
    assert!(panicked, "nobody panicked");
    *LINE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// That each call panics at its own line.
macro_rules! assert_panics_here {
    ($($call:expr),* $(,)?) => {$(
        assert_eq!(line_of_panic(|| $call), line!(), "{}", stringify!($call));
    )*};
}

macro_rules! functions {
    ($scope:ident) => {
        use super::*;

        #[lru_cache(scope = $scope)]
        #[track_caller]
        pub(super) fn first(numbers: &[u32]) -> u32 {
            *numbers.first().expect("no numbers")
        }

        #[lru_cache(scope = $scope)]
        #[cfg_attr(all(), cfg_attr(all(), must_use, track_caller))]
        pub(super) fn conditional(numbers: &[u32]) -> u32 {
            *numbers.first().expect("no numbers")
        }

        #[lru_cache(scope = $scope, key = numbers.len())]
        #[track_caller]
        pub(super) fn by_length(numbers: &[u32]) -> u32 {
            *numbers.first().expect("no numbers")
        }

        #[lru_cache(scope = $scope)]
        #[track_caller]
        pub(super) fn generic<T: Part>(numbers: &[T]) -> T {
            numbers.first().expect("no numbers").clone()
        }

        #[lru_cache(scope = $scope)]
        #[track_caller]
        pub(super) fn of_anything(numbers: Vec<impl Part>) -> usize {
            numbers.len().checked_sub(1).expect("no numbers")
        }

        #[lru_cache(scope = $scope, single_flight = true)]
        #[track_caller]
        pub(super) fn together(numbers: &[u32]) -> u32 {
            *numbers.first().expect("no numbers")
        }

        #[lru_cache(scope = $scope, ttl = "1h", stale = "1h", single_flight = true)]
        #[track_caller]
        pub(super) fn perhaps_old(numbers: &[u32]) -> u32 {
            *numbers.first().expect("no numbers")
        }

        #[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub(super) struct Type<T>(pub(super) T);

        impl<T: Part> Type<T> {
            #[lru_cache(scope = $scope)]
            #[track_caller]
            pub(super) fn method(&self, x: u32) -> u32 {
                x.checked_sub(1).expect("zero")
            }
        }

        pub(super) trait Less {
            fn less(&self, x: u32) -> u32;
            fn lesser(x: u32) -> u32;
        }

        #[lru_cache]
        impl<T: Part> Less for Type<T> {
            #[lru_cache(scope = $scope)]
            #[track_caller]
            fn less(&self, x: u32) -> u32 {
                x.checked_sub(1).expect("zero")
            }

            #[lru_cache(scope = $scope)]
            #[track_caller]
            fn lesser(x: u32) -> u32 {
                x.checked_sub(1).expect("zero")
            }
        }
    };
}

macro_rules! calls {
    ($functions:ident) => {
        use super::$functions::*;
        use super::*;

        #[test]
        fn a_miss_that_panics_points_at_the_caller() {
            crate::prepare();
            assert_panics_here!(
                first(&[]),
                conditional(&[]),
                by_length(&[]),
                generic::<u8>(&[]),
                of_anything(Vec::<u8>::new()),
                together(&[]),
                perhaps_old(&[]),
                Type(1).method(0),
                Type(1).less(0),
                Type::<u8>::lesser(0),
            );
            assert_eq!((first(&[1]), first(&[1]), first_cache_info().hits), (1, 1, 1));
        }

        #[test]
        fn companions_that_run_the_function_point_at_the_caller() {
            crate::prepare();
            assert_panics_here!(
                first_uncached(&[]),
                first_cache_refresh(&[]),
                conditional_uncached(&[]),
                conditional_cache_refresh(&[]),
                of_anything_uncached(Vec::<u8>::new()),
                of_anything_cache_refresh(Vec::<u8>::new()),
                Type(1).less_uncached(0),
                Type(1).less_cache_refresh(0),
            );
        }
    };
}

mod of_the_process {
    functions!(process);
}
mod in_the_process {
    calls!(of_the_process);
}

mod of_a_thread {
    functions!(thread);
}
mod in_a_thread {
    calls!(of_a_thread);
}

#[cfg(feature = "shared")]
mod of_all_processes {
    functions!(shared);
}
#[cfg(feature = "shared")]
mod in_all_processes {
    calls!(of_all_processes);
}
