//! `LRU_MEMO_MAXSIZE`: the bounds of functions, for those who start a program.
//!
//! `app::user=5000;app::*=200`. A part is a name or, with `*` at its end, the beginning of names. The most specific part
//! counts. Names are those of [`RegisteredCache::name`](crate::RegisteredCache::name).

use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use std::env::{self, VarError};

use once_cell::race::OnceBox;

use crate::sys::privileges;

const VARIABLE: &str = "LRU_MEMO_MAXSIZE";

/// One part: which functions it is for, and the bound of each.
#[derive(Debug, PartialEq, Eq)]
struct Part {
    name: Box<str>,
    /// Whether the name is only the beginning.
    is_open: bool,
    maxsize: usize,
}

/// What the environment says of the function with this name. The variable is read once.
pub(super) fn maxsize_of(name: fn() -> &'static str) -> Option<usize> {
    static PARTS: OnceBox<Vec<Part>> = OnceBox::new();
    let parts = PARTS.get().unwrap_or_else(|| {
        let (parts, mistakes) = read();
        let is_first = PARTS.set(Box::new(parts)).is_ok();
        if is_first && !mistakes.is_empty() {
            report(&mistakes);
        }
        PARTS.get().expect("it was set just now, if not before")
    });
    if parts.is_empty() { None } else { choose(parts, name()) }
}

fn read() -> (Vec<Part>, Vec<String>) {
    match env::var(VARIABLE) {
        // Whoever starts a privileged program does not tell it what to do.
        Ok(_) | Err(VarError::NotUnicode(_)) if privileges::are_not_the_callers() => Default::default(),
        Ok(text) => parse(&text),
        Err(VarError::NotUnicode(_)) => (Vec::new(), Vec::from(["it is not UTF-8".into()])),
        Err(VarError::NotPresent) => Default::default(),
    }
}

/// Tells of all mistakes in one line.
fn report(mistakes: &[String]) {
    let message = format!(
        "{VARIABLE}: {}; write `app::user=5000;app::*=200`, say. What cannot be read is left out",
        mistakes.join(", ")
    );
    #[cfg(feature = "_stores")]
    crate::shared::note(&crate::shared::Error::new(crate::shared::Kind::Variable, message.clone()));
    std::eprintln!("lru-memo: {message}");
}

/// The bound that the most specific part gives to this name; of two that are alike, the last one.
fn choose(parts: &[Part], name: &str) -> Option<usize> {
    let is_for =
        |part: &&Part| if part.is_open { name.starts_with(&*part.name) } else { name == &*part.name };
    let part = parts.iter().filter(is_for).max_by_key(|part| (!part.is_open, part.name.len()))?;
    Some(part.maxsize)
}

/// The parts, and what is wrong with those that cannot be read.
fn parse(text: &str) -> (Vec<Part>, Vec<String>) {
    let parts = split(text).into_iter().map(str::trim).filter(|part| !part.is_empty()).map(parse_part);
    let (parts, mistakes): (Vec<_>, Vec<_>) = parts.partition(Result::is_ok);
    (parts.into_iter().flatten().collect(), mistakes.into_iter().filter_map(Result::err).collect())
}

/// Splits at semicolons, but for those in brackets, as of the names of arrays: `f::<[u8; 4]>`.
fn split(text: &str) -> Vec<&str> {
    let mut depth = 0_usize;
    let parts = text.split(|character| {
        match character {
            '[' => depth += 1,
            ']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        character == ';' && depth == 0
    });
    let parts = parts.collect();
    // A bracket that is not closed concerns its own part alone.
    if depth == 0 { parts } else { text.split(';').collect() }
}

fn parse_part(part: &str) -> Result<Part, String> {
    // A name may have the sign in it, as the constant of an instantiation.
    let Some((name, maxsize)) = part.rsplit_once('=') else {
        return Err(format!("`{}` has no `=`", part.escape_debug()));
    };
    let (name, maxsize) = (name.trim(), maxsize.trim());
    let Ok(maxsize) = maxsize.parse() else {
        return Err(format!("`{}` is no number of entries", maxsize.escape_debug()));
    };
    let (name, is_open) = name.strip_suffix('*').map_or((name, false), |name| (name, true));
    // A star before a type is that of a pointer.
    let is_pointer = |rest: &str| rest.starts_with("const ") || rest.starts_with("mut ");
    if name.split('*').skip(1).any(|rest| !is_pointer(rest)) {
        return Err(format!("`{}` has a `*` before its end", part.escape_debug()));
    }
    if name.is_empty() && !is_open {
        return Err(format!("`{}` has no name", part.escape_debug()));
    }
    Ok(Part { name: name.into(), is_open, maxsize })
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    fn maxsize_of(text: &str, name: &str) -> Option<usize> {
        let (parts, mistakes) = parse(text);
        assert!(mistakes.is_empty(), "{mistakes:?}");
        choose(&parts, name)
    }

    #[test]
    fn the_most_specific_part_counts_wherever_it_stands() {
        for text in ["app::user=5000;app::*=200;*=7", "*=7; app::*=200 ; app::user = 5000;"] {
            assert_eq!(maxsize_of(text, "app::user"), Some(5000));
            assert_eq!(maxsize_of(text, "app::users"), Some(200));
            assert_eq!(maxsize_of(text, "other::user"), Some(7));
        }
        assert_eq!(maxsize_of("app::u*=1;app::*=2;app::user=3", "app::user"), Some(3));
        assert_eq!(maxsize_of("app::u*=1;app::*=2", "app::user"), Some(1));
        assert_eq!(maxsize_of("app::user=1;app::user=2", "app::user"), Some(2));
        assert_eq!(maxsize_of("app::user=1", "app::users"), None);
        assert_eq!(maxsize_of("", "app::user"), None);
    }

    #[test]
    fn names_of_instantiations_are_read_whole() {
        let text =
            "a::f::<[u8; 4], char>=1;a::f::<(u8, u8)>=2;a::f::<*const u8>=3;a::f::<'='>=4;a::<fn() -> u8>*=5";
        for (name, expected) in [
            ("a::f::<[u8; 4], char>", 1),
            ("a::f::<(u8, u8)>", 2),
            ("a::f::<*const u8>", 3),
            ("a::f::<'='>", 4),
            ("a::<fn() -> u8>::f", 5),
        ] {
            assert_eq!(maxsize_of(text, name), Some(expected), "{name}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_left_out_and_told() {
        let (parts, mistakes) = parse("a=1;b;=2;c=-3;d=1e3;e*f=4;g=99999999999999999999;h=5;\u{1b}[31m");
        assert_eq!(
            parts.iter().map(|part| (&*part.name, part.maxsize)).collect::<Vec<_>>(),
            [("a", 1), ("h", 5)]
        );
        assert_eq!(
            mistakes,
            [
                "`b` has no `=`",
                "`=2` has no name",
                "`-3` is no number of entries",
                "`1e3` is no number of entries",
                "`e*f=4` has a `*` before its end",
                "`99999999999999999999` is no number of entries",
                "`\\u{1b}[31m` has no `=`",
            ]
        );
    }
}
