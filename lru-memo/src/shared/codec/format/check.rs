//! Properties of the format, for any bytes that are read as values.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;
use core::ops::Bound;
use core::time::Duration;

use serde::de::{DeserializeOwned, Deserializer, IgnoredAny};
use serde::{Deserialize, Serialize};

use super::{Data, Floats, read, read_bytes, write};

/// Reads the bytes as values of many types. Each value that can be read can be written, and read again.
pub(in crate::shared) fn check(bytes: &[u8]) {
    macro_rules! check_all {
        ($($Type:ty),* $(,)?) => { $(check_as::<$Type>(bytes);)* };
    }
    check_all!(
        bool, i8, i16, i32, i64, i128, u8, u16, u32, u64, u128, f32, f64, char, (), String,
        Vec<u8>, Vec<u16>, Vec<()>, [u8; 2], (u8, (char, bool)),
        Option<Option<u8>>, Result<u8, String>, Bound<Vec<f64>>, Duration,
        BTreeMap<String, Vec<Option<f32>>>, BTreeMap<u8, BTreeMap<i16, ()>>,
    );
    let _ = read::<IgnoredAny>(bytes);
    let _ = read::<Vec<Nothing>>(bytes);
    // A key that can be read is written as the same bytes.
    let key = Data::read_key(bytes);
    assert!(key.is_none_or(|key| Data::write_key(&key).is_ok_and(|written| written == bytes)));
    let at_once = read_bytes(bytes);
    assert!(at_once.is_none_or(|at_once| read::<Vec<u8>>(bytes).is_ok_and(|value| value == at_once)));
}

fn check_as<T: Serialize + DeserializeOwned>(bytes: &[u8]) {
    let Ok(value) = read::<T>(bytes) else { return };
    let written = written(&value);
    let again: T = read(&written).expect("what was written can be read");
    // Compares bytes rather than values: a NaN is unequal to itself.
    assert_eq!(self::written(&again), written);
}

fn written(value: &impl Serialize) -> Vec<u8> {
    let mut bytes = Vec::new();
    write(value, Floats::AsTheyAre, &mut bytes).expect("it can be written");
    bytes
}

/// A user's type that reads no bytes: a sequence could claim any number of such elements.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Nothing;

impl<'de> Deserialize<'de> for Nothing {
    fn deserialize<D: Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
        Ok(Self)
    }
}
