//! Models of hits without a lock: loom runs each in every order of events.
//!
//! `RUSTFLAGS="--cfg loom" cargo test -p lru-memo --lib --release loom`

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::Ordering;

use loom::cell::UnsafeCell;
use loom::sync::atomic::AtomicU32;
use loom::thread;

use super::inside::Inside;
use super::invalidations::{Invalidations, Since};
use super::locked::Locked;
use super::lru::{Left, Limits};
use super::reach::Reach;
use super::reader::{Owner, Reader, Stamps};
use super::readers::Life;
use super::seldom::SeldomShared;
use super::threading::OfObject;
use super::{ExpiryCheck, Mine, Table, partial_hash};
use crate::bounds::bound::Bound;

/// An entry. Loom finds out when it is dropped before all that looked at it.
struct Entry {
    key: u64,
    value: UnsafeCell<u32>,
}

impl Entry {
    fn value(&self) -> u32 {
        // SAFETY: it is written when it is dropped, and not before.
        self.value.with(|value| unsafe { *value })
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        // SAFETY: nobody else has it.
        self.value.with_mut(|value| unsafe { *value = u32::MAX });
    }
}

struct Cache {
    table: Table<OfObject, Entry, Invalidations<()>>,
}

const NEVER: ExpiryCheck<fn(&Entry) -> Option<std::time::Instant>> =
    ExpiryCheck { now: None, deadline_of: |_: &Entry| None };

impl Cache {
    fn new(maxsize: impl Into<Option<usize>>, keys: &[u64]) -> Arc<Self> {
        let limits = Limits { maxsize: maxsize.into(), ..Limits::default() };
        let cache = Self { table: Table::new(limits, Invalidations::new()) };
        // Loom does not see that threads hand this over.
        cache.table.shared.made();
        for &key in keys {
            cache.store(key, 0);
        }
        Arc::new(cache)
    }

    /// Returns a new reader, for one thread.
    fn reader(&self) -> &'static Reader {
        self.reader_of(&Arc::new(Life::new()))
    }

    fn reader_of(&self, life: &Arc<Life>) -> &'static Reader {
        // SAFETY: the reader is there as long as the cache, which its threads have.
        self.table.with(|inside, _| unsafe { &*inside.guarded.readers.of(life, false) })
    }

    /// Returns the calling thread's part in the table.
    fn mine(&self, reader: &'static Reader) -> Mine<'_, OfObject, Entry> {
        // SAFETY: a model hands each reader of its table to one thread.
        unsafe { Mine::new(&self.table, Owner::new(reader)) }
    }

    /// Stores as a call does that has missed.
    fn store(&self, key: u64, value: u32) {
        let mut left = Left::new();
        self.table.with(|mut inside, _| store(&mut inside, key, value, &mut left));
    }

    /// Stores a key that is not there, as the thread of this reader does.
    fn store_new_by(&self, reader: &'static Reader, key: u64) {
        let mut left = Left::new();
        let entry = Entry { key, value: UnsafeCell::new(0) };
        // SAFETY: as in `mine`.
        let owner = unsafe { Owner::new(reader) };
        self.table
            .with(|inside, _| inside.by(owner).store_new(partial_hash(key), entry, 0, &NEVER, &mut left));
    }

    fn clear(&self) {
        let mut left = Left::new();
        self.table.with(|mut inside, _| inside.clear(&mut left));
    }

    fn resize(&self, maxsize: usize) {
        let mut left = Left::new();
        self.table.with(|mut inside, _| inside.resize(maxsize, &NEVER, &mut left));
    }

    fn remove(&self, key: u64) {
        let mut left = Left::new();
        self.table.with(|mut inside, _| remove(&mut inside, key, &mut left));
    }

    /// Hits, and looks at the entry. Returns whether it was there.
    fn hit(&self, reader: &'static Reader, key: u64) -> bool {
        let mine = self.mine(reader);
        let Ok(found) = mine.find(partial_hash(key), |entry| entry.key == key) else { return false };
        found.entry().value();
        assert_eq!(found.entry().key, key, "a place has become another entry's while it could be seen");
        let protected = found.protect().expect("nothing else is protected");
        protected.entry().value();
        assert_eq!(protected.entry().key, key, "a place has become another entry's while it was protected");
        if !protected.stamp() {
            self.table.hit(&protected);
        }
        true
    }

    /// The keys, the most recent first.
    fn keys(&self) -> Vec<u64> {
        self.table.with(|inside, _| {
            inside.validate();
            inside.validate_partial_hashes(|entry| partial_hash(entry.key));
            // SAFETY: these are the places of all entries.
            inside.newest_first().into_iter().map(|place| unsafe { inside.entry(place) }.key).collect()
        })
    }

    fn hits(&self) -> u64 {
        self.table.with(|inside, _| inside.counts().0)
    }
}

