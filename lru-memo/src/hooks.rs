//! Small things that generated code calls.

use alloc::boxed::Box;
use alloc::string::ToString;
use core::fmt::Display;

/// Runs what is rarely run in a function of its own.
#[cold]
#[inline(never)]
pub fn cold<R>(rarely: impl FnOnce() -> R) -> R {
    rarely()
}

/// Calls a `cache_if`; here its closure learns the type of its argument.
#[inline]
pub fn admits<V>(cache_if: impl FnOnce(&V) -> bool, value: &V) -> bool {
    cache_if(value)
}

/// The `cache_if` of a function that has none.
#[inline]
pub fn admit_all<V>(_: &V) -> bool {
    true
}

/// The `weigh` of a function that has none.
#[inline]
pub fn weigh_nothing<K, V>(_: &K, _: &V) -> usize {
    0
}

/// Calls a `weigh`; here its closure learns the types of its arguments.
#[inline]
pub fn weigh<K, V>(weigh: impl FnOnce(K, &V) -> usize, key: K, value: &V) -> usize {
    weigh(key, value)
}

/// The name of one instantiation: `module::function::<u32, 3>`, `module::Type<u32>::method`.
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
    // Once for each instantiation that is used.
    Box::leak(name.into_boxed_str())
}
