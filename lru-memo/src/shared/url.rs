//! Options in the URLs of stores.

use alloc::format;
use core::time::Duration;

use super::error::{Error, Kind};

/// Splits a URL at the question mark. Returns the part before it, and the options after it as names and values.
pub(super) fn split_options(rest: &str) -> (&str, impl Iterator<Item = (&str, &str)>) {
    let (rest, options) = rest.split_once('?').unwrap_or((rest, ""));
    let options = options.split('&').filter(|option| !option.is_empty());
    (rest, options.map(|option| option.split_once('=').unwrap_or((option, ""))))
}

/// The error for an unknown option; `known` lists the store's options.
pub(super) fn unknown(name: &str, known: &str) -> Error {
    Error::new(Kind::Url, format!("unknown option `{name}`: there is {known}"))
}

/// Reads a prefix for all keys on a server: letters, digits, `-`, `_` and `.`, which have no special meaning on any
/// server.
pub(super) fn prefix(text: &str) -> Result<&str, Error> {
    const LONGEST: usize = 32;
    let is_fit = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    if (1..=LONGEST).contains(&text.len()) && text.bytes().all(is_fit) {
        return Ok(text);
    }
    let message = "a `prefix` is made of 1 to 32 letters, digits, `-`, `_` and `.`, as in `prefix=shop1`";
    Err(Error::new(Kind::Url, message))
}

/// Reads a number of bytes: `65536`, `64KiB`, `64MiB`, `1GiB`.
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

/// Reads `true` or `false`.
pub(super) fn truth(name: &str, text: &str) -> Result<bool, Error> {
    text.parse().map_err(|_| {
        Error::new(Kind::Url, format!("`{name}={text}` is neither `{name}=true` nor `{name}=false`"))
    })
}

/// Reads a duration: `500ms`, `2s`, `30d`.
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

/// Splits a number and its unit. The number is `None` if it cannot be read.
fn split_unit<N: core::str::FromStr>(text: &str) -> (Option<N>, &str) {
    let digits = text.trim_end_matches(|c: char| !c.is_ascii_digit());
    (digits.parse().ok(), &text[digits.len()..])
}
