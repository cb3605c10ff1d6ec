//! Whatever a person writes is read or refused, and every key that the command prints is read again.

use lru_memo::shared::Data;
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;

use super::{Content, forms};

/// Names as serde lets one choose them: words, and others.
fn name() -> impl Strategy<Value = String> {
    prop_oneof!["[a-zA-Z_][a-zA-Z0-9_]{0,4}", "(true|None|Some|r#fn|fn|_)", any::<String>()]
}

fn scalar() -> impl Strategy<Value = Data> {
    prop_oneof![
        any::<bool>().prop_map(Data::Bool),
        any::<i8>().prop_map(Data::I8),
        any::<u16>().prop_map(Data::U16),
        any::<i32>().prop_map(Data::I32),
        any::<u64>().prop_map(Data::U64),
        any::<i128>().prop_map(Data::I128),
        any::<u128>().prop_map(Data::U128),
        // In keys, -0.0 is 0.0.
        any::<f32>().prop_map(|number| Data::F32(number + 0.0)),
        prop_oneof![any::<f64>(), Just(f64::NAN), Just(f64::NEG_INFINITY)]
            .prop_map(|number| Data::F64(number + 0.0)),
        any::<char>().prop_map(Data::Char),
        any::<String>().prop_map(Data::Text),
        vec(any::<u8>(), 0..5).prop_map(Data::Bytes),
        vec(any::<u8>(), 0..5).prop_map(Data::ByteSequence),
        Just(Data::None),
        Just(Data::Unit),
        name().prop_map(Data::UnitVariant),
    ]
}

/// Data of the forms that serde makes of a Rust type: fields belong to a struct or a variant, which has a name.
fn data() -> impl Strategy<Value = Data> {
    scalar().prop_recursive(3, 12, 3, |inner| {
        let several = vec(inner.clone(), 0..4);
        let held = prop_oneof![
            inner.clone(),
            several.clone().prop_map(Data::Tuple),
            // No field has the name of another one.
            btree_map(name(), inner.clone(), 0..3)
                .prop_map(|fields| Data::Struct(fields.into_iter().collect())),
        ];
        prop_oneof![
            inner.clone().prop_map(|data| Data::Some(data.into())),
            (name(), held.clone()).prop_map(|(name, data)| Data::Variant(name, data.into())),
            (name(), held).prop_map(|(name, data)| Data::Named(name, data.into())),
            // Elements of one type.
            (inner.clone(), 1..3_usize).prop_map(|(data, times)| Data::Sequence(vec![data; times])),
            several.prop_map(Data::Tuple),
            (inner.clone(), inner).prop_map(|entry| Data::Map(vec![entry])),
        ]
    })
}

/// What looks like a key, and is not always one.
fn text() -> impl Strategy<Value = String> {
    let token = "(\\(|\\)|\\[|\\]|\\{|\\}|,|:|-|7|7u8|0x|1e999|\"|\"a\"|b\"|'|'c'|a|Some|None|NaN|r#|/\\*|//|\\\\u\\{| |\\PC)";
    prop_oneof![vec(token, 0..40).prop_map(|tokens| tokens.concat()), any::<String>()]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_written_is_read_or_refused(text in text(), present in vec(vec(data(), 0..3), 0..3)) {
        let present: Vec<_> = present.iter().filter_map(|key| Data::write_key(key).ok()).collect();
        if let Err(why) = forms(&text, &present) {
            prop_assert!(!why.is_empty());
        }
    }

    #[test]
    fn a_key_that_is_printed_is_read_again(parts in vec(data(), 1..3)) {
        let key = Data::write_key(&parts).expect("it is not nested deeply");
        let printed = Content::of_key(key.clone()).to_string();
        let read = forms(&printed, std::slice::from_ref(&key)).map(|forms| forms.likely);
        prop_assert!(read.as_ref().is_ok_and(|likely| likely.contains(&key)), "{printed}: {read:?}");
    }
}

#[test]
fn what_is_nested_too_deeply_is_refused() {
    for (open, close) in [("(", ")"), ("[", "]"), ("{1: ", "}"), ("Some(", ")"), ("-", "")] {
        for depth in [127, 128, 1000, 100_000] {
            let text = format!("{}1{}", open.repeat(depth), close.repeat(depth));
            assert!(forms(&text, &[]).is_err() || depth < 128, "{depth} times {open}");
        }
    }
}
