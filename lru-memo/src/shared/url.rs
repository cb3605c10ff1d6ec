//! What the URLs of all stores have in common: how options follow the rest.

use alloc::format;
use core::time::Duration;

use super::error::{Error, Kind};

/// What is before the question mark, and the options after it, each with its name and what it is set to.
pub(super) fn split_options(rest: &str) -> (&str, impl Iterator<Item = (&str, &str)>) {
    let (rest, options) = rest.split_once('?').unwrap_or((rest, ""));
    let options = options.split('&').filter(|option| !option.is_empty());
    (rest, options.map(|option| option.split_once('=').unwrap_or((option, ""))))
}

/// The error of an option that the store does not have; `known` lists those it has.
pub(super) fn unknown(name: &str, known: &str) -> Error {
    Error::new(Kind::Url, format!("unknown option `{name}`: there is {known}"))
}

/// A number of bytes: `65536`, `64KiB`, `64MiB`, `1GiB`.
pub(super) fn size(name: &str, text: &str) -> Result<usize, Error> {
    let (number, unit) = split_unit(text);
    let unit = match unit {
        "" => Some(1),
        "KiB" => Some(1 << 10),
        "MiB" => Some(1 << 20),
        "GiB" => Some(1 << 30),
        _ => None,
    };
    let size = number.zip(unit).and_then(|(number, unit): (usize, usize)| number.checked_mul(unit));
    size.ok_or_else(|| Error::new(Kind::Url, format!("`{name}={text}` is not like `{name}=64MiB`")))
}

/// A time: `500ms`, `2s`, `30d`.
pub(super) fn duration(name: &str, text: &str) -> Result<Duration, Error> {
    let (number, unit) = split_unit(text);
    let duration = match unit {
        "ms" => number.map(Duration::from_millis),
        "s" => number.map(Duration::from_secs),
        "d" => number.and_then(|days| days.checked_mul(86_400)).map(Duration::from_secs),
        _ => None,
    };
    duration.ok_or_else(|| {
        Error::new(
            Kind::Url,
            format!("`{name}={text}` is not like `{name}=500ms`, `{name}=2s` or `{name}=30d`"),
        )
    })
}

/// A number and its unit; what cannot be read has no number.
fn split_unit<N: core::str::FromStr>(text: &str) -> (Option<N>, &str) {
    let digits = text.trim_end_matches(|c: char| !c.is_ascii_digit());
    (digits.parse().ok(), &text[digits.len()..])
}
