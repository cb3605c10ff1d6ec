//! Measures how deep in the LRU stack keys are found (their stack distances), and from that the hit ratio of every size.
//!
//! Several [levels](Level) sample keys by their hash: all keys, a quarter of them, a sixteenth, and so on (SHARDS,
//! Waldspurger et al., FAST 2015). Each level knows the most recent of its keys. So the first one is exact for small sizes,
//! and each further one reaches four times as far. A level that sees many keys takes turns with the others: it counts
//! for a while, forgets its keys, and pauses. What it had not yet seen again when it paused is censored, in the sense of
//! Kaplan and Meier (1958). When all have paused once, they begin anew, and what they have counted fades.

#[cfg(feature = "_stores")]
mod saved;

use alloc::vec::Vec;

use super::curve::{Curve, Point};
use super::record::{Record, Use};
use super::stack::Stack;

/// The number of levels.
pub(super) const LEVELS: u32 = 7;
/// Each level samples the `1 << SHIFT`th part of what the one before it samples.
const SHIFT: u32 = 2;
/// The sizes up to which the first level, and so the curve, is exact.
const EXACT: usize = 4096;
/// The depth of the other levels.
const DEPTH: usize = 2048;
/// How many records a level takes part in before it pauses: at first, and later.
const FIRST_TURN: u32 = 1 << 18;
const TURN: u32 = 1 << 15;
/// How many lookups are left of all when they fade.
const FADED: f64 = (1 << 17) as f64;
/// How many lookups are too many.
#[cfg(feature = "_stores")]
const MANY: f64 = 4.0 * FADED;
/// Levels from this one on never pause.
const STEADY: u32 = 4;

/// Returns the largest hash that is sampled when the first level that does not pause is this one.
pub(super) fn threshold(turn: u32) -> u32 {
    u32::MAX >> (SHIFT * turn)
}

/// What is known of the lookups of a cache.
pub(super) struct Model {
    levels: Vec<Level>,
    /// The first level that does not pause, and how many records come before it pauses.
    turn: u32,
    left: u32,
    /// The bound of the cache; the largest number, if it has none.
    maxsize: usize,
    /// The depth up to which a key of the stack is in the cache, unless it has left otherwise than by eviction. It lags
    /// behind a bound that grows.
    present: usize,
}

impl Model {
    pub(super) fn new(maxsize: usize) -> Self {
        let levels = (0..LEVELS).map(Level::new).collect();
        Self { levels, turn: 0, left: FIRST_TURN, maxsize, present: maxsize }
    }

    /// Notes a use of a key.
    pub(super) fn note(&mut self, record: Record) {
        self.count(record);
        self.left -= 1;
        if self.left == 0 {
            self.end_turn();
        }
    }

    /// Counts a use of a key, and ends no turn.
    pub(super) fn count(&mut self, record: Record) {
        let (key, used) = record.parts();
        #[cfg(feature = "_stores")]
        if used == Use::Cleared {
            return self.clear();
        }
        let last = (key.leading_zeros() / SHIFT).min(LEVELS - 1);
        for level in self.turn.min(last + 1)..=last {
            let level = &mut self.levels[level as usize];
            level.note(key, used, self.present);
            if level.number < last && matches!(used, Use::Hit | Use::Missed) {
                level.lookups_of_next += 1.0;
            }
        }
        if used == Use::Stored && self.present < self.maxsize {
            // Nothing is evicted until there are as many.
            self.present = self.maxsize.min(self.present.saturating_add(1 << (SHIFT * self.turn)));
        }
    }

    /// Has levels before this one pause: their keys are no longer all sampled.
    #[cfg(feature = "_stores")]
    pub(super) fn narrow(&mut self, turn: u32) {
        for level in self.turn..turn.min(LEVELS - 1) {
            self.levels[level as usize].pause();
            self.turn = level + 1;
        }
    }

    /// Has what levels have counted fade that have seen many lookups. For a model whose turns do not end by themselves.
    #[cfg(feature = "_stores")]
    pub(super) fn fade_if_many(&mut self) {
        self.levels.iter_mut().filter(|level| level.lookups > MANY).for_each(Level::fade);
    }

    fn end_turn(&mut self) {
        self.left = TURN;
        if self.turn == STEADY {
            self.turn = 0;
            return self.levels.iter_mut().for_each(Level::fade);
        }
        self.levels[self.turn as usize].pause();
        self.turn += 1;
    }

    /// Returns the largest hash that is sampled now.
    pub(super) fn threshold(&self) -> u32 {
        threshold(self.turn)
    }

    /// Notes that all entries have left.
    pub(super) fn clear(&mut self) {
        self.levels.iter_mut().for_each(|level| level.stack.clear());
        self.present = self.maxsize;
    }

    pub(super) fn resize(&mut self, maxsize: usize) {
        self.maxsize = maxsize;
        self.present = self.present.min(maxsize);
    }

    /// Returns the hit ratios of all sizes.
    pub(super) fn curve(&self) -> Curve {
        let mut curve = Curve::default();
        for (number, level) in self.levels.iter().enumerate() {
            // The next level goes on while this one pauses, and sees a part of the same keys.
            let pairs = self.levels[number..].iter().zip(&self.levels[number + 1..]);
            let all_to_seen = |(level, next): (&Level, &Level)| {
                if level.lookups_of_next == 0.0 { 1.0 } else { next.lookups / level.lookups_of_next }
            };
            level.add_to(&mut curve, pairs.map(all_to_seen).product());
        }
        curve
    }
}

