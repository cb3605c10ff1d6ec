//! The lower limits of any cache: maps without sharing, order or bound.

use std::any::Any;
use std::cell::RefCell;

use foldhash::fast::RandomState;
use hashbrown::HashMap;

use super::{Contender, Kind, L0, sum_of_calls};
use crate::keys::Key;

type Map<K> = HashMap<<K as Key>::Owned, <K as Key>::Value, RandomState>;

thread_local! {
    /// The map of [`local_map`]. Its type is erased, because a static cannot be generic.
    static LOCAL: RefCell<Box<dyn Any>> = RefCell::new(Box::new(()));
    static NUMBERS: RefCell<Map<u64>> = RefCell::default();
}

/// L0: a lookup in a local map.
pub(super) fn local_map<K: Key>(_: usize) -> Contender<K> {
    let pass = |keys: &[K]| {
        LOCAL.with_borrow_mut(|local| {
            if !local.is::<Map<K>>() {
                *local = Box::new(Map::<K>::default());
            }
            let map = local.downcast_mut::<Map<K>>().expect("it was just made one");
            sum_of_calls(keys, |key| look_up(map, key))
        })
    };
    Contender { name: L0, kind: Kind::Floor, pass: Box::new(pass) }
}

/// A lookup in the same map, which each call gets from a thread-local.
pub(super) fn thread_local_map(_: usize) -> Contender<u64> {
    Contender::new("thread_local and RefCell map", Kind::Floor, |key| {
        NUMBERS.with_borrow_mut(|map| look_up(map, key))
    })
}

/// No call at all: the cost of measuring.
pub(super) fn nothing(_: usize) -> Contender<u64> {
    Contender::new("nothing", Kind::Floor, |key| key)
}

#[inline(always)]
fn look_up<K: Key>(map: &mut Map<K>, key: K) -> u64 {
    match map.get(&key) {
        Some(value) => K::number_of(&value.clone()),
        None => insert(map, key),
    }
}

#[cold]
fn insert<K: Key>(map: &mut Map<K>, key: K) -> u64 {
    let value = key.value();
    let number = K::number_of(&value);
    map.insert(key.to_owned_key(), value);
    number
}
