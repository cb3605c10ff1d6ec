//! The keys that a text may mean: `7` is a key of ten integer types and two float types.
//!
//! A store does not hold the types of a function, but its keys are self-describing. So a text is first read like the
//! existing keys. If there are none, or the store does not list them, every type that fits is tried, unless the text
//! has a type: `7u32`.

use std::mem::discriminant;

use lru_memo::shared::Data;

use super::spelling::{Spelling, is_word};

/// The maximum number of keys to try.
const MOST: usize = 4096;
/// The number of elements of a sequence that are examined for their type.
const EXAMPLES: usize = 64;

/// The keys that a text may mean.
pub(crate) struct Forms {
    /// The keys that are like the existing ones.
    pub(crate) likely: Vec<Vec<u8>>,
    pub(crate) others: Vec<Vec<u8>>,
}

/// Returns the keys that a text may mean, given existing keys.
///
/// # Errors
/// When the text means no key, or too many.
pub(crate) fn forms(text: &str, present: &[Vec<u8>]) -> Result<Forms, String> {
    let spelling =
        Spelling::read(text).map_err(|error| format!("{error}; a text stands in quotes: \"Ada\""))?;
    let present: Vec<_> = present.iter().filter_map(|key| Data::read_key(key)).collect();
    let mut likely = Vec::new();
    for parts in [spelling.parts(), Some(vec![&spelling])].into_iter().flatten() {
        let alike: Vec<_> = present.iter().filter(|key| key.len() == parts.len()).collect();
        if !alike.is_empty() {
            let keys = product(&parts, |at| alike.iter().map(|key| &key[at]).collect());
            add(keys.unwrap_or_default(), &mut likely);
        }
    }
    let mut others = Vec::new();
    let mut is_too_much = false;
    for parts in [Some(vec![&spelling]), spelling.parts()].into_iter().flatten() {
        match product(&parts, |_| Vec::new()) {
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
    // Data that is nested too deeply to be written is no key.
    for key in keys.iter().filter_map(|key| Data::write_key(key).ok()) {
        if !all.contains(&key) {
            all.push(key);
        }
    }
}

/// All choices of a form for each of these, like the data that is returned for its number; `None` if they are too many.
fn product<'a>(spellings: &[&Spelling], like: impl Fn(usize) -> Vec<&'a Data>) -> Option<Vec<Vec<Data>>> {
    choices(spellings.len(), |at, _| spellings[at].forms(&like(at)))
}

/// As [`product`], for elements of one type: each is like those before it.
fn of_one_type(elements: &[&Spelling], like: &[&Data]) -> Option<Vec<Vec<Data>>> {
    choices(elements.len(), |at, before| {
        let like: Vec<_> = like.iter().copied().chain(before).take(EXAMPLES).collect();
        elements[at].forms(&like)
    })
}

/// All lists of so many elements, where the elements before one tell its forms.
fn choices(length: usize, forms: impl Fn(usize, &[Data]) -> Option<Vec<Data>>) -> Option<Vec<Vec<Data>>> {
    let mut chosen = vec![Vec::with_capacity(length)];
    for at in 0..length {
        let mut longer = Vec::new();
        for mut before in chosen {
            let mut forms = forms(at, &before)?;
            if longer.len() + forms.len() > MOST {
                return None;
            }
            // Most elements have one form: then nothing is copied.
            let last = forms.pop();
            longer.extend(forms.into_iter().map(|form| [&before[..], &[form]].concat()));
            longer.extend(last.map(|last| {
                before.push(last);
                before
            }));
        }
        chosen = longer;
    }
    Some(chosen)
}

impl Spelling {
    /// What it means if it is several arguments.
    fn parts(&self) -> Option<Vec<&Self>> {
        match self {
            Self::Tuple(elements) => Some(elements.iter().collect()),
            _ => None,
        }
    }

    /// What data it may be, as far as it can be like other data. `None` if it is too much.
    fn forms(&self, like: &[&Data]) -> Option<Vec<Data>> {
        let mut forms = match self {
            Self::Bool(value) => vec![Data::Bool(*value)],
            Self::Number(digits, of_type) => numbers(digits, of_type),
            Self::Char(character) => vec![Data::Char(*character)],
            Self::Text(text) if is_word(text) => vec![Data::Text(text.clone())],
            Self::Text(text) => words(text),
            Self::Bytes(bytes) => vec![Data::Bytes(bytes.clone()), Data::ByteSequence(bytes.clone())],
            Self::Word(word) if word == "None" => vec![Data::None],
            Self::Word(word) => numbers(word, "").into_iter().chain(words(word)).collect(),
            Self::Tuple(elements) => {
                let of_none = elements.is_empty().then_some(Data::Unit);
                of_none.into_iter().chain(tuples(elements, like)?).collect()
            }
            Self::List(elements) => {
                let inside = inside(like, |data| match data {
                    Data::Sequence(elements) | Data::Tuple(elements) => elements.first(),
                    Data::ByteSequence(bytes) if !bytes.is_empty() => Some(&Data::U8(0)),
                    _ => None,
                });
                let lists = of_one_type(&elements.iter().collect::<Vec<_>>(), &inside)?;
                lists.into_iter().flat_map(|list| [sequence(&list), Data::Tuple(list)]).collect()
            }
            Self::Map(entries) => maps(entries, like)?,
            Self::Call(name, elements) => {
                let inside = inside(like, |data| named_inside(data, name));
                let all = match &elements[..] {
                    [element] => element.forms(&inside)?,
                    elements => tuples(elements, &inside)?,
                };
                all.into_iter().flat_map(|inside| named(name, inside)).collect()
            }
            Self::Record(name, fields) => records(fields, &inside(like, |data| named_inside(data, name)))?
                .into_iter()
                .flat_map(|record| named(name, record))
                .collect(),
        };
        let is_like = |form: &Data| like.iter().any(|like| discriminant(*like) == discriminant(form));
        if forms.iter().any(is_like) {
            forms.retain(is_like);
        } else if like.iter().any(|like| is_number(like)) {
            forms.retain(|form| !is_number(form));
        }
        // Each level of nesting would multiply them.
        (forms.len() <= MOST).then_some(forms)
    }
}

/// What there is inside of data, where there is something.
fn inside<'a>(like: &[&'a Data], of: impl Fn(&'a Data) -> Option<&'a Data>) -> Vec<&'a Data> {
    like.iter().filter_map(|data| of(data)).collect()
}

