//! Values come back as they were; of other bytes comes an error, or some value, and never a panic.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use core::fmt::Debug;
use core::ops::Bound;
use core::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::check::Nothing;
use super::{Data, Floats, TypeCode, read, read_bytes, write, write_bytes};

fn bytes(value: &impl Serialize) -> Vec<u8> {
    let mut bytes = Vec::new();
    write(value, Floats::AsTheyAre, &mut bytes).expect("it can be written");
    bytes
}

fn comes_back<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: T) {
    let bytes = bytes(&value);
    assert_eq!(read::<T>(&bytes).ok(), Some(value));
    let data = Data::read_value(&bytes).expect("it is data");
    assert_eq!(Data::write_key(&[data]).as_deref(), Ok(&bytes[..]));
    // Whatever is read of these is allowed, but to panic, or to take all memory.
    for length in 0..bytes.len() {
        assert!(read::<T>(&bytes[..length]).is_err(), "it is shorter than it says");
        for change in [1, 0x80, 0xff] {
            let mut changed = bytes.clone();
            changed[length] ^= change;
            let _ = read::<T>(&changed);
        }
    }
    let longer = [&bytes[..], &[0]].concat();
    assert!(read::<T>(&longer).is_err(), "it is longer than it says");
}

#[test]
fn numbers_come_back() {
    comes_back((u8::MAX, u16::MAX, u32::MAX, u64::MAX, u128::MAX));
    comes_back((i8::MIN, i16::MIN, i32::MIN, i64::MIN, i128::MIN));
    comes_back((1.5_f32, f64::MIN_POSITIVE, '\u{10ffff}', true, false));
    let zero: f64 = read(&bytes(&-0.0)).expect("a float");
    assert!(zero.is_sign_negative());
    let nan = f64::from_bits(0x7ff8_0000_0000_0001);
    assert_eq!(read::<f64>(&bytes(&nan)).map(f64::to_bits).ok(), Some(nan.to_bits()));
}

#[test]
fn texts_and_collections_come_back() {
    for length in [0, 1, 254, 255, 300] {
        comes_back("\u{e9}".repeat(length));
        comes_back(vec![7_u8; length]);
        comes_back(vec![7_u16; length]);
    }
    comes_back(vec![Vec::new(), vec![1_u8], vec![2, 3]]);
    let map: BTreeMap<String, Option<u8>> = [("a".into(), None), ("b".into(), Some(1))].into();
    comes_back(map);
    comes_back([(1_u8, "x".to_owned()), (2, String::new())]);
    comes_back(Duration::new(1, 2));
}

#[test]
fn bytes_are_the_same_at_once_as_one_by_one() {
    for length in [0, 1, 300] {
        let value = vec![7_u8; length];
        let mut at_once = Vec::new();
        write_bytes(&value, &mut at_once);
        assert_eq!(at_once, bytes(&value));
        assert_eq!(read_bytes(&at_once), Some(&value[..]));
        assert_eq!(read_bytes(&at_once[..at_once.len() - 1]), None);
        assert_eq!(read_bytes(&[&at_once[..], &[0]].concat()), None);
    }
    assert_eq!(read_bytes(&bytes(&vec![7_u16; 2])), None);
}

#[test]
fn options_and_units_come_back() {
    comes_back((None::<()>, Some(()), None::<Option<u8>>, Some(None::<u8>), Some(Some(1_u8))));
    comes_back(Ok::<u8, String>(1));
    comes_back(Err::<u8, String>("e".into()));
    comes_back(());
}

