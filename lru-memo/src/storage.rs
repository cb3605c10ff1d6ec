//! How entries are kept, and so how they are searched without foreign code inside the lock.
//!
//! `Eq` and `Clone` of keys and values are the user's: they panic, block and call the function again. In general,
//! therefore, an entry is a counted pointer: it is taken inside the lock and looked at outside of it. A search
//! compares outside, comes back, and is done when the entry it found is still there and nothing has appeared
//! under the same hash that it has not compared. Where the types are known to be [`plain`](crate::plain),
//! entries lie in the slab itself and are compared and copied inside, in one go.

use alloc::vec::Vec;

use crate::lru::Lru;
use crate::ring::Place;
use crate::threading::Threading;

/// A key with its value.
#[derive(Debug)]
pub struct Entry<K, V> {
    pub(crate) key: K,
    pub(crate) value: V,
}

/// What is behind the lock: entries held as `E`, and what else the cache keeps account of.
pub struct State<E, L> {
    pub(crate) lru: Lru<E>,
    pub(crate) ledger: L,
}

/// A way to keep entries.
pub trait Storage<T: Threading, K, V> {
    /// An entry as it is kept.
    type Held;
    /// What a hit takes out of the lock.
    type Taken;

    /// Keeps an entry.
    fn hold(entry: Entry<K, V>) -> Self::Held;
    /// Takes the value of an entry, inside the lock.
    fn take(held: &Self::Held, clone: impl Fn(&V) -> V) -> Self::Taken;
    /// The value that was taken, outside the lock.
    fn value(taken: Self::Taken, clone: impl Fn(&V) -> V) -> V;
    /// Runs `inside` in the lock with the place of the entry that has this hash and that `matches` the subject,
    /// if there is one at that moment.
    fn search<L, Q, R>(
        lock: &T::Lock<State<Self::Held, L>>,
        hash: u64,
        subject: Q,
        matches: impl Fn(&Q, &K) -> bool,
        inside: impl FnOnce(&mut State<Self::Held, L>, Option<Place>, Q) -> R,
    ) -> R;
}

/// The storage of plain types if `PLAIN`, else of any.
#[derive(Debug)]
pub enum Kept<const PLAIN: bool> {}

impl<T: Threading, K, V> Storage<T, K, V> for Kept<true> {
    type Held = Entry<K, V>;
    type Taken = V;

    #[inline]
    fn hold(entry: Entry<K, V>) -> Self::Held {
        entry
    }

    #[inline]
    fn take(held: &Self::Held, clone: impl Fn(&V) -> V) -> V {
        clone(&held.value)
    }

    #[inline]
    fn value(taken: V, _: impl Fn(&V) -> V) -> V {
        taken
    }

    #[inline]
    fn search<L, Q, R>(
        lock: &T::Lock<State<Self::Held, L>>,
        hash: u64,
        subject: Q,
        matches: impl Fn(&Q, &K) -> bool,
        inside: impl FnOnce(&mut State<Self::Held, L>, Option<Place>, Q) -> R,
    ) -> R {
        T::with(lock, |state| {
            let place = state.lru.find(hash, |_, entry| matches(&subject, &entry.key));
            inside(state, place, subject)
        })
    }
}

impl<T: Threading, K, V> Storage<T, K, V> for Kept<false> {
    type Held = T::Pointer<Entry<K, V>>;
    type Taken = T::Pointer<Entry<K, V>>;

    fn hold(entry: Entry<K, V>) -> Self::Held {
        T::pointer(entry)
    }

    #[inline]
    fn take(held: &Self::Held, _: impl Fn(&V) -> V) -> Self::Taken {
        T::Pointer::clone(held)
    }

    #[inline]
    fn value(taken: Self::Taken, clone: impl Fn(&V) -> V) -> V {
        clone(&taken.value)
    }

    fn search<L, Q, R>(
        lock: &T::Lock<State<Self::Held, L>>,
        hash: u64,
        subject: Q,
        matches: impl Fn(&Q, &K) -> bool,
        inside: impl FnOnce(&mut State<Self::Held, L>, Option<Place>, Q) -> R,
    ) -> R {
        let mut compared = Compared::<Self::Held> { equal: None, different: Vec::new() };
        let mut arguments = Some((inside, subject));
        loop {
            let round = T::with(lock, |state| {
                match compared.find(&state.lru, hash, |held| core::ptr::from_ref(&**held)) {
                    Ok(place) => Ok(arguments.take().map(|(inside, subject)| inside(state, place, subject))),
                    Err(unknown) => Err(unknown),
                }
            });
            match (round, &arguments) {
                (Err(unknown), Some((_, subject))) => {
                    if matches(subject, &unknown.key) {
                        compared.equal = Some(unknown);
                    } else {
                        compared.different.push(unknown);
                    }
                }
                (Ok(done), _) => return done.expect("the arguments are taken once"),
                (Err(_), None) => unreachable!("the arguments are taken in the last round"),
            }
        }
    }
}

/// The entries with one hash that a search has compared. They are held, so that no new entry can have the
/// address of one of them.
struct Compared<P> {
    equal: Option<P>,
    different: Vec<P>,
}

impl<P: Clone> Compared<P> {
    /// The place of the entry that is equal, or an entry that is to be compared first.
    fn find<A: PartialEq>(
        &self,
        lru: &Lru<P>,
        hash: u64,
        address: impl Fn(&P) -> A,
    ) -> Result<Option<Place>, P> {
        let mut unknown = None;
        let place = lru.find(hash, |its_hash, held| {
            let is = |other: &P| address(other) == address(held);
            if its_hash != hash || self.different.iter().any(is) {
                return false;
            }
            if !self.equal.as_ref().is_some_and(is) {
                unknown = Some(held.clone());
            }
            true
        });
        unknown.map_or(Ok(place), Err)
    }
}
