//! A store that is open in this process: finds namespaces and entries, and begins transactions.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::cell::Cell;
use core::ops::{Deref, DerefMut};
use core::sync::atomic::Ordering::{Relaxed, SeqCst};
use core::sync::atomic::{AtomicU32, AtomicU64};
use core::time::Duration;
use std::collections::HashMap;
use std::fs;
use std::path::PathBuf;
use std::time::Instant;

use heed::types::Bytes;
use heed::{Database, RoTxn, RwTxn};
use parking_lot::Mutex;

use super::evict::Orders;
use super::instance::Files;
use super::made::{Made, sync_directory};
use super::members::Membership;
use super::options::Options;
use super::queue::Queue;
use super::raw::{self, Environment, RobustGuard};
use super::record::{NAMESPACE, Named, Record, entry_key, id_in, namespace_key};
use super::table::{MappedTable, Space, damaged};
use crate::shared::error::{Error, Kind};
use crate::shared::events;
use crate::shared::hash::hash;
use crate::shared::namespace::Namespace;
use crate::shared::wall;

/// After how many unused seconds the namespace of an older version of a function may be removed.
const OUTDATED: u64 = 24 * 3600;

/// The shortest interval between two sweeps for unused namespaces, in seconds.
const SWEEPS: u64 = 3600;
/// The interval at which the use of a namespace is noted, in seconds.
const NOTES: u64 = 60;

/// A store that is open in this process.
pub(super) struct Opened {
    // Dropped before the table.
    environment: Environment,
    pub(super) table: MappedTable,
    /// The file of LMDB, for allocating space in it.
    pub(super) data: std::fs::File,
    turns: std::path::PathBuf,
    pub(super) members: Arc<Membership>,
    /// The number of this store in this process, so that a namespace's place in another store is not used here.
    number: u32,
    /// When this process last checked that the files are still in their place, in seconds.
    watched: AtomicU64,
    seed: [u64; 2],
    /// The bits of hashes that are used: all of them, except in tests.
    mask: u64,
    /// The candidates for eviction, for each space. Only the writer locks it.
    pub(super) orders: Mutex<HashMap<u32, Orders>>,
    /// The age of the store at the last sweep for unused namespaces.
    swept: Mutex<Option<u64>>,
    pub(super) made: Made,
    /// The path of the file `made`.
    made_in: PathBuf,
    pub(super) noted_every: u64,
    writers: Queue,
    readers: Queue,
    pub(super) timeout: Duration,
    /// Since when the store has been full although its entries take little room.
    pub(super) kept_since: Mutex<Option<Instant>>,
}

/// A write transaction, with the store's lock, which is taken before LMDB's own.
pub(super) struct Writing<'a> {
    // Dropped first.
    txn: RwTxn<'a>,
    turn: RobustGuard<'a>,
}

impl Writing<'_> {
    pub(super) fn commit(self) -> Result<(), Error> {
        let Self { txn, turn } = self;
        let result = txn.commit();
        drop(turn);
        Ok(result?)
    }
}

impl<'a> Deref for Writing<'a> {
    type Target = RwTxn<'a>;

    fn deref(&self) -> &Self::Target {
        &self.txn
    }
}

impl DerefMut for Writing<'_> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.txn
    }
}

thread_local! {
    /// The number of the store that this thread has read last: LMDB has a reader slot for the thread.
    static HAS_READ: Cell<u32> = const { Cell::new(0) };
}

/// A key of a namespace, with its hash.
#[derive(Clone, Copy)]
pub(super) struct HashedKey<'a> {
    pub(super) namespace: &'a Namespace,
    pub(super) bytes: &'a [u8],
    pub(super) hash: u64,
}

impl HashedKey<'_> {
    /// Returns the time, if entries of the namespace expire.
    pub(super) fn now(&self) -> Option<u64> {
        self.namespace.ttl().or(self.namespace.idle()).map(|_| wall::now())
    }
}

impl Opened {
    pub(super) fn new(files: Files, options: &Options) -> Self {
        static NUMBERS: AtomicU32 = AtomicU32::new(1);
        let Files { environment, table, data, turns, members, made, made_in } = files;
        let watched = AtomicU64::new(raw::seconds());
        let seed = [0, 1].map(|at: usize| table.head().seed[at].load(Relaxed));
        let (writers, readers) = (Queue::new(options.timeout), Queue::new(options.timeout));
        Self {
            environment,
            table,
            data,
            turns,
            members,
            number: NUMBERS.fetch_add(1, Relaxed),
            watched,
            seed,
            mask: options.hash_mask,
            orders: Mutex::default(),
            swept: Mutex::default(),
            made,
            made_in,
            noted_every: (made.unused / 8).clamp(1, NOTES),
            writers,
            readers,
            timeout: options.timeout,
            kept_since: Mutex::new(None),
        }
    }

