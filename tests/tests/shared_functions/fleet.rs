//! What all processes on one store have in common: the bounds, totals and times of use of functions, on each kind of store.

mod advice;
mod bounds;
mod idle;
mod totals;

use crate::shared::place::Place;

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