fn store(inside: &mut Inside<'_, OfObject, Entry>, key: u64, value: u32, left: &mut Left<Entry>) {
    let entry = Entry { key, value: UnsafeCell::new(value) };
    let there = inside.find(partial_hash(key), |entry| (entry.key == key).then_some(()));
    inside.store(there.map(|(place, ())| place), partial_hash(key), entry, 0, &NEVER, left);
}

fn remove(inside: &mut Inside<'_, OfObject, Entry>, key: u64, left: &mut Left<Entry>) {
    if let Some((place, ())) = inside.find(partial_hash(key), |entry| (entry.key == key).then_some(())) {
        inside.remove(place, left);
    }
}

impl Drop for Cache {
    fn drop(&mut self) {
        drop(self.table.empty());
    }
}

#[test]
fn an_entry_is_not_taken_while_a_reader_sees_it() {
    loom::model(|| {
        let cache = Cache::new(1, &[1]);
        let reader = cache.reader();
        let other = {
            let cache = Arc::clone(&cache);
            thread::spawn(move || {
                cache.store(2, 0);
                // The place of the first one would be used for this one.
                cache.store(3, 0);
            })
        };
        cache.hit(reader, 1);
        other.join().unwrap();
        assert_eq!(cache.keys(), [3]);
    });
}

#[test]
fn an_entry_that_is_replaced_is_not_taken_while_a_reader_sees_it() {
    loom::model(|| {
        let cache = Cache::new(2, &[1]);
        let reader = cache.reader();
        let other = {
            let cache = Arc::clone(&cache);
            thread::spawn(move || cache.store(1, 0))
        };
        assert!(cache.hit(reader, 1));
        other.join().unwrap();
        assert_eq!(cache.keys(), [1]);
    });
}

#[test]
fn an_entry_that_gets_the_place_of_another_one_is_seen_whole_by_a_thread_that_comes() {
    let mut builder = loom::model::Builder::new();
    // Else there are too many orders.
    builder.preemption_bound = Some(3);
    builder.check(|| {
        let cache = Cache::new(2, &[]);
        let reader = cache.reader();
        (1..=3).for_each(|key| cache.store_new_by(reader, key));
        let other = {
            let cache = Arc::clone(&cache);
            thread::spawn(move || {
                let reader = cache.reader();
                assert!(cache.hit(reader, 3));
                assert!(!cache.hit(reader, 1));
                cache.hit(reader, 2);
            })
        };
        cache.store_new_by(reader, 4);
        other.join().unwrap();
        assert_eq!(cache.keys().len(), 2);
        assert!(cache.keys().contains(&4));
    });
}

#[test]
fn a_hit_of_an_entry_that_leaves_does_not_move_the_one_that_gets_its_place() {
    loom::model(|| {
        let cache = Cache::new(2, &[1, 2]);
        let reader = cache.reader();
        let other = {
            let cache = Arc::clone(&cache);
            thread::spawn(move || {
                cache.remove(1);
                cache.store(3, 0);
                cache.store(4, 0);
            })
        };
        cache.hit(reader, 1);
        other.join().unwrap();
        // 2 was the least recent; nobody has hit 3 or 4.
        assert_eq!(cache.keys(), [4, 3]);
    });
}