    /// Returns the files that this was opened from.
    pub(super) fn into_files(self) -> Files {
        let Self { environment, table, data, turns, members, made, made_in, .. } = self;
        Files { environment, table, data, turns, members, made, made_in }
    }

    pub(super) fn environment(&self) -> &Environment {
        &self.environment
    }

    pub(super) fn database(&self) -> &Database<'static, Bytes, Bytes> {
        self.environment.database()
    }

    pub(super) fn key<'a>(&self, namespace: &'a Namespace, bytes: &'a [u8]) -> HashedKey<'a> {
        HashedKey { namespace, bytes, hash: hash(self.seed, bytes) & self.mask }
    }

    /// Returns the number of a key. The process that computes the key locks a byte derived from this number.
    pub(super) fn turn(&self, namespace: &Namespace, key: &[u8]) -> u64 {
        let id = namespace.id();
        hash([self.seed[0] ^ id as u64, self.seed[1] ^ (id >> 64) as u64], key)
    }

    pub(super) fn is_dead(&self) -> bool {
        self.table.head().dead.load(Relaxed) != 0
    }

    /// Checks once a second whether the files are still in their place. If not, fails, and all processes open the store
    /// anew.
    #[inline]
    pub(super) fn watch(&self, now: u64) -> Result<(), Error> {
        if self.watched.load(Relaxed) == now { Ok(()) } else { self.look_at_files(now) }
    }

    #[cold]
    fn look_at_files(&self, now: u64) -> Result<(), Error> {
        self.watched.store(now, Relaxed);
        if self.is_dead() || self.table.is_in_place(&self.turns) {
            return Ok(());
        }
        // Marks this table, not a new one that may be in its place.
        self.table.head().dead.store(1, SeqCst);
        events::note_rebuilt();
        Err(Error::new(
            Kind::Corrupt,
            "the files of the shared store were removed, or replaced, while it was in use",
        ))
    }

    /// Gives the store up: the next call of any process makes a new instance.
    pub(super) fn give_up(&self) {
        self.table.head().dead.store(1, SeqCst);
        if self.made.durable {
            // The mark in the table does not survive a reboot, so the data is removed, too.
            let data = self.made_in.with_file_name("data.mdb");
            let _ = fs::remove_file(&data);
            data.parent().map(sync_directory);
        }
    }

    /// Returns the space of a namespace if this process has found it before and it is still valid.
    #[inline]
    pub(super) fn known(&self, namespace: &Namespace) -> Option<(u32, &Space)> {
        let place = namespace.place.load(Relaxed);
        if place >> 32 != u64::from(self.number) {
            return None;
        }
        let space = self.table.space(place as u32)?;
        space.is(namespace.id()).then_some((place as u32, space))
    }

    /// Returns the space of a namespace, if it has one.
    pub(super) fn find_space(
        &self,
        txn: &RoTxn<'_>,
        namespace: &Namespace,
    ) -> Result<Option<(u32, &Space)>, Error> {
        if let Some(known) = self.known(namespace) {
            return Ok(Some(known));
        }
        let Some(bytes) = self.database().get(txn, &namespace_key(namespace.id()))? else { return Ok(None) };
        let index = Named::read(bytes).ok_or_else(damaged)?.space;
        let space = self.table.space(index).ok_or_else(damaged)?;
        namespace.place.store(u64::from(self.number) << 32 | u64::from(index), Relaxed);
        Ok(space.is(namespace.id()).then_some((index, space)))
    }

    /// Begins a read transaction. A thread that has no reader slot in LMDB yet waits for a lock first.
    #[inline]
    pub(super) fn read(&self) -> Result<RoTxn<'_, heed::WithTls>, Error> {
        if HAS_READ.try_with(Cell::get) == Ok(self.number) {
            Ok(self.environment.read()?)
        } else {
            self.read_first()
        }
    }

    #[cold]
    fn read_first(&self) -> Result<RoTxn<'_, heed::WithTls>, Error> {
        let _turn = self.readers.enter(self.table.readers())?;
        let txn = self.environment.read()?;
        let _ = HAS_READ.try_with(|number| number.set(self.number));
        Ok(txn)
    }

    /// Frees the reader slots of dead processes in LMDB.
    pub(super) fn clear_stale_readers(&self) -> Result<(), Error> {
        let _turn = self.readers.enter(self.table.readers())?;
        self.environment.clear_stale_readers();
        Ok(())
    }

    /// Begins a write transaction. Waits for other writers, and settles a change that a dead writer left.
    pub(super) fn begin(&self) -> Result<Writing<'_>, Error> {
        self.watch(raw::seconds())?;
        let turn = self.writers.enter(self.table.writers())?;
        let writing = Writing { txn: self.environment.write()?, turn };
        self.settle(&writing)?;
        Ok(writing)
    }

    /// Announces a change of a space: until the transaction is committed, all other calls in this space wait.
    pub(super) fn announce(&self, txn: &RoTxn<'_>, index: u32, space: &Space) {
        let (head, change) = (self.table.head(), txn.id() as u64);
        head.pending_slot.store(0, Relaxed);
        head.pending_space.store(u64::from(index), SeqCst);
        head.pending_change.store(change, SeqCst);
        space.change.store(change, SeqCst);
        core::sync::atomic::fence(SeqCst);
    }

    /// Begins a write transaction in a namespace, and makes the namespace if it is missing.
    pub(super) fn begin_in(&self, namespace: &Namespace) -> Result<(Writing<'_>, u32, &Space), Error> {
        loop {
            let txn = self.begin()?;
            if let Some((index, space)) = self.find_space(&txn, namespace)? {
                return Ok((txn, index, space));
            }
            if self.database().get(&txn, &namespace_key(namespace.id()))?.is_some() {
                return Err(damaged());
            }
            self.make_space(txn, namespace)?;
        }
    }

    fn make_space(&self, mut txn: Writing<'_>, namespace: &Namespace) -> Result<(), Error> {
        let index = self.table.find_vacant_space()?;
        let space = self.table.space(index).ok_or_else(damaged)?;
        self.announce(&txn, index, space);
        let generation = self.empty(space);
        space.forget_counts(generation);
        space.set_id(namespace.id());
        space.set_maxsize(namespace.maxsize());
        space.last_used.store(0, Relaxed);
        space.touch(self.table.head(), raw::seconds(), self.noted_every);
        let named = Named::new(index, generation, namespace);
        self.database().put(&mut txn, &namespace_key(namespace.id()), &named.write())?;
        txn.commit()?;
        self.sweep(namespace)
    }

    /// Removes namespaces that were not used for long.
    fn sweep(&self, new: &Namespace) -> Result<(), Error> {
        let (age, unused) = (self.table.head().age(raw::seconds()), self.made.unused);
        {
            let mut swept = self.swept.lock();
            if swept.is_some_and(|swept| age.saturating_sub(swept) < SWEEPS.min(unused / 8)) {
                return Ok(());
            }
            *swept = Some(age);
        }
        for (id, named) in self.all(&*self.read()?)? {
            let Some(space) = self.table.space(named.space) else { continue };
            let idle = age.saturating_sub(space.used_at.load(Relaxed));
            let is_outdated = named.name == new.name() && idle > OUTDATED.min(unused / 7);
            if id != new.id() && (idle > unused || is_outdated) {
                self.remove_space(id)?;
            }
        }
        Ok(())
    }

    /// Returns all namespaces.
    pub(super) fn all(&self, txn: &RoTxn<'_>) -> Result<Vec<(u128, Named)>, Error> {
        let mut all = Vec::new();
        for entry in self.database().prefix_iter(txn, NAMESPACE)? {
            let (key, bytes) = entry?;
            all.push((id_in(key).ok_or_else(damaged)?, Named::read(bytes).ok_or_else(damaged)?));
        }
        Ok(all)
    }

    /// Returns the record of a key, with its number among the records with the same hash.
    #[inline]
    pub(super) fn find<'t>(
        &self,
        txn: &'t RoTxn<'_>,
        index: u32,
        key: &HashedKey<'_>,
    ) -> Result<Option<(u16, Record<'t>)>, Error> {
        for number in 0..=u16::MAX {
            let Some(record) = self.record(txn, index, key.hash, number)? else { return Ok(None) };
            if record.key == key.bytes {
                return Ok(Some((number, record)));
            }
        }
        Ok(None)
    }

    pub(super) fn record<'t>(
        &self,
        txn: &'t RoTxn<'_>,
        index: u32,
        hash: u64,
        number: u16,
    ) -> Result<Option<Record<'t>>, Error> {
        let bytes = self.database().get(txn, &entry_key(index, hash, number))?;
        bytes.map(|bytes| Record::read(bytes).ok_or_else(damaged)).transpose()
    }
}
