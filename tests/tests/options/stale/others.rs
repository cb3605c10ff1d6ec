//! What only some scopes have.

use std::panic::Location;
use std::time::Duration;

use lru_memo::{Memo, Outcome, lru_cache};

use super::Backend::{Fails, Panics, Works};
use super::{BACKEND, RUNS, ask, begin, minutes_later, totals};

#[derive(Default)]
struct Store {
    stale: Duration,
    memo: Memo,
}

impl Store {
    #[lru_cache(ttl = "100m", stale = self.stale, scope = self.memo)]
    fn load(&self, _x: u32) -> Result<u32, String> {
        ask()
    }
}

#[test]
fn an_object_says_how_long_its_old_values_are_served() {
    let _clock = begin();
    let [short, long] =
        [10, 1000].map(|minutes| Store { stale: Duration::from_secs(60 * minutes), memo: Memo::new() });
    assert_eq!((short.load(1), long.load(1)), (Ok(1), Ok(2)));
    minutes_later(100);
    BACKEND.set(Fails);
    assert_eq!(short.load_with_outcome(1), (Ok(1), Outcome::Stale));
    minutes_later(10);
    assert!(short.load(1).is_err());
    assert_eq!(long.load_with_outcome(1), (Ok(2), Outcome::Stale));
    assert_eq!(long.load_with_outcome(1), (Ok(2), Outcome::Stale));
    assert_eq!(totals(long.load_cache_totals()), (1, 2, 1, 1));
    assert_eq!(long.load_cache_parameters().stale, Some(long.stale));
}

#[test]
fn a_tag_removes_old_entries_also_while_they_are_recomputed() {
    let _clock = begin();
    #[lru_cache(ttl = "100m", stale = "1000m", tags = ["stale orders"])]
    fn f(_x: u32) -> Result<u32, String> {
        let run = ask();
        if RUNS.get() == 2 {
            lru_memo::invalidate_tag("stale orders");
        }
        run
    }
    f(1).expect("a value");
    minutes_later(100);
    assert_eq!(f_with_outcome(1), (Ok(2), Outcome::Miss));
    assert_eq!(f_cache_peek(1), None);
    f(1).expect("a value");
    minutes_later(100);
    lru_memo::invalidate_tag("stale orders");
    BACKEND.set(Fails);
    assert!(f(1).is_err());
}

#[test]
fn an_unbounded_cache_and_one_that_weighs_its_values_serve_old_ones() {
    let _clock = begin();
    #[lru_cache(maxsize = None, ttl = "100m", stale = "1000m")]
    fn unbounded(_x: u32) -> Result<u32, String> {
        ask()
    }
    #[lru_cache(max_weight = 10, weigh = |_, v| *v as usize, ttl = "100m", stale = "1000m")]
    fn weighed(_x: u32) -> Result<u32, String> {
        ask()
    }
    assert_eq!((unbounded(1), weighed(1)), (Ok(1), Ok(2)));
    minutes_later(100);
    BACKEND.set(Panics);
    assert_eq!((unbounded(1), weighed(1)), (Ok(1), Ok(2)));
    minutes_later(10);
    BACKEND.set(Works);
    RUNS.set(10);
    assert_eq!((unbounded(1), weighed(1)), (Ok(11), Ok(12)));
    assert_eq!((unbounded_cache_peek(1), weighed_cache_peek(1)), (Some(11), None), "12 is too heavy");
}

#[test]
fn a_predicate_sees_old_entries() {
    let _clock = begin();
    #[lru_cache(ttl = "100m", stale = "1000m")]
    fn f(_x: u32) -> Result<u32, String> {
        ask()
    }
    f(1).expect("a value");
    f(2).expect("a value");
    minutes_later(100);
    assert_eq!(f_cache_invalidate_if(|_, &value| value == 1), 1);
    assert_eq!([1, 2].map(f_cache_peek), [None, Some(2)]);
}

#[test]
fn a_miss_is_called_from_where_the_caller_is() {
    #[track_caller]
    #[lru_cache(ttl = "100m", stale = "1000m")]
    fn line() -> u32 {
        Location::caller().line()
    }
    assert_eq!(line(), line!());
}

#[test]
fn nothing_is_kept_when_the_cache_is_off() {
    let _clock = begin();
    #[lru_cache(maxsize = 0, ttl = "100m", stale = "1000m")]
    fn f(_x: u32) -> Result<u32, String> {
        ask()
    }
    f(1).expect("a value");
    BACKEND.set(Fails);
    assert!(f(1).is_err());
}

#[cfg(feature = "shared")]
#[test]
fn the_near_cache_serves_fresh_values_only() {
    let _clock = begin();
    #[lru_cache(ttl = "100m", stale = "1000m", near = "500m", scope = shared)]
    fn f(_x: u32) -> Result<u32, String> {
        ask()
    }
    f(1).expect("a value");
    f(1).expect("a near hit");
    assert_eq!(f_cache_near_info().hits, 1);
    minutes_later(100);
    BACKEND.set(Fails);
    assert_eq!(f_with_outcome(1), (Ok(1), Outcome::Stale));
    assert_eq!(f_with_outcome(1), (Ok(1), Outcome::Stale));
    minutes_later(10);
    BACKEND.set(Works);
    assert_eq!(f_with_outcome(1), (Ok(3), Outcome::Miss));
    let before = f_cache_near_info().hits;
    assert_eq!(f_with_outcome(1), (Ok(3), Outcome::Hit));
    assert_eq!(f_cache_near_info().hits, before + 1);
}
