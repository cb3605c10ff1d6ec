//! The encoding of entries and namespaces in LMDB: keys and records.
//!
//! | key | record |
//! |---|---|
//! | `i` | the number of the instance |
//! | `n`, id | a namespace |
//! | `e`, space, hash, number | an entry; entries with the same hash have the numbers 0, 1, ... without gaps |

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use crate::shared::hash::hash;
use crate::shared::namespace::Namespace;

pub(super) const INSTANCE: &[u8] = b"i";
pub(super) const NAMESPACE: &[u8] = b"n";

pub(super) type EntryKey = [u8; 15];

pub(super) fn entry_key(space: u32, hash: u64, number: u16) -> EntryKey {
    let mut key = [b'e'; 15];
    key[1..5].copy_from_slice(&space.to_be_bytes());
    key[5..13].copy_from_slice(&hash.to_be_bytes());
    key[13..].copy_from_slice(&number.to_be_bytes());
    key
}

/// Returns the common prefix of the keys of all entries of a space.
pub(super) fn entries_of(space: u32) -> [u8; 5] {
    let mut prefix = [b'e'; 5];
    prefix[1..].copy_from_slice(&space.to_be_bytes());
    prefix
}

/// Returns the hash in the key of an entry.
pub(super) fn hash_in(key: &[u8]) -> Option<u64> {
    Some(u64::from_be_bytes(key.get(5..13)?.try_into().ok()?))
}

pub(super) fn namespace_key(id: u128) -> [u8; 17] {
    let mut key = [b'n'; 17];
    key[1..].copy_from_slice(&id.to_be_bytes());
    key
}

pub(super) fn id_in(key: &[u8]) -> Option<u128> {
    Some(u128::from_be_bytes(key.get(1..17)?.try_into().ok()?))
}

/// The record of an entry in LMDB.
#[derive(Clone, Copy)]
pub(super) struct Record<'a> {
    pub(super) slot: u32,
    pub(super) since: u64,
    pub(super) weight: u64,
    /// The stamp of the slot when the entry was stored.
    pub(super) stamp: u64,
    check: u64,
    pub(super) key: &'a [u8],
    pub(super) value: &'a [u8],
}

const HEAD: usize = 40;

impl<'a> Record<'a> {
    /// Makes a record without its [checksum](Self::checked).
    pub(super) fn new(
        slot: u32,
        since: u64,
        weight: u64,
        stamp: u64,
        key: &'a [u8],
        value: &'a [u8],
    ) -> Self {
        Self { slot, since, weight, stamp, check: 0, key, value }
    }

    /// Sets the checksum, by which [`is_whole`](Self::is_whole) recognises a complete value.
    pub(super) fn checked(self) -> Self {
        Self { check: hash([self.since, self.weight], self.value), ..self }
    }

    pub(super) fn length(&self) -> usize {
        HEAD + self.key.len() + self.value.len()
    }

    /// Returns the approximate room in LMDB, in bytes.
    pub(super) fn bytes(&self) -> u64 {
        const PAGE: u64 = 4096;
        // A leaf page is at least half full. A record longer than half a page has pages of its own.
        let length = self.length() as u64;
        if length < 2000 { (length + 24) * 3 / 2 } else { (length + 16).next_multiple_of(PAGE) + 64 }
    }

    /// Returns the bytes before the key and the value.
    pub(super) fn head(&self) -> [u8; HEAD] {
        let mut head = [0; HEAD];
        head[..4].copy_from_slice(&self.slot.to_le_bytes());
        head[4..8].copy_from_slice(&(self.key.len() as u32).to_le_bytes());
        for (at, word) in [self.since, self.weight, self.stamp, self.check].into_iter().enumerate() {
            head[8 + 8 * at..16 + 8 * at].copy_from_slice(&word.to_le_bytes());
        }
        head
    }

    pub(super) fn read(bytes: &'a [u8]) -> Option<Self> {
        let (head, rest) = bytes.split_at_checked(HEAD)?;
        let word = |at: usize| Some(u64::from_le_bytes(head[8 * at..8 * at + 8].try_into().ok()?));
        let first = word(0)?;
        let (key, value) = rest.split_at_checked((first >> 32) as usize)?;
        let (since, weight, stamp, check) = (word(1)?, word(2)?, word(3)?, word(4)?);
        Some(Self { slot: first as u32, since, weight, stamp, check, key, value })
    }

    /// Whether this is the value that was stored, by its checksum.
    pub(super) fn is_whole(&self, value: &[u8]) -> bool {
        self.check == hash([self.since, self.weight], value)
    }
}

/// The record of a namespace in LMDB.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Named {
    pub(super) space: u32,
    /// How often it was cleared.
    pub(super) generation: u64,
    /// The present bound.
    pub(super) maxsize: Option<usize>,
    pub(super) max_weight: Option<u64>,
    pub(super) ttl: Option<Duration>,
    pub(super) idle: Option<Duration>,
    pub(super) name: String,
}

/// A byte that no text has. It ends a name that another limit follows.
const END_OF_NAME: u8 = 0xff;

impl Named {
    pub(super) fn new(space: u32, generation: u64, namespace: &Namespace) -> Self {
        let name = namespace.name().to_owned();
        let (maxsize, max_weight) = (namespace.maxsize(), namespace.max_weight());
        let (ttl, idle) = (namespace.ttl(), namespace.idle());
        Self { space, generation, maxsize, max_weight, ttl, idle, name }
    }

    pub(super) fn write(&self) -> Vec<u8> {
        // A limit that does not fit the field is written as none: the others are for people only.
        let maxsize = self.maxsize.map_or(u64::MAX, |maxsize| maxsize as u64);
        let nanoseconds = |length: Duration| u64::try_from(length.as_nanos()).ok();
        let ttl = self.ttl.and_then(nanoseconds).unwrap_or(u64::MAX);
        let mut bytes = self.space.to_le_bytes().to_vec();
        bytes.extend(self.generation.to_le_bytes());
        for limit in [maxsize, self.max_weight.unwrap_or(u64::MAX), ttl] {
            bytes.extend(limit.to_le_bytes());
        }
        bytes.extend(self.name.as_bytes());
        if let Some(idle) = self.idle.and_then(nanoseconds) {
            bytes.push(END_OF_NAME);
            bytes.extend(idle.to_le_bytes());
        }
        bytes
    }

    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let (head, name) = bytes.split_at_checked(36)?;
        let (name, idle) = match name.iter().position(|&byte| byte == END_OF_NAME) {
            Some(end) => (&name[..end], Some(u64::from_le_bytes(name[end + 1..].try_into().ok()?))),
            None => (name, None),
        };
        let limit = |at: usize| {
            let limit = u64::from_le_bytes(head[at..at + 8].try_into().ok()?);
            (limit != u64::MAX).then_some(limit)
        };
        Some(Self {
            space: u32::from_le_bytes(head[..4].try_into().ok()?),
            generation: u64::from_le_bytes(head[4..12].try_into().ok()?),
            maxsize: limit(12).and_then(|maxsize| usize::try_from(maxsize).ok()),
            max_weight: limit(20),
            ttl: limit(28).map(Duration::from_nanos),
            idle: idle.map(Duration::from_nanos),
            name: core::str::from_utf8(name).ok()?.to_owned(),
        })
    }
}
