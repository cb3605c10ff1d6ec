//! Small functions that generated code calls.

use alloc::boxed::Box;
use alloc::string::ToString;
use core::fmt::Display;
use core::time::Duration;

use once_cell::race::OnceBox;

/// Runs rarely used code in a function of its own, so that the hot path stays small.
#[cold]
#[inline(never)]
pub(crate) fn cold<R>(rarely: impl FnOnce() -> R) -> R {
    rarely()
}

/// Calls a `cache_if`. This signature gives the closure the type of its argument.
#[inline]
pub fn admits<V>(cache_if: impl FnOnce(&V) -> bool, value: &V) -> bool {
    cache_if(value)
}

/// Like [`admits`], for a `cache_if` that takes the key as well.
#[inline]
pub fn admits_with_key<K, V>(cache_if: impl FnOnce(K, &V) -> bool, key: K, value: &V) -> bool {
    cache_if(key, value)
}

/// The `cache_if` of a function without the option.
#[inline]
pub fn admit_all<K, V>(_: &K, _: &V) -> bool {
    true
}

/// Calls a `ttl_of`. This signature gives the closure the type of its argument.
#[inline]
pub fn own_ttl<V>(ttl_of: impl FnOnce(&V) -> Duration, value: &V) -> Option<Duration> {
    Some(ttl_of(value))
}

/// The `ttl_of` of a function without the option.
#[inline]
pub fn no_own_ttl<V>(_: &V) -> Option<Duration> {
    None
}

/// The `weigh` of a function without the option.
#[inline]
pub fn weigh_nothing<K, V>(_: &K, _: &V) -> usize {
    0
}

/// Calls a `weigh`. This signature gives the closure the types of its arguments.
#[inline]
pub fn weigh<K, V>(weigh: impl FnOnce(K, &V) -> usize, key: K, value: &V) -> usize {
    weigh(key, value)
}

/// Returns the name of an instantiation: `module::function::<u32, 3>`, `module::Type<u32>::method`.
#[must_use]
pub fn name_of_instantiation(of: &str, function: &str, parameters: &[&dyn Display]) -> &'static str {
    let mut name = format!("{of}::{function}");
    for (index, parameter) in parameters.iter().enumerate() {
        name += if index == 0 { "::<" } else { ", " };
        name += &parameter.to_string();
    }
    if !parameters.is_empty() {
        name.push('>');
    }
    interned(&name)
}

/// Returns a static copy of a text. Equal texts share one copy.
fn interned(text: &str) -> &'static str {
    /// A list without a lock that only grows. If two threads add a text at the same time, one copy is dropped.
    struct Interned {
        text: Box<str>,
        next: OnceBox<Interned>,
    }
    static FIRST: OnceBox<Interned> = OnceBox::new();
    let mut place = &FIRST;
    loop {
        let interned = place.get_or_init(|| Box::new(Interned { text: text.into(), next: OnceBox::new() }));
        if *interned.text == *text {
            return &interned.text;
        }
        place = &interned.next;
    }
}