#[test]
fn a_hit_is_before_what_happens_after_it() {
    loom::model(|| {
        for swapped in [false, true] {
            let cache = Cache::new(2, &[1, 2]);
            let mut readers = [cache.reader(), cache.reader()];
            if swapped {
                readers.reverse();
            }
            let done = Arc::new(AtomicU32::new(0));
            let first = {
                let (cache, done) = (Arc::clone(&cache), Arc::clone(&done));
                thread::spawn(move || {
                    assert!(cache.hit(readers[0], 2));
                    assert!(cache.hit(readers[0], 1));
                    done.store(1, Ordering::Release);
                })
            };
            let has_followed = done.load(Ordering::Acquire) == 1;
            if has_followed {
                assert!(cache.hit(readers[1], 2));
            }
            first.join().unwrap();
            assert_eq!(cache.keys(), if has_followed { [2, 1] } else { [1, 2] });
            assert_eq!(cache.hits(), if has_followed { 3 } else { 2 });
        }
    });
}

#[test]
fn a_hit_keeps_an_entry_from_an_eviction_that_happens_after_it() {
    loom::model(|| {
        let cache = Cache::new(2, &[1, 2]);
        let reader = cache.reader();
        let done = Arc::new(AtomicU32::new(0));
        let other = {
            let (cache, done) = (Arc::clone(&cache), Arc::clone(&done));
            thread::spawn(move || {
                // The first one takes over, the second one stamps alone.
                assert!(cache.hit(reader, 2));
                assert!(cache.hit(reader, 1));
                done.store(1, Ordering::Release);
            })
        };
        let has_followed = done.load(Ordering::Acquire) == 1;
        if has_followed {
            cache.store(3, 0);
        }
        other.join().unwrap();
        assert_eq!(cache.keys(), if has_followed { [3, 1] } else { [1, 2] });
    });
}

#[test]
fn a_stamp_that_is_stored_late_hides_no_newer_one() {
    let mut builder = loom::model::Builder::new();
    // Else there are too many orders.
    builder.preemption_bound = Some(2);
    builder.check(|| {
        let cache = Cache::new(2, &[1, 2]);
        let (mine, others) = (cache.reader(), cache.reader());
        assert!(cache.hit(mine, 1));
        let other = {
            let cache = Arc::clone(&cache);
            thread::spawn(move || {
                // It takes over.
                assert!(cache.hit(others, 2));
                assert!(cache.hit(others, 1));
            })
        };
        assert!(cache.hit(mine, 1));
        other.join().unwrap();
        assert_eq!(cache.keys(), [1, 2]);
    });
}

#[test]
fn a_crowd_that_has_ended_leaves_no_stamp_that_is_later_than_those_after_it() {
    let mut builder = loom::model::Builder::new();
    // Else there are too many orders.
    builder.preemption_bound = Some(2);
    builder.max_branches = 10_000;
    builder.check(|| {
        let cache = Cache::new(2, &[1, 2]);
        let (mine, others) = (cache.reader(), cache.reader());
        while !cache.table.recency.is_crowded() {
            assert!(cache.hit(mine, 1));
            assert!(cache.hit(others, 1));
        }
        let other = {
            let cache = Arc::clone(&cache);
            thread::spawn(move || assert!(cache.hit(others, 1)))
        };
        // Often enough to find out that there is nobody else.
        while cache.table.recency.is_crowded() {
            assert!(cache.hit(mine, 2));
        }
        other.join().unwrap();
        assert!(cache.hit(mine, 2));
        assert_eq!(cache.keys(), [2, 1]);
        cache.store(3, 0);
        assert_eq!(cache.keys(), [3, 2]);
    });
}

#[test]
fn a_stamp_that_the_taking_of_changed_ones_misses_is_taken_the_next_time() {
    loom::model(|| {
        let stamps = Arc::new(Stamps::new(4));
        // SAFETY: the model takes them in one thread, as if it held the lock.
        let take = |stamps: &Stamps| -> Vec<_> { stamps.take_changed(unsafe { Locked::new(&()) }).collect() };
        let thread = {
            let stamps = Arc::clone(&stamps);
            thread::spawn(move || {
                assert!(stamps.store(1, 5));
                assert!(stamps.store(0, 6));
            })
        };
        let mut taken = take(&stamps);
        thread.join().unwrap();
        taken.extend(take(&stamps));
        assert!(taken.contains(&(1, 5)) && taken.contains(&(0, 6)), "{taken:?}");
        assert_eq!(take(&stamps), []);
        assert!(!stamps.store(4, 7), "there is no room");
    });
}

