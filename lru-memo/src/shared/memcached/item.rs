//! An entry as the bytes of an item. The item holds the whole key and a checksum, because other programs may write to
//! the server.

use alloc::vec::Vec;

use crate::shared::hash::hash;

const MARK: &[u8; 4] = b"LMv1";
const SEED: [u64; 2] = [0x4c4d_7631, 0x6974_656d];

/// The contents of an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Item<'a> {
    pub(super) key: &'a [u8],
    pub(super) value: &'a [u8],
    /// When it was stored, in nanoseconds since 1970.
    pub(super) stored: u64,
}

impl<'a> Item<'a> {
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.key.len() + self.value.len() + 24);
        bytes.extend_from_slice(MARK);
        bytes.extend(self.stored.to_le_bytes());
        bytes.extend((self.key.len() as u32).to_le_bytes());
        bytes.extend_from_slice(self.key);
        bytes.extend_from_slice(self.value);
        seal(&mut bytes);
        bytes
    }

    /// Decodes an item. Returns `None` if the bytes are not the item of an entry.
    pub(super) fn decode(bytes: &'a [u8]) -> Option<Self> {
        let rest = unsealed(bytes)?.strip_prefix(MARK)?;
        let (stored, rest) = rest.split_first_chunk()?;
        let (length, rest) = rest.split_first_chunk()?;
        let (key, value) = rest.split_at_checked(u32::from_le_bytes(*length) as usize)?;
        Some(Self { key, value, stored: u64::from_le_bytes(*stored) })
    }
}

/// Appends a checksum.
pub(super) fn seal(bytes: &mut Vec<u8>) {
    bytes.extend(hash(SEED, bytes).to_le_bytes());
}

/// Returns the bytes before the checksum, if the checksum is right.
pub(super) fn unsealed(bytes: &[u8]) -> Option<&[u8]> {
    let (rest, sum) = bytes.split_last_chunk()?;
    (u64::from_le_bytes(*sum) == hash(SEED, rest)).then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_item_is_read_as_written_and_none_other() {
        for (key, value) in [(&b""[..], &b""[..]), (b"k", b""), (b"", b"v"), (b"key\r\n", b"END\r\n")] {
            let item = Item { key, value, stored: 7 };
            let bytes = item.encode();
            assert_eq!(Item::decode(&bytes), Some(item));
            for at in 0..bytes.len() {
                assert_eq!(Item::decode(&bytes[..at]), None);
                let mut changed = bytes.clone();
                changed[at] ^= 1;
                assert_eq!(Item::decode(&changed), None);
            }
        }
    }
}
