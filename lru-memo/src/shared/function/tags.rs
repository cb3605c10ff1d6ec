//! Tags of entries on a store.
//!
//! A namespace of its own maps each tag to a generation: a unique number. A stored value begins with its tags and their
//! generations, read before the function ran. The value is current while the store has the same generations.
//! Invalidating a tag removes its generation; the next run with this tag makes a new one. If the store loses a
//! generation, the values with this tag become misses.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::time::Duration;

use once_cell::race::OnceBox;

use super::SharedCache;
use crate::info::{CacheParameters, Scope};
use crate::shared::task::Caller;
use crate::shared::unique::unique;
use crate::shared::{Entry, Namespace, Store};

/// The first byte of a value with tags. Other values begin with a `TypeCode` of the format, which is a smaller number.
const MARK: u8 = 0xfe;

/// The identity of the namespace of generations: `lru-memo tags` in bytes.
const ID: u128 = 0x6c72_752d_6d65_6d6f_2074_6167_7300_0001;

const GENERATION: usize = size_of::<u64>();

/// The generations of all tags.
fn generations() -> &'static SharedCache {
    static GENERATIONS: OnceBox<SharedCache> = OnceBox::new();
    GENERATIONS.get_or_init(|| {
        let parameters = CacheParameters::new(None, false, Scope::Shared);
        Box::new(SharedCache::new(|| "lru_memo::tags", parameters, Some(ID), false, false))
    })
}

/// Removes the generation of a tag.
pub(crate) async fn invalidate(tag: &str, caller: Caller) {
    let generations = generations();
    generations.change(caller, tag.as_bytes().to_vec(), |store, key| generations.remove(store, key)).await;
}

/// Returns the head of a value without tags, which is always current.
pub(super) fn empty_head() -> Vec<u8> {
    Vec::from([MARK, 0, 0, 0, 0])
}

/// Returns the head of a value with these tags, or `None` when the store does not work.
pub(super) async fn head(caller: Caller, tags: Vec<Box<str>>) -> Option<Vec<u8>> {
    let mut head = Vec::from([MARK]);
    head.extend(u32::try_from(tags.len()).ok()?.to_le_bytes());
    for tag in tags {
        let (tag, generation) = generations().ask(caller, tag.as_bytes().to_vec(), generation).await;
        head.extend(u32::try_from(tag.len()).ok()?.to_le_bytes());
        head.extend(&tag);
        head.extend(generation?);
    }
    Some(head)
}

/// Returns the generation of a tag, and makes one if there is none.
fn generation(
    store: &dyn Store,
    space: &Namespace,
    tag: &[u8],
) -> Result<[u8; GENERATION], crate::shared::Error> {
    if let Some(generation) = store.peek(space, tag)?.and_then(|bytes| bytes.try_into().ok()) {
        return Ok(generation);
    }
    let generation = unique().to_le_bytes();
    let weight = (tag.len() + GENERATION) as u64;
    store.store(
        space,
        tag,
        Entry { value: &generation, weight, computed_since: None, replace: true, age: Duration::ZERO },
    )?;
    Ok(generation)
}

/// Whether the store still has the generations of this value. False for bytes without a valid head.
pub(super) async fn are_current(caller: Caller, bytes: &[u8]) -> bool {
    let Some((tags, _)) = split(bytes) else { return false };
    for (tag, generation) in tags {
        let peek = |store: &dyn Store, space: &Namespace, key: &[u8]| store.peek(space, key);
        let (_, found) = generations().ask(caller, tag.to_vec(), peek).await;
        if found.flatten().is_none_or(|found| found != generation) {
            return false;
        }
    }
    true
}

/// Returns the value after the head, or `None` for bytes without a valid head.
pub(in crate::shared) fn without_head(bytes: &[u8]) -> Option<&[u8]> {
    split(bytes).map(|(_, value)| value)
}

/// A tag and its generation.
type Stamped<'b> = (&'b [u8], &'b [u8]);

fn split(bytes: &[u8]) -> Option<(Vec<Stamped<'_>>, &[u8])> {
    let number = |bytes: &mut &[u8]| {
        let (number, rest) = bytes.split_first_chunk()?;
        *bytes = rest;
        Some(u32::from_le_bytes(*number) as usize)
    };
    let (&MARK, mut rest) = bytes.split_first()? else { return None };
    let mut tags = Vec::new();
    for _ in 0..number(&mut rest)? {
        let length = number(&mut rest)?;
        let (tag, after) = rest.split_at_checked(length)?;
        let (generation, after) = after.split_at_checked(GENERATION)?;
        tags.push((tag, generation));
        rest = after;
    }
    Some((tags, rest))
}

/// Puts the head before a value.
pub(super) fn with_head(mut head: Vec<u8>, bytes: Vec<u8>) -> Vec<u8> {
    if head.is_empty() {
        return bytes;
    }
    head.extend(bytes);
    head
}
