//! The list of the namespaces whose directories are on a server: one item.

use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use super::item::{seal, unsealed};
use crate::shared::namespace::Namespace;
use crate::shared::{Counts, Summary};

const MARK: &[u8; 4] = b"LMi2";
/// The maximum number of namespaces. The oldest ones drop out of a longer list.
const MOST: usize = 4096;
/// The maximum length of a name in the list. A longer name is cut.
const LONGEST_NAME: usize = 100;
const NONE: u64 = u64::MAX;

/// Returns the list with a namespace added, or `None` if the list has it already.
pub(super) fn with(bytes: &[u8], space: &Namespace) -> Option<Vec<u8>> {
    let mut all = decode(bytes).unwrap_or_default();
    if all.iter().any(|summary| summary.id == space.id()) {
        return None;
    }
    all.push(Summary::new(space, Counts::default()));
    Some(encode(&all[all.len().saturating_sub(MOST)..]))
}

fn encode(all: &[Summary]) -> Vec<u8> {
    let mut bytes = Vec::from(*MARK);
    for summary in all {
        let longest = summary.name.len().min(LONGEST_NAME);
        let end = (0..=longest).rfind(|end| summary.name.is_char_boundary(*end)).unwrap_or(0);
        let name = &summary.name[..end];
        let nanoseconds = |length: Duration| u64::try_from(length.as_nanos()).unwrap_or(NONE - 1);
        let [ttl, idle] = [summary.ttl, summary.max_idle].map(|length| length.map_or(NONE, nanoseconds));
        bytes.extend(summary.id.to_le_bytes());
        let maxsize = summary.maxsize.map_or(NONE, |max| max as u64);
        for limit in [maxsize, summary.max_weight.unwrap_or(NONE), ttl, idle] {
            bytes.extend(limit.to_le_bytes());
        }
        bytes.push(name.len() as u8);
        bytes.extend_from_slice(name.as_bytes());
    }
    seal(&mut bytes);
    bytes
}

/// Decodes a list. Returns `None` if the bytes are not one.
pub(super) fn decode(bytes: &[u8]) -> Option<Vec<Summary>> {
    let mut rest = unsealed(bytes)?.strip_prefix(MARK)?;
    let mut all = Vec::new();
    while let Some((id, after)) = rest.split_first_chunk() {
        let (maxsize, after) = limit(after)?;
        let (max_weight, after) = limit(after)?;
        let (ttl, after) = limit(after)?;
        let (idle, after) = limit(after)?;
        let (length, after) = after.split_first()?;
        let (name, after) = after.split_at_checked(usize::from(*length))?;
        all.push(Summary {
            name: String::from_utf8_lossy(name).into_owned(),
            id: u128::from_le_bytes(*id),
            maxsize: maxsize.map(usize::try_from).transpose().ok()?,
            max_weight,
            ttl: ttl.map(Duration::from_nanos),
            max_idle: idle.map(Duration::from_nanos),
            counts: Counts::default(),
            totals: None,
            weight: None,
            bytes: None,
            idle: None,
            error: None,
        });
        rest = after;
    }
    rest.is_empty().then_some(all)
}

fn limit(bytes: &[u8]) -> Option<(Option<u64>, &[u8])> {
    let (number, rest) = bytes.split_first_chunk()?;
    let number = u64::from_le_bytes(*number);
    Some(((number != NONE).then_some(number), rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_read_as_written_and_nothing_else_is_one() {
        let f =
            Namespace::new("crate::f", 1).with_maxsize(Some(7)).with_ttl(Some(Duration::from_millis(1500)));
        let g = Namespace::new(&"é".repeat(200), 2).with_max_weight(Some(9));
        let one = with(b"", &f).expect("it is new");
        assert_eq!(with(&one, &f), None);
        let both = with(&one, &g).expect("it is new");
        let read = decode(&both).expect("it is a list");
        let told = |at: usize| (read[at].id, read[at].maxsize, read[at].max_weight, read[at].ttl);
        assert_eq!(told(0), (f.id(), Some(7), None, Some(Duration::from_millis(1500))));
        assert_eq!(told(1), (g.id(), None, Some(9), None));
        assert_eq!((&*read[0].name, &*read[1].name), ("crate::f", &*"é".repeat(50)));
        for at in 0..both.len() {
            assert_eq!(decode(&both[..at]), None);
        }
    }

    #[test]
    fn a_full_list_loses_the_first() {
        let all: Vec<Summary> = (0..MOST as u128)
            .map(|id| Summary { id, ..Summary::new(&Namespace::new("f", id), Counts::default()) })
            .collect();
        let list = with(&encode(&all), &Namespace::new("g", u128::MAX)).expect("it is new");
        let read = decode(&list).expect("it is a list");
        assert_eq!((read.len(), read[0].id, &*read[MOST - 1].name), (MOST, 1, "g"));
    }
}