/// What data of this name holds.
fn named_inside<'a>(data: &'a Data, wanted: &str) -> Option<&'a Data> {
    match data {
        Data::Some(inside) if wanted == "Some" => Some(inside),
        Data::Variant(name, inside) | Data::Named(name, inside) if name == wanted => Some(inside),
        _ => None,
    }
}

fn tuples(elements: &[Spelling], like: &[&Data]) -> Option<Vec<Data>> {
    let elements: Vec<_> = elements.iter().collect();
    let element = |at: usize| {
        inside(like, |data| match data {
            Data::Tuple(like) if like.len() == elements.len() => like.get(at),
            _ => None,
        })
    };
    Some(product(&elements, element)?.into_iter().map(Data::Tuple).collect())
}

fn records(fields: &[(String, Spelling)], like: &[&Data]) -> Option<Vec<Data>> {
    let values: Vec<_> = fields.iter().map(|(_, value)| value).collect();
    let field = |at: usize| {
        inside(like, |data| match data {
            Data::Struct(like) => like.iter().find(|(name, _)| *name == fields[at].0).map(|(_, value)| value),
            _ => None,
        })
    };
    let names = || fields.iter().map(|(name, _)| name.clone());
    let record = |values: Vec<Data>| Data::Struct(names().zip(values).collect());
    Some(product(&values, field)?.into_iter().map(record).collect())
}

