//! Data as JSON: as `serde_json` would write the types themselves.

use lru_memo::shared::Data;
use serde::{Serialize, Serializer};

use super::Content;

pub(super) struct Json<'a>(pub(super) &'a Data);

impl Serialize for Json<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Data::Bool(value) => serializer.serialize_bool(*value),
            Data::I8(number) => serializer.serialize_i8(*number),
            Data::I16(number) => serializer.serialize_i16(*number),
            Data::I32(number) => serializer.serialize_i32(*number),
            Data::I64(number) => serializer.serialize_i64(*number),
            Data::I128(number) => serializer.serialize_i128(*number),
            Data::U8(number) => serializer.serialize_u8(*number),
            Data::U16(number) => serializer.serialize_u16(*number),
            Data::U32(number) => serializer.serialize_u32(*number),
            Data::U64(number) => serializer.serialize_u64(*number),
            Data::U128(number) => serializer.serialize_u128(*number),
            Data::F32(number) => serializer.serialize_f32(*number),
            Data::F64(number) => serializer.serialize_f64(*number),
            Data::Char(character) => serializer.serialize_char(*character),
            Data::Text(text) | Data::UnitVariant(text) => serializer.serialize_str(text),
            Data::Bytes(bytes) | Data::ByteSequence(bytes) => serializer.collect_seq(bytes),
            Data::None | Data::Unit => serializer.serialize_unit(),
            Data::Some(inside) | Data::Named(_, inside) => Json(inside).serialize(serializer),
            Data::Variant(name, inside) => serializer.collect_map([(name, Json(inside))]),
            Data::Sequence(elements) | Data::Tuple(elements) => {
                serializer.collect_seq(elements.iter().map(Json))
            }
            Data::Map(entries) => {
                serializer.collect_map(entries.iter().map(|(key, value)| (text(key), Json(value))))
            }
            Data::Struct(fields) => {
                serializer.collect_map(fields.iter().map(|(name, value)| (name, Json(value))))
            }
        }
    }
}

/// The key of an entry of a map: JSON has texts only.
fn text(key: &Data) -> String {
    match key {
        Data::Text(text) | Data::UnitVariant(text) => text.clone(),
        Data::Char(character) => character.to_string(),
        other => Content::Parts(vec![other.clone()]).to_string(),
    }
}
