//! In which order entries were used, by whatever thread, without a word that every hit would have to write.
//!
//! Each thread logs its hits; `Latest` says who has logged last. As long as that is one thread, it only reads that
//! word. Another one first puts itself there, under a new number, which it notes in its log as a mark: so all that
//! happened before comes under earlier marks, and what truly happens at the same time comes in either order.
//!
//! When many take turns, that word would be written with every hit. Then all log under one mark, each hit with a stamp of
//! the time, until a thread is alone again.

use alloc::vec::Vec;
use core::sync::atomic::Ordering::{AcqRel, Relaxed};

use crate::front::reader::{NO_PLACE, NUMBER, Reader, STAMP};
use crate::front::stamp;
use crate::lru::Lru;
use crate::ring::Place;
use crate::sync::{AtomicU32, AtomicU64};

/// Where the word says that all log with stamps, rather than who has logged last.
const ALL: u32 = u32::MAX;
/// Where it says that nobody logs: nothing is ever evicted, and hits are only counted.
const NOBODY: u32 = u32::MAX - 1;
/// After so many changes between two drains, all do.
const CROWD: u32 = if cfg!(all(test, loom)) { 1 } else { 16 };

/// Who has logged last; in its upper half the newest mark.
#[repr(align(128))]
pub(crate) struct Latest {
    word: AtomicU64,
    /// The newest mark when the logs were last drained.
    drained: AtomicU32,
}

fn mark_of(word: u64) -> u32 {
    (word >> 32) as u32
}

fn word(mark: u32, who: u32) -> u64 {
    u64::from(mark) << 32 | u64::from(who)
}

impl Latest {
    /// Whether the order of uses `matters` is known from the first.
    pub(crate) fn new(matters: bool) -> Self {
        let nobody = if matters { 0 } else { word(0, NOBODY) };
        Self { word: AtomicU64::new(nobody), drained: AtomicU32::new(0) }
    }

    /// Whether hits are only counted.
    #[inline(always)]
    pub(crate) fn are_counted(&self) -> bool {
        self.word.load(Relaxed) as u32 == NOBODY
    }

    /// Whether this reader has logged last, and may just go on.
    #[inline(always)]
    pub(crate) fn is(&self, reader: &Reader) -> bool {
        self.word.load(Relaxed) as u32 == reader.id()
    }

    /// The mark under which all log with stamps, if they do.
    #[inline(always)]
    pub(crate) fn stamped(&self) -> Option<u32> {
        let word = self.word.load(Relaxed);
        (word as u32 == ALL).then_some(mark_of(word))
    }

    /// Logs a hit if there is room in the log, while the place is kept.
    pub(crate) fn log(&self, reader: &Reader, place: Place) -> bool {
        let mut latest = self.word.load(Relaxed);
        loop {
            if latest as u32 == reader.id() {
                return reader.log(place);
            }
            if latest as u32 == NOBODY {
                reader.count_hit();
                return true;
            }
            if latest as u32 == ALL {
                return reader.log_stamped(mark_of(latest), place);
            }
            if !reader.has_room_for_mark() {
                return false;
            }
            let mark = (mark_of(latest) + 1) & NUMBER;
            let are_many = distance(self.drained.load(Relaxed), mark) > CROWD && stamp::exists();
            let who = if are_many { ALL } else { reader.id() };
            match self.word.compare_exchange(latest, word(mark, who), AcqRel, Relaxed) {
                Ok(_) if are_many => return reader.log_stamped(mark, place),
                Ok(_) => return reader.log_marked(mark, place),
                Err(other) => latest = other,
            }
        }
    }