#[test]
fn an_entry_is_not_taken_by_a_clear_while_a_reader_sees_it() {
    loom::model(|| {
        let cache = Cache::new(2, &[1]);
        let reader = cache.reader();
        let other = {
            let cache = Arc::clone(&cache);
            thread::spawn(move || {
                cache.clear();
                cache.store(2, 0);
            })
        };
        cache.hit(reader, 1);
        other.join().unwrap();
        assert_eq!(cache.keys(), [2]);
    });
}

#[test]
fn no_hit_is_lost_when_many_take_turns() {
    let mut builder = loom::model::Builder::new();
    // Else there are too many orders.
    builder.preemption_bound = Some(3);
    builder.check(|| {
        let cache = Cache::new(2, &[1, 2]);
        let (mine, others) = (cache.reader(), cache.reader());
        let other = {
            let cache = Arc::clone(&cache);
            thread::spawn(move || (0..2).for_each(|_| assert!(cache.hit(others, 1))))
        };
        assert!(cache.hit(mine, 1));
        assert!(cache.hit(mine, 2));
        other.join().unwrap();
        assert!(cache.hit(mine, 2));
        cache.store(3, 0);
        assert!(cache.hit(mine, 2));
        assert_eq!(cache.keys(), [2, 3]);
        assert_eq!(cache.hits(), 6);
    });
}

#[test]
fn hits_that_are_only_counted_keep_what_they_see_and_none_is_lost() {
    loom::model(|| {
        let cache = Cache::new(None, &[1, 2]);
        let (mine, others) = (cache.reader(), cache.reader());
        let other = {
            let cache = Arc::clone(&cache);
            thread::spawn(move || {
                assert!(cache.hit(others, 1));
                cache.remove(2);
            })
        };
        let hits = 1 + u64::from(cache.hit(mine, 2));
        other.join().unwrap();
        assert_eq!(cache.hits(), hits);
        assert!(cache.hit(mine, 1));
    });
}

#[test]
fn a_hit_counts_while_the_bound_grows_and_decides_once_it_has_grown() {
    loom::model(|| {
        let cache = Cache::new(1, &[1]);
        let reader = cache.reader();
        let done = Arc::new(AtomicU32::new(0));
        let other = {
            let (cache, done) = (Arc::clone(&cache), Arc::clone(&done));
            thread::spawn(move || {
                cache.resize(2);
                cache.store(2, 0);
                done.store(1, Ordering::Release);
            })
        };
        let has_followed = done.load(Ordering::Acquire) == 1;
        assert!(cache.hit(reader, 1));
        other.join().unwrap();
        if has_followed {
            assert_eq!(cache.keys(), [1, 2]);
        }
        assert_eq!(cache.hits(), 1);
        assert!(cache.hit(reader, 1));
        cache.store(3, 0);
        assert_eq!(cache.keys(), [3, 1]);
    });
}

#[test]
fn an_entry_that_a_smaller_bound_evicts_is_not_taken_while_a_reader_sees_it() {
    loom::model(|| {
        let cache = Cache::new(2, &[1, 2]);
        let reader = cache.reader();
        let other = {
            let cache = Arc::clone(&cache);
            thread::spawn(move || {
                cache.resize(1);
                cache.store(3, 0);
            })
        };
        cache.hit(reader, 1);
        other.join().unwrap();
        assert_eq!(cache.keys(), [3]);
    });
}

#[test]
fn a_thread_whose_reach_was_cut_sees_the_newest_bound() {
    loom::model(|| {
        let shared = Arc::new((Bound::new(1), Reach::new(64)));
        let other = {
            let shared = Arc::clone(&shared);
            thread::spawn(move || {
                for maxsize in [2, 3] {
                    shared.0.set(maxsize);
                    shared.1.cut();
                }
            })
        };
        let mut seen = 1;
        let mut catch_up = || {
            if shared.1.is_cut() {
                shared.1.restore(64);
                seen = shared.0.get();
            }
        };
        catch_up();
        catch_up();
        other.join().unwrap();
        catch_up();
        assert_eq!(seen, 3);
    });
}

