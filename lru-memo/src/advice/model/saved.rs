//! A model as bytes, so that a store can hold it.

use alloc::vec::Vec;

use super::{Counts, LEVELS, Level, Model};
use crate::advice::stack::Stack;

impl Model {
    /// Appends the bytes of the model.
    pub(in crate::advice) fn write(&self, bytes: &mut Vec<u8>) {
        bytes.push(self.turn as u8);
        bytes.extend((self.present as u64).to_le_bytes());
        for level in &self.levels {
            bytes.extend(level.lookups.to_le_bytes());
            bytes.extend(level.lookups_of_next.to_le_bytes());
            let first_pause = level.first_pause.map_or(u32::MAX, |keys| keys as u32);
            bytes.extend(first_pause.to_le_bytes());
            bytes.extend((level.stack.keys().count() as u32).to_le_bytes());
            level.stack.keys().for_each(|key| bytes.extend(key.to_le_bytes()));
            bytes.extend((level.found.len() as u32).to_le_bytes());
            for Counts { found, censored } in &level.found {
                bytes.extend(found.to_le_bytes());
                bytes.extend(censored.to_le_bytes());
            }
        }
    }

    /// Reads a model of a cache with this bound; `None` if the bytes are none.
    pub(in crate::advice) fn read(mut bytes: &[u8], maxsize: usize) -> Option<Self> {
        let bytes = &mut bytes;
        let mut model = Self::new(maxsize);
        model.turn = u32::from(word::<1>(bytes)?[0]);
        model.present = usize::try_from(u64::from_le_bytes(word(bytes)?)).ok()?.min(maxsize);
        for level in &mut model.levels {
            *level = Level::read(bytes, level.number)?;
        }
        (model.turn < LEVELS && bytes.is_empty()).then_some(model)
    }
}

impl Level {
    fn read(bytes: &mut &[u8], number: u32) -> Option<Self> {
        let mut level = Self::new(number);
        let deepest = level.stack.deepest();
        level.lookups = count(f64::from_le_bytes(word(bytes)?))?;
        level.lookups_of_next = count(f64::from_le_bytes(word(bytes)?))?;
        level.first_pause = Some(u32::from_le_bytes(word(bytes)?) as usize).filter(|&keys| keys <= deepest);
        let keys = length(bytes, deepest)?;
        let keys = (0..keys).map(|_| Some(u32::from_le_bytes(word(bytes)?)));
        level.stack = Stack::of(deepest, keys.collect::<Option<_>>()?);
        let places = length(bytes, deepest)?;
        for _ in 0..places {
            let mut number = || count(f64::from(f32::from_le_bytes(word(bytes)?)));
            level.found.push(Counts { found: number()? as f32, censored: number()? as f32 });
        }
        Some(level)
    }
}

/// Takes the first bytes.
fn word<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (&word, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(word)
}

fn length(bytes: &mut &[u8], most: usize) -> Option<usize> {
    Some(u32::from_le_bytes(word(bytes)?) as usize).filter(|&length| length <= most)
}

fn count(number: f64) -> Option<f64> {
    (number.is_finite() && number >= 0.0).then_some(number)
}
