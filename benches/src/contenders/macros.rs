//! Other crates that memoize with an attribute. Their keys are owned, so each call copies a text.

use ::cached::Cached as _;
use ::cached::macros::cached;
use ::memoize::memoize;

use super::{Contender, Kind, SMALL};
use crate::counters::body;
use crate::keys::Text;

const CACHED: &str = "cached, max_size";
const MEMOIZE: &str = "memoize, Capacity (per thread)";
const MEMOIZE_SHARED: &str = "memoize, SharedCache and Capacity";

/// The bound as a number, because the attributes of these crates do not take names.
macro_rules! of_capacities {
    ($($module:ident: $capacity:tt,)*) => {
        $(mod $module {
            use super::*;

            #[cached(max_size = $capacity)]
            fn cached_number(number: u64) -> u64 {
                body(number)
            }

            #[memoize(Capacity: $capacity)]
            fn memoized_number(number: u64) -> u64 {
                body(number)
            }

            #[memoize(SharedCache, Capacity: $capacity)]
            fn memoized_shared_number(number: u64) -> u64 {
                body(number)
            }

            pub(super) fn cached() -> Contender<u64> {
                CACHED_NUMBER.write().cache_clear();
                Contender::new(CACHED, Kind::Exact, cached_number)
            }

            pub(super) fn memoize() -> Contender<u64> {
                Contender::new(MEMOIZE, Kind::PerThread, memoized_number)
            }

            pub(super) fn memoize_shared() -> Contender<u64> {
                memoized_flush_memoized_shared_number();
                Contender::new(MEMOIZE_SHARED, Kind::Exact, memoized_shared_number)
            }
        })*

        of_capacities! { @choose cached $($module: $capacity,)* }
        of_capacities! { @choose memoize $($module: $capacity,)* }
        of_capacities! { @choose memoize_shared $($module: $capacity,)* }
    };
    (@choose $make:ident $($module:ident: $capacity:tt,)*) => {
        pub(super) fn $make(capacity: usize) -> Contender<u64> {
            match capacity {
                $($capacity => $module::$make(),)*
                _ => unreachable!("there is no function with room for {capacity} entries"),
            }
        }
    };
}

of_capacities! {
    small: 1024,
    large: 1048576,
}

#[cached(max_size = 1024)]
fn cached_text(_text: String, number: u32) -> u64 {
    body(u64::from(number))
}

#[memoize(Capacity: 1024)]
fn memoized_text(_text: String, number: u32) -> u64 {
    body(u64::from(number))
}

pub(super) fn cached_of_text(capacity: usize) -> Contender<Text> {
    assert_eq!(capacity, SMALL);
    CACHED_TEXT.write().cache_clear();
    Contender::new(CACHED, Kind::Exact, |Text(text, number)| cached_text(text.to_owned(), number))
}

pub(super) fn memoize_of_text(capacity: usize) -> Contender<Text> {
    assert_eq!(capacity, SMALL);
    Contender::new(MEMOIZE, Kind::PerThread, |Text(text, number)| memoized_text(text.to_owned(), number))
}
