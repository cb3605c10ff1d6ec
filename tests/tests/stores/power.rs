//! What is left of a durable store when the power fails, at any moment: the writes and syncs of LMDB's file are recorded,
//! and each state is made that the disk may be in.
//!
//! A disk may lose any of the writes since the last sync, page by page.

mod recorder;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Duration;

use lru_memo::shared::{Embedded, Entry, Namespace, Options, Store, health};
use recorder::{Event, record};

use crate::shared::{Scratch, peek, space};

const PAGE: usize = 4096;
/// Of more lost pages than this, some sets are tried, and not all.
const ALL_SETS_OF: usize = 5;
const SOME_SETS: u64 = 40;

/// All entries, by their keys.
type State = BTreeMap<u64, Vec<u8>>;

/// A write of one page, or of a part of one.
type Piece = (usize, Vec<u8>);

fn open(directory: &Path) -> Embedded {
    let mut options = Options::default();
    options.size = 1 << 20;
    options.durable = true;
    Embedded::open(directory, options).expect("the store opens")
}

fn state(store: &Embedded, space: &Namespace) -> State {
    (0..40_u64).filter_map(|key| Some((key, peek(store, space, &key.to_le_bytes())?))).collect()
}

fn put(store: &Embedded, space: &Namespace, key: u64, length: usize) {
    let value = vec![key as u8 ^ length as u8; length];
    let entry = Entry { value: &value, weight: 1, computed_since: None, replace: true, age: Duration::ZERO };
    store.store(space, &key.to_le_bytes(), entry).expect("there is room");
}

type Operation = Box<dyn Fn(&Embedded, &Namespace)>;

/// Each changes the store once.
fn operations() -> Vec<Operation> {
    let put_one = |key, length| -> Operation { Box::new(move |store, space| put(store, space, key, length)) };
    let remove = |key: u64| -> Operation {
        Box::new(move |store, space| {
            store.invalidate(space, &key.to_le_bytes()).expect("it works");
        })
    };
    let mut all = vec![
        put_one(30, 10),
        put_one(31, 3 * PAGE),
        put_one(30, 500),
        remove(31),
        remove(12),
        put_one(32, 2000),
        put_one(33, 2000),
        put_one(31, 2 * PAGE),
        Box::new(|store, space| store.clear(space).expect("it works")),
    ];
    // A tree of pages grows again, from those that are free.
    all.extend((0..35).map(|key| put_one(key, 300)));
    all.extend((0..35).step_by(4).map(remove));
    all
}

/// What the disk holds for certain, and what it may hold.
struct Disk {
    safe: Vec<u8>,
    unsynced: Vec<Piece>,
}

impl Disk {
    fn write(image: &mut Vec<u8>, (at, bytes): &Piece) {
        image.resize(image.len().max(at + bytes.len()), 0);
        image[*at..at + bytes.len()].copy_from_slice(bytes);
    }

    /// What it may hold after a power failure.
    fn images(&self) -> Vec<Vec<u8>> {
        let count = self.unsynced.len();
        let sets = if count <= ALL_SETS_OF { 1 << count } else { SOME_SETS };
        let all = (0..sets).map(|set: u64| {
            let mut image = self.safe.clone();
            // Multiplied, its bits are as good as random; and none and all are among them.
            let kept = match set {
                1 if count > ALL_SETS_OF => u64::MAX,
                _ if count > ALL_SETS_OF => set.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 7,
                _ => set,
            };
            let pieces = self.unsynced.iter().enumerate().filter(|(at, _)| kept >> (at % 57) & 1 != 0);
            pieces.for_each(|(_, piece)| Self::write(&mut image, piece));
            image
        });
        all.collect()
    }

    fn sync(&mut self) {
        let unsynced = std::mem::take(&mut self.unsynced);
        unsynced.iter().for_each(|piece| Self::write(&mut self.safe, piece));
    }
}

/// Splits a write where pages end.
fn pieces(at: usize, bytes: &[u8]) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let (mut at, mut rest) = (at, bytes);
    loop {
        let (piece, after) = rest.split_at(rest.len().min(PAGE - at % PAGE));
        pieces.push((at, piece.to_vec()));
        (at, rest) = (at + piece.len(), after);
        if rest.is_empty() {
            return pieces;
        }
    }
}

/// A store with this file, as the system finds it when it is up again.
fn found(original: &Path, image: &[u8], space: &Namespace) -> State {
    let scratch = Scratch::new();
    let base = scratch.path().join("v1");
    let name = fs::read_to_string(original.join("v1/current")).expect("the store is there");
    let (from, to) = (original.join("v1").join(&name), base.join(&name));
    for directory in [&base, &to] {
        fs::create_dir(directory).expect("a directory");
        let private = std::os::unix::fs::PermissionsExt::from_mode(0o700);
        fs::set_permissions(directory, private).expect("permissions");
    }
    fs::write(base.join("current"), name).expect("it is written");
    fs::copy(from.join("made"), to.join("made")).expect("it is copied");
    fs::write(to.join("data.mdb"), image).expect("it is written");
    state(&open(scratch.path()), space)
}

#[test]
fn after_a_power_failure_all_is_there_that_was_done_and_nothing_by_halves() {
    let (scratch, space) = (Scratch::new(), space("f", Some(32)));
    let store = open(scratch.path());
    // Enough for a tree of pages, and for free ones in it.
    (0..30).for_each(|key| put(&store, &space, key, 300));
    (0..30).step_by(3).for_each(|key| put(&store, &space, key, 200));
    let name = fs::read_to_string(scratch.path().join("v1/current")).expect("the store is there");
    let file = scratch.path().join("v1").join(name).join("data.mdb");
    let mut disk = Disk { safe: fs::read(&file).expect("its data"), unsynced: Vec::new() };
    let mut states = vec![state(&store, &space)];
    let events = record(&file, |done| {
        for operation in operations() {
            operation(&store, &space);
            done();
            states.push(state(&store, &space));
        }
    });
    assert!(events.iter().filter(|event| matches!(event, Event::Sync)).count() >= operations().len());
    let (mut done, mut tried, rebuilt) = (0, 0, health().rebuilt);
    let mut try_all = |disk: &Disk, done: usize| {
        for image in disk.images() {
            let found = found(scratch.path(), &image, &space);
            let allowed = &states[done..states.len().min(done + 2)];
            assert!(allowed.contains(&found), "after {done} operations: {:?}", found.keys());
            tried += 1;
        }
    };
    for event in &events {
        match event {
            Event::Write { at, bytes, is_synced } => {
                disk.unsynced.extend(pieces(*at, bytes));
                if *is_synced {
                    try_all(&disk, done);
                    // It is on the disk now, and no other.
                    let last = disk.unsynced.pop().expect("it is one");
                    Disk::write(&mut disk.safe, &last);
                }
            }
            Event::Sync => {
                try_all(&disk, done);
                disk.sync();
            }
            Event::Done => {
                done += 1;
                try_all(&disk, done);
            }
        }
    }
    assert_eq!((done, health().rebuilt), (operations().len(), rebuilt));
    assert!(tried > 500, "{tried}");
}
