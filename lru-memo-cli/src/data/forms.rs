//! Which keys a person may mean: `7` is a key of ten types of integers and two of floats.
//!
//! A store does not hold the types of a function. Its keys tell them: they say what they hold. So what is written is
//! first read like the keys that are there. Where there are none, or the store does not list them, every type that fits
//! is tried, unless it was written: `7u32`.

use std::mem::discriminant;

use lru_memo::shared::Data;

use super::spelling::{Spelling, is_word};

/// Of how many keys one is looked for, at most.
const MOST: usize = 4096;

/// The keys that may be meant.
pub(crate) struct Forms {
    /// Those like the keys that are there.
    pub(crate) likely: Vec<Vec<u8>>,
    pub(crate) others: Vec<Vec<u8>>,
}

/// The keys that may be meant by a text, beside keys that are there.
///
/// # Errors
/// When nothing is meant by it, or too much.
pub(crate) fn forms(text: &str, present: &[Vec<u8>]) -> Result<Forms, String> {
    let spelling: Spelling =
        syn::parse_str(text).map_err(|error| format!("{error}; a text stands in quotes: \"Ada\""))?;
    let mut likely = Vec::new();
    for like in present.iter().filter_map(|key| Data::read_key(key)) {
        for parts in [spelling.parts(), Some(vec![&spelling])].into_iter().flatten() {
            if parts.len() == like.len() {
                add(product(&parts, |at| like.get(at)).unwrap_or_default(), &mut likely);
            }
        }
    }
    let mut others = Vec::new();
    let mut is_too_much = false;
    for parts in [Some(vec![&spelling]), spelling.parts()].into_iter().flatten() {
        match product(&parts, |_| None) {
            Some(keys) => add(keys, &mut others),
            None => is_too_much = true,
        }
    }
    if let Spelling::Bytes(bytes) = spelling {
        others.push(bytes);
    }
    others.retain(|key| !likely.contains(key));
    if is_too_much && likely.is_empty() {
        return Err("this may be of too many types: write those of the numbers, as in 7u32".to_owned());
    }
    Ok(Forms { likely, others })
}

fn add(keys: Vec<Vec<Data>>, all: &mut Vec<Vec<u8>>) {
    // What is nested too deeply to be written is no key.
    for key in keys.iter().filter_map(|key| Data::write_key(key).ok()) {
        if !all.contains(&key) {
            all.push(key);
        }
    }
}

/// All choices of a form for each of these; `None` if they are too many.
fn product<'a>(spellings: &[&Spelling], like: impl Fn(usize) -> Option<&'a Data>) -> Option<Vec<Vec<Data>>> {
    let mut chosen = vec![Vec::new()];
    for (at, spelling) in spellings.iter().enumerate() {
        let forms = spelling.forms(like(at))?;
        if chosen.len() * forms.len() > MOST {
            return None;
        }
        let with = |before: &Vec<Data>| {
            forms.iter().map(|form| before.iter().chain([form]).cloned().collect()).collect::<Vec<_>>()
        };
        chosen = chosen.iter().flat_map(with).collect();
    }
    Some(chosen)
}

/// As [`product`], for elements of one type: that of the first.
fn of_one_type(elements: &[&Spelling], like: Option<&Data>) -> Option<Vec<Vec<Data>>> {
    let Some(first) = elements.first() else { return Some(vec![Vec::new()]) };
    let mut all = Vec::new();
    for first in first.forms(like)? {
        let rest = product(&elements[1..], |_| Some(&first))?;
        all.extend(rest.into_iter().map(|rest| [first.clone()].into_iter().chain(rest).collect()));
        if all.len() > MOST {
            return None;
        }
    }
    Some(all)
}

impl Spelling {
    /// What it means if it is several arguments.
    fn parts(&self) -> Option<Vec<&Self>> {
        match self {
            Self::Tuple(elements) => Some(elements.iter().collect()),
            _ => None,
        }
    }