/// A map is a sequence: of its keys, each before its value. Those that are keys are of one type, and so are the values.
fn maps(entries: &[(Spelling, Spelling)], like: &[&Data]) -> Option<Vec<Data>> {
    let elements: Vec<_> = entries.iter().flat_map(|(key, value)| [key, value]).collect();
    let pairs: Vec<_> =
        like.iter().filter_map(|data| if let Data::Map(like) = data { like.first() } else { None }).collect();
    let all = choices(elements.len(), |at, before| {
        let of_pairs = pairs.iter().map(|&pair| if at % 2 == 0 { &pair.0 } else { &pair.1 });
        let before = before.iter().skip(at % 2).step_by(2);
        let like: Vec<_> = of_pairs.chain(before).take(EXAMPLES).collect();
        elements[at].forms(&like)
    })?;
    let entry = |pair: &[Data]| (pair[0].clone(), pair[1].clone());
    Some(all.iter().map(|elements| Data::Map(elements.chunks_exact(2).map(entry).collect())).collect())
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

#[cfg(test)]
mod tests {
    use super::{Forms, forms};
    use crate::data::Content;
    use lru_memo::shared::Data;

    fn all(text: &str) -> Vec<Vec<u8>> {
        let Forms { likely, others } = forms(text, &[]).unwrap_or_else(|why| panic!("{text}: {why}"));
        assert!(likely.is_empty(), "there is nothing that they could be like");
        others
    }

    fn some(data: Data) -> Data {
        Data::Some(data.into())
    }

    #[test]
    fn a_number_is_of_every_type_that_holds_it_but_for_one_that_is_written() {
        for (text, count) in
            [("7", 12), ("-7", 7), ("300", 10), ("7u8", 1), ("7usize", 1), ("0.5", 2), ("0.5f32", 1)]
        {
            assert_eq!(all(text).len(), count, "{text}");
        }
        assert!(all("256u8").is_empty());
        assert_eq!(all("-0.0f64"), [Data::write_key(&[Data::F64(0.0)]).expect("a key")]);
    }

    #[test]
    fn elements_of_a_sequence_are_of_one_type() {
        let numbers = |numbers: &[u16]| numbers.iter().map(|&number| Data::U16(number)).collect::<Vec<_>>();
        let options = [vec![Data::None], numbers(&[1, 2, 3]).into_iter().map(some).collect()].concat();
        let text = |text: &str| Data::Text(text.into());
        let map = [(1, "a"), (2, "b c"), (3, "d")].map(|(key, value)| (Data::I64(key), text(value)));
        for (data, most) in [
            (Data::Sequence(numbers(&[1, 300, 2, 3, 4, 5, 6, 7, 8, 9])), 100),
            (Data::Tuple(numbers(&[1, 300, 2, 3, 4, 5, 6, 7, 8, 9])), 100),
            (Data::Sequence(options), 100),
            (Data::Map(map.into()), 100),
            (Data::Sequence(vec![Data::Tuple(numbers(&[1, 2])); 20]), 1000),
        ] {
            let spelled = match &data {
                // An array, which is stored as a tuple.
                Data::Tuple(elements) => Content::Parts(vec![Data::Sequence(elements.clone())]).to_string(),
                data => Content::Parts(vec![data.clone()]).to_string(),
            };
            let keys = all(&spelled);
            assert!(keys.contains(&Data::write_key(&[data]).expect("a key")), "{spelled}");
            assert!(keys.len() <= most, "{spelled}: {}", keys.len());
        }
    }

    #[test]
    fn keys_that_are_there_tell_the_types() {
        let keys = |parts: Vec<Vec<Data>>| -> Vec<Vec<u8>> {
            parts.iter().map(|parts| Data::write_key(parts).expect("a key")).collect()
        };
        let present = keys(vec![
            vec![Data::None, Data::U8(1), Data::Sequence(vec![Data::F32(0.5)])],
            vec![some(Data::I128(1)), Data::U8(2), Data::ByteSequence(Vec::new())],
        ]);
        let found = forms("(Some(7), 3, [1, 2])", &present).expect("they can be read").likely;
        let expected =
            vec![some(Data::I128(7)), Data::U8(3), Data::Sequence(vec![Data::F32(1.0), Data::F32(2.0)])];
        assert_eq!(found, keys(vec![expected]));
    }

    #[test]
    fn what_may_be_too_much_is_refused_at_once() {
        for text in ["(1, 2, 3, 4)", "[(1, 2, 3, 4)]", "{1: {2: {3: 4}}}", "(a, b, c, d, e, f, g, h)"] {
            assert!(forms(text, &[]).is_err(), "{text}");
        }
        let many = format!("[{}]", "1, ".repeat(1_000));
        assert_eq!(all(&many).len(), 24);
    }
}