#[test]
fn what_stays_is_not_missed_while_others_are_moved() {
    loom::model(|| {
        // All of them begin at the same bucket.
        let cache = Cache::new(3, &[8, 16, 24]);
        let reader = cache.reader();
        let other = {
            let cache = Arc::clone(&cache);
            thread::spawn(move || cache.remove(8))
        };
        let is_missed = match cache.mine(reader).find(partial_hash(24), |entry| entry.key == 24) {
            Ok(_) => false,
            Err(unfound) => cache.table.lacks(unfound),
        };
        assert!(!is_missed, "an entry that is there is said not to be");
        other.join().unwrap();
    });
}

#[test]
fn what_is_there_is_found_while_the_index_grows() {
    loom::model(|| {
        let cache = Cache::new(None, &[1, 2, 3]);
        let reader = cache.reader();
        let other = {
            let cache = Arc::clone(&cache);
            thread::spawn(move || cache.store(4, 0))
        };
        assert!(cache.hit(reader, 1));
        other.join().unwrap();
        assert_eq!(cache.keys().len(), 4);
    });
}

#[test]
fn a_reader_that_a_thread_has_left_keeps_its_hits() {
    loom::model(|| {
        let cache = Cache::new(2, &[1, 2]);
        let other = {
            let cache = Arc::clone(&cache);
            thread::spawn(move || {
                let life = Arc::new(Life::new());
                assert!(cache.hit(cache.reader_of(&life), 1));
                life.end();
                cache.table.with(|inside, _| inside.guarded.prune(&inside.front.parts()));
            })
        };
        let reader = cache.reader();
        assert!(cache.hit(reader, 1));
        other.join().unwrap();
        assert_eq!(cache.keys(), [1, 2]);
        assert_eq!(cache.hits(), 2);
    });
}

#[test]
fn a_value_computed_before_an_invalidation_is_not_stored_after_it() {
    loom::model(|| {
        let cache = Cache::new(2, &[]);
        let source = Arc::new(AtomicU32::new(1));
        let other = {
            let (cache, source) = (Arc::clone(&cache), Arc::clone(&source));
            thread::spawn(move || {
                source.store(2, Ordering::Release);
                let mut left = Left::new();
                cache.table.with(|mut inside, invalidations| {
                    let runs = inside.runs();
                    let _forgotten =
                        if runs { invalidations.invalidate(1, ()) } else { invalidations.clear() };
                    inside.set_newest(invalidations.newest(), invalidations.are_remembered());
                    remove(&mut inside, 1, &mut left);
                });
            })
        };
        let running = cache.table.begin();
        let began_at = cache.table.newest();
        let value = source.load(Ordering::Acquire);
        {
            let mut left = Left::new();
            cache.table.with(|mut inside, invalidations| {
                if matches!(invalidations.since(began_at, 1, |()| false), Since::Others) {
                    store(&mut inside, 1, value, &mut left);
                }
            });
        }
        drop(running);
        other.join().unwrap();
        let reader = cache.reader();
        if let Ok(found) = cache.mine(reader).find(partial_hash(1), |entry| entry.key == 1) {
            assert_eq!(found.entry().value(), 2, "a value from before the invalidation is there");
        }
    });
}

#[test]
fn a_value_computed_after_an_invalidation_is_stored_although_another_run_ends() {
    loom::model(|| {
        let cache = Cache::new(2, &[]);
        let ends = cache.table.begin();
        cache.table.with(|inside, invalidations| {
            let _forgotten = invalidations.invalidate(1, ());
            inside.set_newest(invalidations.newest(), invalidations.are_remembered());
        });
        drop(ends);
        let other = {
            let cache = Arc::clone(&cache);
            thread::spawn(move || {
                cache.table.with(|inside, invalidations| {
                    if !inside.runs() {
                        let _forgotten = invalidations.forget();
                        inside.set_newest(invalidations.newest(), false);
                    }
                });
            })
        };
        let running = cache.table.begin();
        let began_at = cache.table.newest();
        let is_refused = cache
            .table
            .with(|_, invalidations| !matches!(invalidations.since(began_at, 1, |()| false), Since::Others));
        assert!(!is_refused, "a value that nobody has invalidated is not stored");
        drop(running);
        other.join().unwrap();
    });
}
