//! The table of a cache: entries that calls read without a lock, and that the lock's holder changes.
//!
//! A hit pins its reader, finds a place in the index, compares and copies the entry there, stamps the place, and unpins. A
//! writer, holding the lock, first unlinks an entry from the index, then retires its place. A retired place is freed, and
//! becomes another entry's, once no reader can see the entry any more (epoch-based reclamation).
//!
//! # Invariants
//!
//! `SAFETY` comments in this directory cite these by their numbers.
//!
//! 1. **Lock.** Only the lock's holder changes the index, the arena, `latest` and the state beside them. A type says so:
//!    these changes are methods of [`Inside`](inside::Inside) and [`Locked`](locked::Locked), and only a table's lock
//!    (`lock.rs`) gives them out, for its own table. The same lock protects the list of readers, so a reference to the list
//!    proves the lock as well.
//! 2. **Owner.** A reader belongs to one thread. Only this thread pins it and writes its word, its hazard and its counts.
//!    A type says so: these are methods of [`Owner`](reader::Owner), which only a table's `Readers` give out, to the
//!    reader's thread, and which is not `Send`. [`Mine`](hit::Mine) pairs it with its table.
//! 3. **Room.** A place is *known* once `Lru::extend` has returned it and the arena, and the stamps if the order is kept, have
//!    room for it. Only known places get into the index, the lists of free and retired places, candidates and deadlines.
//!    Blocks never move, and are freed with the table.
//! 4. **Entry.** There is an entry at a place exactly as long as the place is live or retired. The entry is written before the
//!    index has the place.
//! 5. **Reclamation.** A place is retired after its entry was unlinked. It is freed once every reader that was pinned at that
//!    time has unpinned, no hazard names it, and nobody keeps it in the lock; at once if no other thread reads, nothing is
//!    retired, and nothing is protected or kept. So an entry that a pinned reader has found, that a hazard protects, that
//!    is kept, or that is live while the lock is held is neither taken nor overwritten. The same holds for the index's old
//!    buckets, which pins alone protect.
//! 6. **Stamps.** A reader uses its own stamps only if it has seen, since it pinned, that there is a crowd. The lock's holder
//!    frees them after it has ended the crowd and then every reader has unpinned. It may replace those of its own reader, which
//!    is not pinned. `recency.rs` has the other rules.
//! 7. **One thread.** A cache of one thread is not `Sync`. Its only reader needs neither pin nor fence, because nobody frees
//!    anything while it searches.

mod at_hand;
mod backoff;
pub(crate) mod bias;
pub(crate) mod blocks;
mod counter;
pub(crate) mod doubling;
mod front;
mod guarded;
mod hit;
pub(crate) mod index;
mod inside;
pub(crate) mod invalidations;
mod limbo;
mod live;
mod lock;
pub(crate) mod locked;
#[cfg(all(test, loom))]
mod loom_models;
pub(crate) mod lru;
mod nodes;
pub(crate) mod outlined;
pub(crate) mod reach;
pub(crate) mod reader;
pub(crate) mod readers;
mod recency;
mod running;
pub(crate) mod seldom;
#[cfg(all(test, not(loom)))]
mod tests;
pub(crate) mod threading;

#[cfg(any(test, fuzzing))]
mod validate;
mod victims;

pub(crate) use crate::table::front::{Begun, Computation, ExpiryCheck, Unfound};
pub(crate) use crate::table::hit::Mine;
pub(crate) use crate::table::index::partial_hash;
pub(crate) use crate::table::inside::Inside;
#[cfg(unix)]
pub(crate) use crate::table::lock::Guard;
pub(crate) use crate::table::lock::Table;
