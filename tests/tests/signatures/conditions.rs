//! `#[cfg]` and `#[cfg_attr]` inside a function and inside an `impl` block: on parameters, and around the attribute.

#![expect(clippy::non_minimal_cfg, reason = "conditions that hold everywhere, and nowhere")]

use std::hash::Hash;

use lru_memo::{CacheInfo, lru_cache};

fn counts(info: CacheInfo) -> (u64, u64, usize) {
    (info.hits, info.misses, info.currsize)
}

#[test]
fn parameters_may_be_conditional() {
    #[lru_cache]
    fn f(
        #[cfg(all())] x: u32,
        #[cfg(not(all()))] x: &mut u64,
        #[cfg(any())] y: NoSuchType,
        text: &str,
    ) -> String {
        format!("{x}{text}")
    }
    assert_eq!((f(1, "a"), f(1, "a"), f(2, "a")), ("1a".to_owned(), "1a".to_owned(), "2a".to_owned()));
    assert_eq!(counts(f_cache_info()), (1, 2, 2));
    assert_eq!((f_cache_peek(1, "a"), f_cache_peek(3, "a")), (Some("1a".to_owned()), None));
    f_cache_put(1, "a", "b".to_owned());
    assert_eq!(
        (f(1, "a"), f_cache_refresh(1, "a"), f_uncached(1, "b")),
        ("b".into(), "1a".into(), "1b".into())
    );
    assert!(f_cache_invalidate(1, "a"));
}

#[test]
fn up_to_four_conditions_may_stand_on_parameters() {
    #[lru_cache]
    fn f(
        #[cfg(all())] a: u8,
        #[cfg(unix)] b: u8,
        #[cfg(not(unix))] b: u16,
        #[cfg(target_pointer_width = "64")] c: u8,
        #[cfg(not(not(target_pointer_width = "64")))] d: u8,
        #[cfg(not(any()))] e: u8,
    ) -> u32 {
        #[cfg(target_pointer_width = "64")]
        let more = c + d;
        #[cfg(not(target_pointer_width = "64"))]
        let more = 0;
        u32::from(a) + u32::from(b) + u32::from(more) + u32::from(e)
    }
    #[cfg(target_pointer_width = "64")]
    assert_eq!((f(1, 2, 3, 4, 5), f(1, 2, 3, 4, 5)), (15, 15));
    #[cfg(not(target_pointer_width = "64"))]
    assert_eq!((f(1, 2, 5), f(1, 2, 5)), (8, 8));
    assert_eq!(counts(f_cache_info()), (1, 1, 1));
}

#[test]
fn a_skipped_parameter_may_be_conditional_and_so_may_its_attribute() {
    #[lru_cache(skip(absent, here))]
    fn f(#[cfg(any())] absent: u32, #[cfg(all())] here: u32, x: u32) -> u32 {
        here + x
    }
    assert_eq!((f(1, 1), f(2, 1)), (2, 2));

    #[lru_cache]
    fn g(
        #[cfg_attr(all(), lru_cache(skip))] skipped: u32,
        #[cfg_attr(any(), lru_cache(skip))] kept: u32,
    ) -> u32 {
        skipped + kept
    }
    assert_eq!((g(1, 1), g(2, 1), g(1, 3)), (2, 2, 4));
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct Conditional(u32);

#[cfg_attr(all(), lru_cache)]
impl Conditional {
    #[cfg_attr(all(), lru_cache(maxsize = 2))]
    fn memoized(x: u32) -> u32 {
        x + 1
    }

    #[cfg_attr(any(), lru_cache)]
    fn plain(x: &mut u32) -> u32 {
        *x += 1;
        *x
    }

    #[cfg_attr(all(), cfg_attr(not(any()), must_use, lru_memo::cache))]
    fn twice(&self, #[cfg(any())] x: NoSuchType, #[cfg_attr(all(), lru_cache(skip))] y: u32) -> u32 {
        self.0 + y
    }
}

trait Area {
    fn area(&self, x: u32) -> u32;
    fn unit() -> u32;
}

#[cfg_attr(all(), lru_cache)]
impl Area for Conditional {
    #[cfg_attr(all(), lru_cache(maxsize = 2))]
    fn area(&self, #[cfg(all())] x: u32, #[cfg(any())] x: u64) -> u32 {
        self.0 * x
    }

    #[cfg_attr(any(), lru_cache)]
    fn unit() -> u32 {
        1
    }
}

#[cfg_attr(any(), lru_cache)]
impl Conditional {
    #[cfg_attr(any(), lru_cache)]
    fn never(&self) -> u32 {
        self.0
    }
}

#[test]
fn the_attribute_may_be_conditional_on_a_block_and_its_functions() {
    assert_eq!((Conditional::memoized(1), Conditional::memoized(1)), (2, 2));
    assert_eq!(counts(Conditional::memoized_cache_info()), (1, 1, 1));
    let mut x = 1;
    assert_eq!((Conditional::plain(&mut x), Conditional::plain(&mut x)), (2, 3));
    assert_eq!((Conditional(1).twice(1), Conditional(1).twice(2)), (2, 2));
    assert_eq!(Conditional::twice_cache_info().maxsize, None);
    assert_eq!((Conditional(3).area(2), Conditional(3).area(2), Conditional::unit()), (6, 6, 1));
    assert_eq!(counts(Conditional::area_cache_info()), (1, 1, 1));
    assert_eq!(Conditional(1).never(), 1);
}

#[test]
fn lints_and_other_attributes_may_stand_on_parameters() {
    #[lru_cache]
    #[deny(warnings)]
    fn f(
        #[allow(unused_variables)] x: u32,
        #[expect(unused_variables, reason = "for a test")] y: u32,
    ) -> u32 {
        1
    }
    assert_eq!((f(1, 2), f(1, 2), f(2, 2)), (1, 1, 1));
    assert_eq!(counts(f_cache_info()), (1, 2, 2));
}
