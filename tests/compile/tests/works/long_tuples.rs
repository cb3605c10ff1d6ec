//! The standard library implements `Hash` for tuples of up to twelve.

#![expect(clippy::type_complexity, reason = "it is what is tested")]

use lru_memo::lru_cache;

type Twelve = (u8, u8, u8, u8, u8, u8, u8, u8, u8, u8, u8, u8);

#[lru_cache]
fn integers(x: Twelve) -> u8 {
    x.11
}

#[lru_cache]
fn floats(x: (f64, f64, f64, f64, f64, f64, f64, f64, f64)) -> f64 {
    x.8
}

#[lru_cache]
fn references(x: (&str, u8, u8, u8, u8, u8, u8, u8, u8, u8, u8, u8)) -> usize {
    x.0.len()
}

#[test]
fn tuples_of_up_to_twelve_are_keys() {
    for _ in 0..2 {
        assert_eq!(integers((1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12)), 12);
        assert_eq!(floats((1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0)), 9.0);
        assert_eq!(references(("a", 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12)), 1);
    }
}
