//! In which order entries were used, by whatever thread, without a word that every hit would have to write.
//!
//! Each thread logs its hits; `Latest` says who has logged last. As long as that is one thread, it only reads that
//! word. Another one first puts itself there, under a new number, which it notes in its log as a mark: so all that
//! happened before comes under earlier marks, and what truly happens at the same time comes in either order.
//!
//! When many take turns, the word rather says what was used last: to hit that again changes no order, and so nothing is
//! written by those who all use the same entry.

use alloc::vec::Vec;
use core::sync::atomic::Ordering::{AcqRel, Relaxed};

use crate::front::reader::{MARK, NOTHING, Reader};
use crate::lru::Lru;
use crate::ring::{ENDS, Place};
use crate::sync::{AtomicU32, AtomicU64};

/// Set where the word says what was used last, rather than who has logged last.
const CROWDED: u32 = 1 << 31;
/// After so many changes between two drains, it is crowded.
const CROWD: u32 = if cfg!(all(test, loom)) { 1 } else { 64 };

/// Who has logged last, or what was used last; in its upper half the newest mark.
#[repr(align(128))]
pub(crate) struct Latest {
    word: AtomicU64,
    /// The newest mark when the logs were last drained.
    drained: AtomicU32,
}

impl Latest {
    pub(crate) fn new() -> Self {
        Self { word: AtomicU64::new(0), drained: AtomicU32::new(0) }
    }

    /// Whether this reader has logged last, and may just go on.
    #[inline(always)]
    pub(crate) fn is(&self, reader: &Reader) -> bool {
        self.word.load(Relaxed) as u32 == reader.id()
    }

    /// Logs a hit if there is room in the log, while the place is kept.
    pub(crate) fn log(&self, reader: &Reader, place: Place) -> bool {
        let mut word = self.word.load(Relaxed);
        loop {
            if word as u32 == reader.id() {
                return reader.log(place);
            }
            if word as u32 == CROWDED | place {
                return reader.log(NOTHING);
            }
            if !reader.has_room_for_mark() {
                return false;
            }
            let mark = ((word >> 32) as u32 + 1) & !MARK;
            let is_crowded = distance(self.drained.load(Relaxed), mark) > CROWD;
            let who = if is_crowded { CROWDED | place } else { reader.id() };
            match self.word.compare_exchange(word, u64::from(mark) << 32 | u64::from(who), AcqRel, Relaxed) {
                Ok(_) => return reader.log_marked(mark, place),
                Err(other) => word = other,
            }
        }
    }

    /// Brings the order of uses up to date with all logs; in the lock.
    pub(crate) fn drain<'r>(&self, readers: impl Iterator<Item = &'r Reader>, lru: &mut Lru) {
        let mut active = readers.filter(|reader| !reader.undrained().0.is_empty());
        let Some(first) = active.next() else { return };
        match active.next() {
            None => drain_one(first, lru),
            Some(second) => {
                let base = self.drained.load(Relaxed);
                let mut logs: Vec<Log<'_>> =
                    [first, second].into_iter().chain(active).map(|reader| Log::new(reader, base)).collect();
                let mut places = core::mem::take(&mut lru.merged);
                merge(&mut logs, &mut places);
                lru.used(places.drain(..).rev(), |_| ());
                lru.merged = places;
            }
        }
        let word = self.word.load(Relaxed);
        self.drained.store((word >> 32) as u32, Relaxed);
        if word as u32 & CROWDED != 0 {
            // If this fails, somebody has logged since.
            let mark = ((word >> 32) as u32 + 1) & !MARK;
            let _ = self.word.compare_exchange(word, u64::from(mark) << 32, AcqRel, Relaxed);
        }
    }
}

fn drain_one(reader: &Reader, lru: &mut Lru) {
    let (positions, mark) = reader.undrained();
    let end = positions.end;
    let (mut newest, mut marks) = (None, 0);
    lru.used(reader.logged_backwards(positions), |what| {
        newest = newest.or(Some(what & !MARK));
        marks += 1;
    });
    reader.note_drained(end, newest.unwrap_or(mark), marks);
}

/// How far a mark is after a base; nothing when it is before.
fn distance(base: u32, mark: u32) -> u32 {
    let distance = mark.wrapping_sub(base) & !MARK;
    if distance > MARK / 2 { 0 } else { distance }
}

fn is_place(what: u32) -> bool {
    what != NOTHING && what & MARK == 0
}

/// A log on its way to be merged with others.
struct Log<'r> {
    reader: &'r Reader,
    at: u64,
    end: u64,
    mark: u32,
    marks: u64,
    base: u32,
}

impl<'r> Log<'r> {
    fn new(reader: &'r Reader, base: u32) -> Self {
        let (positions, mark) = reader.undrained();
        Self { reader, at: positions.start, end: positions.end, mark, marks: 0, base }
    }

    /// The number under which the next place stands; none at the end.
    fn number(&mut self) -> Option<u32> {
        while self.at < self.end {
            let what = self.reader.logged(self.at);
            if what & MARK == 0 {
                return Some(distance(self.base, self.mark));
            }
            self.mark = what & !MARK;
            self.marks += 1;
            self.at += 1;
        }
        self.reader.note_drained(self.end, self.mark, core::mem::take(&mut self.marks));
        None
    }
}

/// The places in all logs, in the order of their marks.
fn merge(logs: &mut [Log<'_>], places: &mut Vec<Place>) {
    loop {
        let numbered = logs.iter_mut().filter_map(|log| Some((log.number()?, log)));
        let Some((number, log)) = numbered.min_by_key(|(number, _)| *number) else { return };
        while log.number() == Some(number) {
            let what = log.reader.logged(log.at);
            log.at += 1;
            if is_place(what) {
                places.push(what);
            }
        }
    }
}

const _: () = assert!(ENDS == NOTHING, "a log tells places from nothing");
