//! What is written for `scope = shared` needs nothing in scope and stirs no lint: that this compiles is the test.

#![deny(
    warnings,
    missing_docs,
    unreachable_pub,
    unused_results,
    clippy::all,
    clippy::pedantic,
    clippy::nursery
)]
#![no_implicit_prelude]

mod core {}
mod std {}
mod alloc {}
mod serde {}
mod lru_memo {}

/// Generic, and a part of keys.
#[derive(::core::fmt::Debug, ::core::clone::Clone, ::core::marker::Copy, ::serde::Serialize)]
struct Wrapped<T>(T);

impl<T: ::serde::Serialize + ::core::convert::Into<u32> + ::core::marker::Copy> Wrapped<T> {
    #[::lru_memo::lru_cache(scope = shared, single_flight = true)]
    fn with(&self, x: u32) -> (u32, u32) {
        (self.0.into(), x)
    }
}

// The clock may be moved by other tests, but not by that much.
#[::lru_memo::lru_cache(scope = shared, key = (x % 2, y), ttl = ::core::time::Duration::from_secs(1 << 20), ttl_of = |_| ::core::time::Duration::MAX, jitter = "1s", max_weight = 1_000, cache_if = |v: &u32| *v > 0)]
fn parity(x: u32, y: &::core::primitive::str) -> u32 {
    _ = y;
    x % 2
}

#[::lru_memo::lru_cache(scope = shared)]
async fn length(
    text: &::core::primitive::str,
    more: ::core::option::Option<&::core::primitive::str>,
) -> ::core::result::Result<usize, ()> {
    ::core::future::ready(()).await;
    more.map(|more| text.len() + more.len()).ok_or(())
}

#[::core::prelude::v1::test]
fn nothing_is_needed_around_it() {
    super::in_memory();
    ::core::assert_eq!(Wrapped(2_u8).with(1), (2, 1));
    ::core::assert_eq!((parity(3, "y"), parity(5, "y")), (1, 1));
    ::core::assert_eq!(parity_cache_info().hits, 1);
    ::core::assert_eq!(
        ::pollster::block_on(length("ab", ::core::option::Option::Some("c"))),
        ::core::result::Result::Ok(3)
    );
    ::core::assert_eq!(
        ::pollster::block_on(length("ab", ::core::option::Option::None)),
        ::core::result::Result::Err(())
    );
    ::core::assert_eq!(::pollster::block_on(length_cache_info()).currsize, 1);
}