    /// Brings the order of uses up to date with all logs; in the lock.
    pub(crate) fn drain<'r>(&self, readers: impl Iterator<Item = &'r Reader>, lru: &mut Lru) {
        if self.are_counted() {
            return;
        }
        let mut active = readers.filter(|reader| !reader.undrained().0.is_empty());
        let Some(first) = active.next() else { return };
        let second = active.next();
        match second {
            None => drain_one(first, lru),
            Some(second) => {
                let base = self.drained.load(Relaxed);
                let [first, second] = [first, second].map(|reader| Log::new(reader, base));
                let mut places = core::mem::take(&mut lru.merged);
                match active.next() {
                    None => merge(&mut [first, second], &mut places),
                    Some(third) => {
                        let more = [third].into_iter().chain(active).map(|reader| Log::new(reader, base));
                        let mut logs: Vec<Log<'_>> = [first, second].into_iter().chain(more).collect();
                        merge(&mut logs, &mut places);
                    }
                }
                lru.used(places.drain(..).rev(), |_| ());
                lru.merged = places;
            }
        }
        let latest = self.word.load(Relaxed);
        self.drained.store(mark_of(latest), Relaxed);
        if latest as u32 == ALL && second.is_none() {
            // If this fails, somebody else has ended it.
            let mark = (mark_of(latest) + 1) & NUMBER;
            let _ = self.word.compare_exchange(latest, word(mark, 0), AcqRel, Relaxed);
        }
    }
}

fn drain_one(reader: &Reader, lru: &mut Lru) {
    let (positions, mark) = reader.undrained();
    let end = positions.end;
    let (mut newest, mut others) = (None, 0);
    lru.used(reader.logged_backwards(positions), |what| {
        if what & STAMP == 0 {
            newest = newest.or(Some(what & NUMBER));
        }
        others += 1;
    });
    reader.note_drained(end, newest.unwrap_or(mark), others);
}

/// How far a mark is after a base; nothing when it is before.
fn distance(base: u32, mark: u32) -> u32 {
    let distance = mark.wrapping_sub(base) & NUMBER;
    if distance > NUMBER / 2 { 0 } else { distance }
}

/// A log on its way to be merged with others.
struct Log<'r> {
    reader: &'r Reader,
    at: u64,
    end: u64,
    mark: u32,
    /// How many positions were no places.
    others: u64,
    base: u32,
    /// When the next place was hit; none at the end.
    next: Option<When>,
}

/// When a place was hit: how far its mark is after the base, and its stamp, if it has one.
type When = (u32, u64);

impl<'r> Log<'r> {
    fn new(reader: &'r Reader, base: u32) -> Self {
        let (positions, mark) = reader.undrained();
        let mut log =
            Self { reader, at: positions.start, end: positions.end, mark, others: 0, base, next: None };
        log.go_on();
        log
    }

    /// Goes on to the next place.
    fn go_on(&mut self) {
        let mut stamp = 0;
        while self.at < self.end {
            let what = self.reader.logged(self.at);
            if what & NO_PLACE == 0 {
                self.next = Some((distance(self.base, self.mark), stamp));
                return;
            }
            match what & STAMP {
                0 => self.mark = what & NUMBER,
                _ => stamp = stamp << 30 | u64::from(what & NUMBER),
            }
            self.others += 1;
            self.at += 1;
        }
        self.next = None;
        self.reader.note_drained(self.end, self.mark, core::mem::take(&mut self.others));
    }

    /// Takes the next place.
    fn take(&mut self) -> Place {
        let place = self.reader.logged(self.at);
        self.at += 1;
        self.go_on();
        place
    }
}

/// The places in all logs, in the order in which they were hit.
fn merge(logs: &mut [Log<'_>], places: &mut Vec<Place>) {
    loop {
        let numbered = logs.iter().enumerate().filter_map(|(at, log)| Some((log.next?, at)));
        let Some((_, first)) = numbered.clone().min() else { return };
        // It is the first one until it comes to this.
        let limit = numbered.filter(|(_, at)| *at != first).map(|(when, _)| when).min();
        let log = &mut logs[first];
        while log.next.is_some_and(|when| limit.is_none_or(|limit| when <= limit)) {
            places.push(log.take());
        }
    }
}
