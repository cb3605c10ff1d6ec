//! The keys of the calls: their types with those of the values, and their sequences.

use std::hash::Hash;
use std::sync::Arc;

use hashbrown::Equivalent;

use crate::counters::body;

/// A key: the caller's borrowed form, and the form that a cache stores.
pub(crate) trait Key:
    Copy + Hash + Equivalent<Self::Owned> + PartialEq<Self::Owned> + Send + Sync + 'static
{
    type Owned: Hash + Eq + Clone + Send + Sync + 'static;
    /// What the memoized function returns.
    type Value: Clone + Send + Sync + 'static;

    fn from_rank(rank: usize) -> Self;
    fn to_owned_key(self) -> Self::Owned;
    /// The memoized function.
    fn value(self) -> Self::Value;
    /// Returns a number that depends on a value.
    fn number_of(value: &Self::Value) -> u64;
}

impl Key for u64 {
    type Owned = Self;
    type Value = Self;

    fn from_rank(rank: usize) -> Self {
        // Not consecutive numbers, which would favour an identity hash.
        Random(rank as u64).next()
    }

    fn to_owned_key(self) -> Self {
        self
    }

    fn value(self) -> u64 {
        body(self)
    }

    fn number_of(value: &u64) -> u64 {
        *value
    }
}

/// Two arguments: a text of 16 bytes and a number.
#[derive(Clone, Copy, Hash)]
pub(crate) struct Text(pub(crate) &'static str, pub(crate) u32);

impl Equivalent<(Box<str>, u32)> for Text {
    fn equivalent(&self, key: &(Box<str>, u32)) -> bool {
        *self.0 == *key.0 && self.1 == key.1
    }
}

impl PartialEq<(Box<str>, u32)> for Text {
    fn eq(&self, key: &(Box<str>, u32)) -> bool {
        self.equivalent(key)
    }
}

impl Key for Text {
    type Owned = (Box<str>, u32);
    type Value = u64;

    fn from_rank(rank: usize) -> Self {
        Self(text(rank), rank as u32)
    }

    fn to_owned_key(self) -> Self::Owned {
        (self.0.into(), self.1)
    }

    fn value(self) -> u64 {
        body(u64::from(self.1))
    }

    fn number_of(value: &u64) -> u64 {
        *value
    }
}

/// One argument: a text of 16 bytes, whose value is a shared copy.
#[derive(Clone, Copy, Hash)]
pub(crate) struct Line(pub(crate) &'static str);

impl Equivalent<Box<str>> for Line {
    fn equivalent(&self, key: &Box<str>) -> bool {
        *self.0 == **key
    }
}

impl PartialEq<Box<str>> for Line {
    fn eq(&self, key: &Box<str>) -> bool {
        self.equivalent(key)
    }
}

impl Key for Line {
    type Owned = Box<str>;
    type Value = Arc<str>;

    fn from_rank(rank: usize) -> Self {
        Self(text(rank))
    }

    fn to_owned_key(self) -> Self::Owned {
        self.0.into()
    }

    fn value(self) -> Arc<str> {
        body(0);
        self.0.into()
    }

    fn number_of(value: &Arc<str>) -> u64 {
        value.len() as u64
    }
}

/// Returns a text of 16 bytes. It is leaked: the arguments of a benchmark may live as long as the program.
fn text(rank: usize) -> &'static str {
    Box::leak(format!("{:016x}", Random(rank as u64).next()).into_boxed_str())
}

/// The order of keys.
#[derive(Clone, Copy)]
pub(crate) enum Pattern {
    /// So many keys, all equally likely.
    Uniform(usize),
    /// One key.
    OneKey,
    /// So many keys in a circle: a much smaller LRU misses always.
    Circle(usize),
    /// So many keys by Zipf: the second is half as likely as the first, the third a third as likely, and so on.
    Zipf(usize),
}

/// The length of a random sequence before it repeats: many more keys than the processor's caches hold.
const LENGTH: usize = 1 << 12;
const LENGTH_OF_ZIPF: usize = 1 << 18;
const LENGTH_OF_MANY: usize = 1 << 21;
const MANY: usize = 100_000;

/// The keys of the calls, the same in every run.
pub(crate) struct Sequence<K> {
    /// Every key once, for the beginning, the likely ones last.
    pub(crate) warm: Vec<K>,
    /// The sequence that is timed repeatedly.
    pub(crate) calls: Vec<K>,
}

impl Pattern {
    pub(crate) fn sequence<K: Key>(self) -> Sequence<K> {
        let mut random = Random(1);
        let keys = |distinct| (0..distinct).map(K::from_rank).collect::<Vec<K>>();
        let length = |few| move |distinct| if distinct < MANY { few } else { LENGTH_OF_MANY };
        let (mut warm, calls): (Vec<K>, Vec<K>) = match self {
            Self::Uniform(distinct) => {
                let keys = keys(distinct);
                let calls = (0..length(LENGTH)(distinct)).map(|_| keys[random.below(distinct)]).collect();
                (keys, calls)
            }
            Self::OneKey => (keys(1), vec![K::from_rank(0); LENGTH]),
            Self::Circle(distinct) => {
                let mut keys = keys(distinct);
                keys.reverse();
                (keys.clone(), keys.into_iter().rev().collect())
            }
            Self::Zipf(distinct) => {
                let keys = keys(distinct);
                let ranks = zipf(distinct, length(LENGTH_OF_ZIPF)(distinct), &mut random);
                let calls = ranks.map(|rank| keys[rank]).collect();
                (keys, calls)
            }
        };
        warm.reverse();
        Sequence { warm, calls }
    }
}

fn zipf(distinct: usize, length: usize, random: &mut Random) -> impl Iterator<Item = usize> {
    let mut sum = 0.0;
    let cumulative: Vec<f64> = (1..=distinct)
        .map(|rank| {
            sum += 1.0 / rank as f64;
            sum
        })
        .collect();
    (0..length).map(move |_| {
        let wanted = random.fraction() * sum;
        cumulative.partition_point(|&up_to| up_to <= wanted)
    })
}

/// SplitMix64: small, and good enough to choose keys.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(crate) fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    fn fraction(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{HashMap, HashSet};

    use super::*;

    #[test]
    fn uniform_keys_are_as_many_as_asked_for() {
        let keys: HashSet<u64> = Pattern::Uniform(128).sequence().calls.into_iter().collect();
        assert_eq!(keys.len(), 128);
    }

    #[test]
    fn a_circle_has_no_key_twice_and_begins_where_warming_up_began() {
        let Sequence { warm, calls } = Pattern::Circle(5000).sequence::<u64>();
        assert_eq!(calls.iter().collect::<HashSet<_>>().len(), 5000);
        assert_eq!(warm, calls);
    }

    #[test]
    fn warming_up_meets_every_key() {
        let Sequence { warm, calls } = Pattern::Zipf(1000).sequence::<u64>();
        let warm: HashSet<u64> = warm.into_iter().collect();
        assert_eq!(warm.len(), 1000);
        assert!(calls.iter().all(|key| warm.contains(key)));
    }

    #[test]
    fn the_first_key_of_zipf_comes_twice_as_often_as_the_second() {
        let mut counts: HashMap<u64, f64> = HashMap::new();
        for key in Pattern::Zipf(1000).sequence().calls {
            *counts.entry(key).or_default() += 1.0;
        }
        let ratio = counts[&u64::from_rank(0)] / counts[&u64::from_rank(1)];
        assert!((1.9..2.1).contains(&ratio), "{ratio}");
    }
}
