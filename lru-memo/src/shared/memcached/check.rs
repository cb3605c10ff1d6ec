//! Properties of the decoders, for any bytes that a server sends.

use alloc::vec::Vec;
use core::time::Duration;
use std::io::{self, Read};

use super::connection::Connection;
use super::directory::{Directory, Limits, Record};
use super::index;
use super::item::{Item, seal};
use super::wire::Answer;
use crate::shared::Ticket;
use crate::shared::namespace::Namespace;

/// Returns the bytes as they are, and with a valid checksum, which a fuzzer would not find.
fn with_and_without_seal(bytes: &[u8]) -> [Vec<u8>; 2] {
    let mut sealed = bytes.to_vec();
    seal(&mut sealed);
    [bytes.to_vec(), sealed]
}

/// A decoded directory can be used, and written again.
pub(in crate::shared) fn directory(bytes: &[u8]) {
    for bytes in with_and_without_seal(bytes) {
        let Some(mut directory) = Directory::decode(&bytes) else { continue };
        assert!(directory.records.capacity() <= 2 * Limits::LONGEST);
        assert_eq!(Directory::decode(&directory.encode()).as_ref(), Some(&directory));
        let counts = (directory.hits, directory.misses);
        directory.count_hit();
        directory.count_miss(true);
        assert!(directory.hits >= counts.0 && directory.misses >= counts.1);
        use_up(&mut directory);
    }
}

fn use_up(directory: &mut Directory) {
    let (key, now) = (b"key", 1 << 60);
    let ticket = directory.ticket();
    assert!(directory.allows(ticket, key));
    assert!(!directory.allows(Ticket { generation: !ticket.generation, ..ticket }, key));
    for expiry in [None, Some(Duration::from_secs(1))] {
        for max_weight in [None, Some(u64::MAX)] {
            let limits = Limits { maxsize: 3, max_weight, ttl: expiry, idle: expiry };
            let hash = directory.hash_of(key);
            let record = Record { hash, version: 1, weight: 1 << 63, stored: now, used: now };
            let bound = directory.bound(limits).max(1);
            directory.add(record, limits, now);
            assert!(directory.records.len() <= bound);
            let found = directory.find(key, limits, now).expect("it was added");
            directory.touch(found, limits, now);
        }
    }
    directory.invalidate(key);
    assert!(!directory.allows(ticket, key) && directory.allows(directory.ticket(), key));
}

/// A namespace can be added to any list.
pub(in crate::shared) fn index(bytes: &[u8]) {
    let space = Namespace::new("crate::f", 7).with_maxsize(Some(9));
    for bytes in with_and_without_seal(bytes) {
        let list = index::with(&bytes, &space).unwrap_or(bytes);
        let read = index::decode(&list).expect("what was written can be read");
        assert!(read.iter().any(|summary| summary.id == space.id()));
        assert_eq!(index::with(&list, &space), None);
    }
}

/// An entry is written as it was read.
pub(in crate::shared) fn item(bytes: &[u8]) {
    for bytes in with_and_without_seal(bytes) {
        let Some(item) = Item::decode(&bytes) else { continue };
        assert_eq!(item.encode(), bytes);
    }
}

/// The answers to several commands do not depend on how the bytes are split into reads.
pub(in crate::shared) fn wire(bytes: &[u8]) {
    let at_once = answers(Connection::of(bytes), bytes.len());
    let in_pieces = answers(Connection::of(Slow(bytes)), bytes.len());
    assert_eq!(at_once, in_pieces);
    at_once.into_iter().for_each(|answer| _ = answer.counter());
}

fn answers(mut connection: Connection<impl Read>, length: usize) -> Vec<Answer> {
    let mut answers = Vec::new();
    while let Ok(answer) = connection.answer() {
        answers.push(answer);
        assert!(answers.len() <= length, "an answer that takes no bytes");
    }
    assert!(connection.capacity() <= (2 * length).max(1 << 16), "more room than there are bytes");
    answers
}

/// Returns a few bytes at a time.
struct Slow<'a>(&'a [u8]);

impl Read for Slow<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let some = buffer.len().min(5);
        self.0.read(&mut buffer[..some])
    }
}
