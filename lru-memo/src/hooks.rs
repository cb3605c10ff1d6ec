//! Small things that generated code calls.

use alloc::boxed::Box;
use alloc::rc::Rc;
use alloc::string::ToString;
use core::cell::OnceCell;
use core::fmt::Display;
use core::hash::BuildHasher;
use std::thread::LocalKey;

use crate::cache::Cache;
use crate::kind::Kind;
use crate::registry::{self, Site};
use crate::threading::OneThread;

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

/// The cache of one thread.
type ThreadCache<P, K, V, S> = Rc<Cache<OneThread, P, K, V, S>>;

/// The calling thread's cache; it is made and registered when it is not there.
///
/// While the thread ends, its thread-locals are gone before the last of the user's destructors has run; a call
/// from there gets an empty cache of its own and so runs the function.
#[inline]
pub fn of_thread<P: Kind, K, V, S: BuildHasher + Default>(
    cache: &'static LocalKey<OnceCell<ThreadCache<P, K, V, S>>>,
    site: impl FnOnce() -> Site,
) -> ThreadCache<P, K, V, S> {
    match cache.try_with(|cache| cache.get().cloned()) {
        Ok(Some(cache)) => cache,
        _ => make_of_thread(cache, site()),
    }
}

#[cold]
fn make_of_thread<P: Kind, K, V, S: BuildHasher + Default>(
    cache: &'static LocalKey<OnceCell<ThreadCache<P, K, V, S>>>,
    site: Site,
) -> ThreadCache<P, K, V, S> {
    // The hasher's `default()` is the user's code and may have made the cache already: then this one is dropped.
    let made = Rc::new(Cache::new(site.parameters));
    let kept = cache.try_with(|cache| {
        let is_first = cache.set(Rc::clone(&made)).is_ok();
        (cache.get().cloned(), is_first)
    });
    match kept {
        Ok((Some(kept), is_first)) => {
            if is_first {
                registry::register(site);
            }
            kept
        }
        _ => made,
    }
}