/// The keys whose hashes begin with so many zeros.
struct Level {
    number: u32,
    stack: Stack,
    lookups: f64,
    /// Those that the next level has seen as well.
    lookups_of_next: f64,
    /// By the position at which keys were found.
    found: Vec<Counts>,
    /// How many keys were in the stack when the level paused for the first time, until that has faded.
    first_pause: Option<usize>,
}

#[derive(Clone, Copy, Default)]
struct Counts {
    /// Lookups that found their key there.
    found: f32,
    /// Keys that were there when the level paused.
    censored: f32,
}

impl Level {
    fn new(number: u32) -> Self {
        let deepest = if number == 0 { EXACT } else { DEPTH };
        Self {
            number,
            stack: Stack::new(deepest),
            lookups: 0.0,
            lookups_of_next: 0.0,
            found: Vec::new(),
            first_pause: None,
        }
    }

    fn note(&mut self, key: u32, used: Use, present: usize) {
        let position = self.stack.position(key);
        match (used, position) {
            (Use::Hit, _) => {
                self.lookups += 1.0;
                self.count(position, |counts| &mut counts.found);
                self.stack.touch(key, position);
            }
            // It has left the cache, and so caches of all sizes: it was too old, say.
            (Use::Missed, Some(position)) if self.is_within(position, present) => self.lookups += 1.0,
            (Use::Missed, _) => {
                self.lookups += 1.0;
                self.count(position, |counts| &mut counts.found);
            }
            // Not the lookup before it: a function that calls itself stores in another order than it looks up.
            (Use::Stored, _) => self.stack.touch(key, position),
            // A run of `_refresh` that failed leaves the entry as it was.
            (Use::Unstored, Some(position)) if self.is_within(position, present) => {}
            (Use::Left | Use::Unstored, Some(position)) => self.stack.remove(position),
            (Use::Left | Use::Unstored, None) => {}
            #[cfg(feature = "_stores")]
            (Use::Cleared, _) => {}
        }
    }

    /// Whether a key at this position is one of the `present` most recent keys. In a sample it must be so with more than
    /// four standard deviations.
    fn is_within(&self, position: usize, present: usize) -> bool {
        let rate = 1.0 / self.keys_for_one() as f64;
        let present = present as f64 * rate;
        ((position + 1) as f64) <= present - 4.0 * (present * (1.0 - rate)).sqrt()
    }

    fn count(&mut self, position: Option<usize>, which: impl Fn(&mut Counts) -> &mut f32) {
        let Some(position) = position else { return };
        if self.found.len() <= position {
            let wanted = (position + 1).next_power_of_two();
            self.found.reserve_exact(wanted - self.found.len());
            self.found.resize(position + 1, Counts::default());
        }
        *which(&mut self.found[position]) += 1.0;
    }

    /// Has what was counted count for no more than a few turns.
    fn fade(&mut self) {
        let part = (FADED / self.lookups).min(1.0);
        self.lookups *= part;
        for Counts { found, censored } in &mut self.found {
            *found *= part as f32;
            *censored *= part as f32;
        }
        self.first_pause = Some(0);
    }

    fn pause(&mut self) {
        let keys = self.stack.take();
        self.first_pause.get_or_insert(keys);
        (0..keys).for_each(|position| self.count(Some(position), |counts| &mut counts.censored));
    }

    /// How many keys there are for each sampled one.
    fn keys_for_one(&self) -> usize {
        1 << (SHIFT * self.number)
    }

    /// Returns the size of a cache in which a key at this position is just found. In a sample, the others are halfway to
    /// the next sampled one.
    fn size(&self, position: usize) -> usize {
        let keys_for_one = self.keys_for_one();
        position * keys_for_one + keys_for_one / 2 + 1
    }

    /// Continues a curve beyond the sizes that it covers, up to the depth of this level, given how many times as many lookups
    /// there were as it has seen.
    ///
    /// Lookups that were censored count as they would have gone on: as the others do. So what comes of it holds for a cache
    /// that was in use before. The calls at the beginning that found nothing there are taken off: by symmetry they are
    /// those that would have found the keys of the stack when the level first paused.
    fn add_to(&self, curve: &mut Curve, all_to_seen: f64) {
        let lookups = self.lookups;
        // Those that are found beyond a position, or never; and of how many.
        let (mut beyond, mut all) = (lookups, lookups);
        // For each key at the first pause, the share of lookups beyond its position, inverted.
        let (mut paused, mut inverted) = (0.0, 0.0);
        let missed = 1.0 - curve.unbounded();
        let mut at_beginning = None;
        for (position, counts) in self.found.iter().enumerate() {
            beyond -= f64::from(counts.found);
            let found = (all - beyond) / all;
            let lost = (paused - (1.0 - found) * inverted) / (lookups * all_to_seen);
            let size = self.size(position);
            if size <= curve.covered {
                at_beginning = Some(found - lost);
            } else if counts.found > 0.0 {
                let ratio = match at_beginning {
                    None => found - lost,
                    Some(before) => 1.0 - missed * (1.0 - found + lost) / (1.0 - before),
                };
                curve.points.push(Point { size, ratio: ratio.max(curve.unbounded()) });
            }
            if beyond <= 0.0 {
                break;
            }
            if self.first_pause.is_some_and(|keys| position < keys) {
                paused += 1.0;
                inverted += all / beyond;
            }
            let rest = (beyond - f64::from(counts.censored)).max(0.0);
            all *= rest / beyond;
            beyond = rest;
        }
        curve.covered = self.size(self.stack.deepest() - 1);
    }
}
