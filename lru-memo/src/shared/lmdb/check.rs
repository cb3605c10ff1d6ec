//! Properties of the embedded store's decoders, for any bytes in its files.

use alloc::format;
use core::time::Duration;
use std::collections::hash_map::RandomState;
use std::fs;
use std::hash::BuildHasher;
use std::os::unix::fs::FileExt;
use std::path::Path;

use super::made::Explicit;
use super::opened::Opened;
use super::options::Options;
use super::read::Purpose;
use super::record::{Named, Record, entry_key, hash_in, id_in, namespace_key};
use super::table::{FIRST, Head, SPACES_AT, Slot, Space};
use super::{directory, files};
use crate::shared::error::{Error, Kind};
use crate::shared::namespace::Namespace;
use crate::shared::{Entry, Found};

/// A record, or the key of one, is written as it was read.
pub(in crate::shared) fn record(bytes: &[u8]) {
    if let Some(record) = Record::read(bytes) {
        assert_eq!([&record.head(), record.key, record.value].concat(), bytes);
        assert!(record.checked().is_whole(record.value));
        assert!(record.bytes() >= record.length() as u64);
    }
    if let Some(named) = Named::read(bytes) {
        assert_eq!(Named::read(&named.write()), Some(named));
    }
    if let Some(hash) = hash_in(bytes) {
        assert_eq!(hash_in(&entry_key(1, hash, 2)), Some(hash));
    }
    if let Some(id) = id_in(bytes) {
        assert_eq!(id_in(&namespace_key(id)), Some(id));
    }
}

/// With any numbers in the table of an open store, the store returns the stored value or fails.
///
/// Each ten bytes are the place of a number, and the number.
pub(in crate::shared) fn table(bytes: &[u8]) {
    let shared = Path::new("/dev/shm");
    let base = if shared.exists() { shared.to_owned() } else { std::env::temp_dir() };
    let directory = base.join(format!("lru-memo-check-{:016x}", RandomState::new().hash_one(0)));
    let options = Options { size: 1 << 20, ..Options::default() };
    let files = files::open(&directory, &options, Explicit::default()).expect("a new store");
    let opened = Opened::new(files, &options);
    let spaces = [
        Namespace::new("a", 1).with_maxsize(Some(2)).with_max_weight(Some(1 << 40)),
        Namespace::new("b", 2).with_ttl(Some(Duration::from_secs(3600))),
    ];
    store_all(&opened, &spaces, [b"1", b"2"]).expect("there is room");
    patch(&directory, bytes);
    match use_all(&opened, &spaces) {
        Err(error) if error.kind() != Kind::Corrupt => assert_eq!(error.kind(), Kind::Full),
        _ => {}
    }
    drop(opened);
    // What remains is in nobody's way.
    let _ = fs::remove_dir_all(&directory);
}

fn store_all<const N: usize>(
    opened: &Opened,
    spaces: &[Namespace],
    keys: [&[u8; 1]; N],
) -> Result<(), Error> {
    for space in spaces {
        for key in keys {
            let entry =
                Entry { value: key, weight: 3, computed_since: None, replace: true, age: Duration::ZERO };
            opened.store(&opened.key(space, key), &entry)?;
        }
    }
    Ok(())
}

fn use_all(opened: &Opened, spaces: &[Namespace]) -> Result<(), Error> {
    for space in spaces {
        for bytes in [b"1", b"2", b"3"] {
            let key = opened.key(space, bytes);
            if let Found::Hit(value) = opened.look(&key, Purpose::Call)? {
                assert_eq!(value, bytes);
            }
            opened.recent(space, 2)?;
            let ticket = opened.reject(&key)?;
            opened.remove_surely(space, |opened| opened.invalidate(&key))?;
            assert!(!opened.is_current(&key, ticket)?);
            opened.counts(space)?;
        }
    }
    store_all(opened, spaces, [b"1", b"2", b"3"])?;
    for (id, named) in opened.all(&*opened.begin()?)? {
        let _ = opened.table.space(named.space).map(|space| space.summary(id, named));
    }
    spaces.iter().try_for_each(|space| opened.remove_surely(space, |opened| opened.clear(space)))?;
    store_all(opened, spaces, [b"1"])
}

/// Writes numbers into the head of the table, its first two spaces, and their first slots.
fn patch(directory: &Path, patches: &[u8]) {
    const PLACES: [(usize, usize); 3] =
        [(0, size_of::<Head>()), (SPACES_AT, 2 * size_of::<Space>()), (FIRST[1].0, 32 * size_of::<Slot>())];
    let base = directory.join("v1");
    let name = fs::read_to_string(base.join("current")).expect("there is a store");
    let table = directory::open_file(&base.join(name).join("table"), false).expect("it has a table");
    for patch in patches.chunks_exact(10).take(16) {
        let place = PLACES[usize::from(patch[0]) % PLACES.len()];
        let offset = place.0 + usize::from(patch[1]) * 8 % place.1;
        table.write_all_at(&patch[2..], offset as u64).expect("it can be written to");
    }
}
