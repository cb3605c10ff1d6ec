//! The URLs of stores: their schemes, their options, and what people may see of them.

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
use core::time::Duration;

use super::error::{Error, Kind};

/// Splits a URL into its scheme and the rest. Without a valid scheme, the scheme is empty, so that no error repeats
/// another part.
pub(super) fn split(url: &str) -> (&str, &str) {
    let is_scheme = |scheme: &str| scheme.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'+');
    url.split_once("://").filter(|(scheme, _)| is_scheme(scheme)).unwrap_or(("", url))
}

/// The error for a store that this build does not have.
#[cfg(not(all(feature = "memcached", feature = "redis-tls")))]
pub(super) fn missing(scheme: &str, feature: &str) -> Error {
    Error::new(
        Kind::Url,
        format!("this build of lru-memo cannot use `{scheme}://`: enable its cargo feature `{feature}`"),
    )
}

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

/// Returns the URL of a store without anything that may be a password or a part of one. The URL of a server also loses
/// all options except `prefix`.
///
/// ```
/// use lru_memo::shared::redacted;
///
/// assert_eq!(redacted("redis://me:secret@host?timeout=2s&prefix=shop1"), "redis://***@host?prefix=shop1");
/// ```
#[must_use]
pub fn redacted(url: &str) -> String {
    let (scheme, rest) = split(url);
    let (place, options) = rest.split_once('?').unwrap_or((rest, ""));
    let is_unix = matches!(scheme, "unix" | "redis+unix" | "memcached+unix");
    let shown = match (scheme, place.rsplit_once('@')) {
        ("file", _) => return url.to_owned(),
        ("", _) if url.is_empty() => return String::new(),
        ("", _) => return String::from("***"),
        _ if is_unix => format!("{scheme}://{place}"),
        // The question mark is part of the password.
        _ if options.contains('@') => return format!("{scheme}://***"),
        (_, Some((_, host))) => format!("{scheme}://***@{host}"),
        (_, None) => format!("{scheme}://{place}"),
    };
    let prefix = split_options(rest).1.filter(|(name, text)| *name == "prefix" && self::prefix(text).is_ok());
    prefix.last().map_or_else(|| shown.clone(), |(_, prefix)| format!("{shown}?prefix={prefix}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_redacted_url_has_no_part_of_a_password() {
        for (url, shown) in [
            ("", ""),
            ("file:///var/cache/app?size=8MiB", "file:///var/cache/app?size=8MiB"),
            ("redis://me:secret@h:6379/0?timeout=2s", "redis://***@h:6379/0"),
            ("redis://me:se@cret@h", "redis://***@h"),
            ("redis://me:se?cret@h", "redis://***"),
            ("redis://h?pass=se@cret", "redis://***"),
            ("unix:///run/r@1.sock?pass=se@cret", "unix:///run/r@1.sock"),
            ("memcached://a:1,b:2?timeout=2s", "memcached://a:1,b:2"),
            ("memcached://a:1?prefix=shop-1&timeout=2s", "memcached://a:1?prefix=shop-1"),
            ("redis://me:secret@h?prefix=not%20one", "redis://***@h"),
            ("redis://me:1?prefix=secret@h", "redis://***"),
            ("unix:///run/r.sock?pass=secret&prefix=a.b_c", "unix:///run/r.sock?prefix=a.b_c"),
            ("me:secret@h", "***"),
            ("me:secret@redis://h", "***"),
            ("secret", "***"),
        ] {
            assert_eq!(redacted(url), shown, "{url}");
        }
    }
}
