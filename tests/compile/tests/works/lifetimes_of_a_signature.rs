//! The lifetimes in the signature of a function pointer are its own.

use std::collections::HashMap;

use lru_memo::lru_cache;

type Length = for<'b> fn(&'b str) -> usize;

fn length(text: &str) -> usize {
    text.len()
}

fn first(text: &str, _: &str) -> usize {
    text.len()
}

#[expect(clippy::type_complexity, reason = "it is what is tested")]
mod pointers {
    use super::*;

    #[lru_cache]
    pub(crate) fn alone(measure: for<'b> fn(&'b str) -> usize) -> usize {
        measure("abc")
    }

    #[lru_cache(scope = thread)]
    pub(crate) fn inside(pair: Option<(&str, for<'b> fn(&'b str) -> usize)>) -> Option<usize> {
        pair.map(|(text, measure)| measure(text))
    }

    #[lru_cache(skip(measure))]
    pub(crate) fn skipped<'a>(text: &'a str, measure: &dyn for<'b> Fn(&'b str, &'a str) -> usize) -> usize {
        measure("ab", text)
    }

    #[lru_cache]
    pub(crate) fn elided(pair: Option<(&str, fn(&str) -> usize)>) -> Option<usize> {
        pair.map(|(text, measure)| measure(text))
    }
}

#[lru_cache]
fn returned(upper: bool) -> for<'b> fn(&'b str) -> usize {
    if upper { |text| text.len() + 1 } else { length }
}

struct Measures(HashMap<u32, Length>);

#[lru_cache]
impl Measures {
    #[lru_cache(skip(self))]
    fn measured(&self, at: u32, other: for<'b> fn(&'b str) -> usize) -> usize {
        self.0.get(&at).unwrap_or(&other)("abcd")
    }
}

#[test]
fn a_key_keeps_a_function_pointer_that_is_good_for_every_lifetime() {
    assert_eq!((pointers::alone(length), pointers::alone(length)), (3, 3));
    assert_eq!(pointers::alone_cache_info().hits, 1);
    assert_eq!(pointers::inside(Some(("ab", length))), Some(2));
    assert_eq!(pointers::inside_cache_peek(Some(("ab", length))), Some(Some(2)));
    assert_eq!(pointers::elided(Some(("ab", length))), Some(2));
    assert!(pointers::elided_cache_invalidate(Some(("ab", length))));
    assert_eq!(pointers::skipped("x", &first), 2);
    assert_eq!(returned(true)("a"), 2);
    assert_eq!(Measures(HashMap::new()).measured(1, length), 4);
}