#[test]
fn what_is_nested_too_deeply_is_an_error() {
    let one = 1_u64.to_le_bytes();
    let sequence = [&[TypeCode::Sequence as u8][..], &one].concat();
    let map = [&[TypeCode::Map as u8][..], &2_u64.to_le_bytes(), &[TypeCode::Unit as u8, 0]].concat();
    let (some, tuple, named) =
        ([TypeCode::Some as u8, 1], [TypeCode::Tuple as u8, 1], [TypeCode::Named as u8, 0]);
    for level in [&some[..], &tuple, &named, &[TypeCode::Variant as u8, 0], &sequence, &map] {
        let nested = level.repeat(100_000);
        let small = std::thread::Builder::new().stack_size(256 << 10);
        let refused = small.spawn(move || {
            read::<serde::de::IgnoredAny>(&nested).is_err() && Data::read_key(&nested).is_none()
        });
        assert!(refused.expect("it starts").join().expect("it ends"), "{level:?}");
    }
}

#[test]
fn a_count_that_cannot_be_true_takes_no_memory() {
    let mut sequence = vec![TypeCode::Sequence as u8];
    sequence.extend(u64::MAX.to_le_bytes());
    assert!(read::<Vec<u64>>(&sequence).is_err());
    assert_eq!(Data::read_value(&sequence), None);
}

#[test]
fn a_count_that_cannot_be_true_takes_no_time() {
    for (code, count) in [(TypeCode::Sequence, u64::MAX), (TypeCode::Sequence, 2), (TypeCode::Map, u64::MAX)]
    {
        let bytes = [&[code as u8][..], &count.to_le_bytes(), &[0]].concat();
        assert!(read::<Vec<Nothing>>(&bytes).is_err());
        assert!(read::<BTreeMap<Nothing, Nothing>>(&bytes).is_err());
    }
}

#[test]
fn bytes_are_not_read_as_fewer_or_more() {
    let three = bytes(&vec![1_u8, 2, 3]);
    assert_eq!(read::<[u8; 3]>(&three).ok(), Some([1, 2, 3]));
    assert!(read::<[u8; 2]>(&three).is_err());
    assert!(read::<(u8, u8)>(&three).is_err());
    assert!(read::<[u8; 4]>(&three).is_err());
}

#[test]
fn every_tag_is_found_by_its_number() {
    for (number, code) in TypeCode::ALL.into_iter().enumerate() {
        assert_eq!(code as usize, number);
    }
}

#[test]
fn data_tells_types_and_names() {
    fn data(value: &impl Serialize) -> Data {
        Data::read_value(&bytes(value)).expect("it is data")
    }
    assert_eq!(data(&92_u32), Data::U32(92));
    let fields = vec![("secs".into(), Data::U64(1)), ("nanos".into(), Data::U32(2))];
    let duration = Data::Named("Duration".into(), Data::Struct(fields).into());
    assert_eq!(data(&Duration::new(1, 2)), duration);
    assert_eq!(data(&Bound::<u8>::Unbounded), Data::UnitVariant("Unbounded".into()));
    let inside = Data::Tuple(vec![Data::F32(0.5), Data::Char('a')]);
    assert_eq!(data(&Bound::Included((0.5_f32, 'a'))), Data::Variant("Included".into(), inside.into()));
    assert_eq!(data(&vec![1_u8, 2]), Data::ByteSequence(vec![1, 2]));
    assert_eq!(data(&[1_u16, 2]), Data::Tuple(vec![Data::U16(1), Data::U16(2)]));
    let map: BTreeMap<i8, Option<()>> = [(-1, None), (2, Some(()))].into();
    let entries = vec![(Data::I8(-1), Data::None), (Data::I8(2), Data::Some(Data::Unit.into()))];
    assert_eq!(data(&map), Data::Map(entries));
}

#[test]
fn a_key_is_read_argument_by_argument() {
    let mut key = bytes(&"Ada");
    key.extend(bytes(&7_u32));
    assert_eq!(Data::read_key(&key), Some(vec![Data::Text("Ada".into()), Data::U32(7)]));
    assert_eq!(Data::read_value(&key), None, "they are two");
    assert_eq!(Data::read_key(&[]), Some(Vec::new()), "a function without arguments has one key");
    // A unit of some length, which reads as one without.
    assert_eq!(Data::read_key(&[TypeCode::Unit as u8, 3]), None);
}
