//! What all processes on one store have in common: the bounds, totals and times of use of functions, on each kind of store.

#[path = "shared_fleet/advice.rs"]
mod advice;
#[path = "shared_fleet/bounds.rs"]
mod bounds;
#[path = "advice/exact.rs"]
mod exact;
#[path = "shared_fleet/idle.rs"]
mod idle;
mod shared;
#[path = "shared_fleet/totals.rs"]
mod totals;

use std::sync::{Mutex, MutexGuard, PoisonError};

use shared::place::Place;

/// No other test of this process moves the clock meanwhile.
fn clock_alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs each of these checks in each place where several processes meet.
macro_rules! in_every_place {
    ($($check:ident)*) => {
        mod embedded {
            $(#[test] fn $check() { super::$check(super::Place::embedded()); })*
        }
        #[cfg(feature = "memcached")]
        mod memcached {
            $(#[test] fn $check() { super::$check(super::Place::memcached()); })*
        }
        #[cfg(feature = "redis")]
        mod redis {
            $(#[test] fn $check() { super::$check(super::Place::redis()); })*
        }
    };
}
use in_every_place;

/// The tests of this file that run in one process, on each kind of store but `memory://`.
mod alone {
    use super::Place;

    fn again(place: Place) {
        lru_memo_tests::again_with_store(&place.url, &["in_one_process"]);
    }

    #[test]
    fn embedded() {
        again(Place::embedded());
    }

    #[cfg(feature = "memcached")]
    #[test]
    fn memcached() {
        again(Place::memcached());
    }

    #[cfg(feature = "redis")]
    #[test]
    fn redis() {
        again(Place::redis());
    }
}