    /// What data it may be; only such of the type of other data, if there is any. `None` if it is too much.
    fn forms(&self, like: Option<&Data>) -> Option<Vec<Data>> {
        let mut forms = match self {
            Self::Bool(value) => vec![Data::Bool(*value)],
            Self::Number(digits, of_type) => numbers(digits, of_type),
            Self::Char(character) => vec![Data::Char(*character)],
            Self::Text(text) if is_word(text) => vec![Data::Text(text.clone())],
            Self::Text(text) => words(text),
            Self::Bytes(bytes) => vec![Data::Bytes(bytes.clone()), Data::ByteSequence(bytes.clone())],
            Self::Word(word) => {
                let of_word = if word == "None" { vec![Data::None] } else { numbers(word, "") };
                of_word.into_iter().chain(words(word)).collect()
            }
            Self::Tuple(elements) => {
                let inside = match like {
                    Some(Data::Tuple(like)) => &like[..],
                    _ => &[],
                };
                let of_none = elements.is_empty().then_some(Data::Unit);
                of_none.into_iter().chain(tuples(elements, inside)?).collect()
            }
            Self::List(elements) => {
                let inside = match like {
                    Some(Data::Sequence(like) | Data::Tuple(like)) => like.first(),
                    Some(Data::ByteSequence(like)) if !like.is_empty() => Some(&Data::U8(0)),
                    _ => None,
                };
                let lists = of_one_type(&elements.iter().collect::<Vec<_>>(), inside)?;
                lists.into_iter().flat_map(|list| [sequence(&list), Data::Tuple(list)]).collect()
            }
            Self::Map(entries) => maps(entries, like)?,
            Self::Call(name, elements) => {
                let inside = like.and_then(|like| inside(like, name));
                let one = if let [element] = &elements[..] { element.forms(inside)? } else { Vec::new() };
                let several = match inside {
                    _ if elements.len() == 1 => Vec::new(),
                    Some(Data::Tuple(like)) => tuples(elements, like)?,
                    _ => tuples(elements, &[])?,
                };
                one.into_iter().chain(several).flat_map(|inside| named(name, inside)).collect()
            }
            Self::Record(name, fields) => {
                let like = match like.and_then(|like| inside(like, name)) {
                    Some(Data::Struct(like)) => &like[..],
                    _ => &[],
                };
                let of_name = |name: &String| like.iter().find(|like| like.0 == *name).map(|like| &like.1);
                let values: Vec<_> = fields.iter().map(|(_, value)| value).collect();
                let names = || fields.iter().map(|(name, _)| name.clone());
                let all = product(&values, |at| of_name(&fields[at].0))?;
                let records = all.into_iter().map(|values| Data::Struct(names().zip(values).collect()));
                records.flat_map(|record| named(name, record)).collect()
            }
        };
        if let Some(like) = like {
            let is_like = |form: &Data| discriminant(form) == discriminant(like);
            if forms.iter().any(is_like) {
                forms.retain(is_like);
            } else if is_number(like) {
                forms.retain(|form| !is_number(form));
            }
        }
        Some(forms)
    }
}

fn tuples(elements: &[Spelling], like: &[Data]) -> Option<Vec<Data>> {
    let elements: Vec<_> = elements.iter().collect();
    Some(product(&elements, |at| like.get(at))?.into_iter().map(Data::Tuple).collect())
}

/// A map is a sequence of pairs of one type.
fn maps(entries: &[(Spelling, Spelling)], like: Option<&Data>) -> Option<Vec<Data>> {
    let pairs: Vec<_> =
        entries.iter().map(|(key, value)| Spelling::Tuple(vec![key.clone(), value.clone()])).collect();
    let like = match like {
        Some(Data::Map(like)) => {
            like.first().map(|(key, value)| Data::Tuple(vec![key.clone(), value.clone()]))
        }
        _ => None,
    };
    let entry = |pair: Data| match pair {
        Data::Tuple(pair) => <[Data; 2]>::try_from(pair).ok().map(|[key, value]| (key, value)),
        _ => None,
    };
    let maps = of_one_type(&pairs.iter().collect::<Vec<_>>(), like.as_ref())?;
    Some(maps.into_iter().map(|pairs| Data::Map(pairs.into_iter().filter_map(entry).collect())).collect())
}

/// What data of this name holds.
fn inside<'a>(data: &'a Data, wanted: &str) -> Option<&'a Data> {
    match data {
        Data::Some(inside) if wanted == "Some" => Some(inside),
        Data::Variant(name, inside) | Data::Named(name, inside) if name == wanted => Some(inside),
        _ => None,
    }
}

fn named(name: &str, inside: Data) -> Vec<Data> {
    let mut all = vec![
        Data::Variant(name.to_owned(), inside.clone().into()),
        Data::Named(name.to_owned(), inside.clone().into()),
    ];
    if name == "Some" {
        all.insert(0, Data::Some(inside.into()));
    }
    all
}

/// A word without anything: a text, a variant, or a struct.
fn words(word: &str) -> Vec<Data> {
    let word = word.to_owned();
    vec![Data::Text(word.clone()), Data::UnitVariant(word.clone()), Data::Named(word, Data::Unit.into())]
}

/// As it is stored: bytes and an empty sequence are of a kind of their own.
fn sequence(elements: &[Data]) -> Data {
    let byte = |element: &Data| if let Data::U8(byte) = element { Some(*byte) } else { None };
    let bytes = elements.iter().map(byte).collect::<Option<_>>();
    bytes.map_or_else(|| Data::Sequence(elements.to_owned()), Data::ByteSequence)
}

macro_rules! number_types {
    ($($Variant:ident $Type:ident $zero:expr;)*) => {
        /// The number of each type that holds it, or of the one that was written.
        fn numbers(digits: &str, of_type: &str) -> Vec<Data> {
            let mut numbers = Vec::new();
            // Stores hold these as numbers of 64 bits.
            let of_type = match of_type { "usize" => "u64", "isize" => "i64", other => other };
            $(if of_type.is_empty() || of_type == stringify!($Type) {
                // In keys, -0.0 is 0.0.
                numbers.extend(digits.parse::<$Type>().ok().map(|number| Data::$Variant(number + $zero)));
            })*
            numbers
        }

        fn is_number(data: &Data) -> bool {
            matches!(data, $(Data::$Variant(_))|*)
        }
    };
}
number_types! {
    U32 u32 0; U64 u64 0; I32 i32 0; I64 i64 0; U8 u8 0; U16 u16 0; U128 u128 0; I8 i8 0; I16 i16 0; I128 i128 0;
    F64 f64 0.0; F32 f32 0.0;
}
