//! What the URL says: the servers, and how long to wait for them.

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use super::connection::Address;
use crate::shared::error::{Error, Kind};

/// How a [`Memcached`](super::Memcached) store is used.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct MemcachedOptions {
    /// How long it may take to connect: 200 ms, if nothing else is said.
    pub connect_timeout: Duration,
    /// How long each use of the store may take in all: 500 ms, if nothing else is said.
    pub timeout: Duration,
    /// How long a process that has died keeps others from computing what it was computing, in whole seconds: 10 s, if
    /// nothing else is said. Memcached counts seconds as a whole, so it may be one less.
    pub lease: Duration,
    /// The longest entry that is sent to a server, with its key: 1 MiB, if nothing else is said. Servers have a limit,
    /// too, which is about this one unless they are told otherwise (`memcached -I`).
    pub max_entry: usize,
}

impl Default for MemcachedOptions {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_millis(200),
            timeout: Duration::from_millis(500),
            lease: Duration::from_secs(10),
            max_entry: 1 << 20,
        }
    }
}

const PORT: u16 = 11211;

/// Servers, and options.
pub(super) struct Parsed {
    pub(super) servers: Vec<(String, Address)>,
    pub(super) options: MemcachedOptions,
}

/// Reads what follows `memcached://` or `memcached+unix://`.
pub(super) fn parse(scheme: &str, rest: &str) -> Result<Parsed, Error> {
    let (places, query) = rest.split_once('?').unwrap_or((rest, ""));
    let servers = if scheme == "memcached+unix" {
        Vec::from([unix(places)?])
    } else {
        places.trim_end_matches('/').split(',').map(tcp).collect::<Result<Vec<_>, _>>()?
    };
    for (at, (name, _)) in servers.iter().enumerate() {
        if servers[..at].iter().any(|(other, _)| other == name) {
            return Err(Error::new(Kind::Url, format!("the Memcached server {name} is named twice")));
        }
    }
    let mut options = MemcachedOptions::default();
    for option in query.split('&').filter(|option| !option.is_empty()) {
        set(&mut options, option)?;
    }
    Ok(Parsed { servers, options })
}

fn unix(path: &str) -> Result<(String, Address), Error> {
    if !path.starts_with('/') {
        let message = "`memcached+unix://` takes the absolute path of a socket: `memcached+unix:///run/memcached.sock`";
        return Err(Error::new(Kind::Url, message));
    }
    Ok((path.to_owned(), Address::Unix(path.into())))
}

fn tcp(place: &str) -> Result<(String, Address), Error> {
    if place.contains('@') {
        return Err(Error::new(Kind::Url, "there are no users and passwords with `memcached://`"));
    }
    let wrong = || Error::new(Kind::Url, format!("`{place}` is not a server: `memcached://host:11211,other:11211`"));
    let (host, port) = match place.strip_prefix('[') {
        Some(rest) => rest.split_once(']').ok_or_else(wrong)?,
        None => place.split_at(place.find(':').unwrap_or(place.len())),
    };
    let port = match port.strip_prefix(':') {
        Some(port) => port.parse().ok().filter(|&port| port != 0).ok_or_else(wrong)?,
        None if port.is_empty() => PORT,
        None => return Err(wrong()),
    };
    if host.is_empty() || host.contains(['/', ' ', '[', ']']) {
        return Err(wrong());
    }
    let host = host.to_lowercase();
    let name = if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") };
    Ok((name, Address::Tcp(host, port)))
}

fn set(options: &mut MemcachedOptions, option: &str) -> Result<(), Error> {
    let (name, text) = option.split_once('=').unwrap_or((option, ""));
    let wrong = |example| Error::new(Kind::Url, format!("`{option}` is not like `{name}={example}`"));
    let within = |shortest, longest, example| {
        let limits = Duration::from_millis(shortest)..=Duration::from_millis(longest);
        duration(text).filter(|duration| limits.contains(duration)).ok_or_else(|| wrong(example))
    };
    match name {
        "connect_timeout" => options.connect_timeout = within(1, 60_000, "200ms")?,
        "timeout" => options.timeout = within(1, 60_000, "500ms")?,
        "lease" => {
            let lease = within(2_000, 86_400_000, "10s")?;
            options.lease = Some(lease).filter(|lease| lease.subsec_nanos() == 0).ok_or_else(|| wrong("10s"))?;
        }
        "max_entry" => {
            let size = size(text).filter(|size| (1 << 10..=1 << 30).contains(size));
            options.max_entry = size.ok_or_else(|| wrong("1MiB"))?;
        }
        _ => {
            let known = "`connect_timeout`, `timeout`, `lease` and `max_entry`";
            return Err(Error::new(Kind::Url, format!("unknown option `{option}`: there are {known}")));
        }
    }
    Ok(())
}

/// A number and its unit; what cannot be read has none.
fn split_unit(text: &str) -> (Option<u64>, &str) {
    let digits = text.trim_end_matches(|c: char| !c.is_ascii_digit());
    (digits.parse().ok(), &text[digits.len()..])
}

fn duration(text: &str) -> Option<Duration> {
    match split_unit(text) {
        (Some(number), "ms") => Some(Duration::from_millis(number)),
        (Some(number), "s") => Some(Duration::from_secs(number)),
        _ => None,
    }
}

fn size(text: &str) -> Option<usize> {
    let (number, unit) = split_unit(text);
    let unit = match unit {
        "" => 1,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        _ => return None,
    };
    usize::try_from(number?.checked_mul(unit)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(url: &str) -> Vec<String> {
        let parsed = parse("memcached", url).expect("it is a URL");
        parsed.servers.into_iter().map(|(name, _)| name).collect()
    }

    #[test]
    fn servers_are_read_with_and_without_ports() {
        assert_eq!(named("h1:11212,H2,10.0.0.1/"), ["h1:11212", "h2:11211", "10.0.0.1:11211"]);
        assert_eq!(named("[::1]:5,[::2]?timeout=1s"), ["[::1]:5", "[::2]:11211"]);
        let parsed = parse("memcached", "[::1]:5").expect("it is a URL");
        assert_eq!(parsed.servers[0].1, Address::Tcp("::1".into(), 5));
        let parsed = parse("memcached+unix", "/run/a.sock?lease=5s").expect("it is a URL");
        assert_eq!(parsed.servers[0].1, Address::Unix("/run/a.sock".into()));
        assert_eq!(parsed.options.lease, Duration::from_secs(5));
    }

    #[test]
    fn options_are_read() {
        let parsed = parse("memcached", "h?connect_timeout=50ms&timeout=2s&max_entry=8MiB").expect("it is a URL");
        let options = MemcachedOptions::default();
        let (connect_timeout, timeout) = (Duration::from_millis(50), Duration::from_secs(2));
        assert_eq!(parsed.options, MemcachedOptions { connect_timeout, timeout, max_entry: 8 << 20, ..options });
    }

    #[test]
    fn what_cannot_be_understood_is_refused() {
        for url in [
            "", "h1,", "h:", "h:0", "h:x", "h:1:2", "[::1", "[::1]x", "a b", "h/x", "h,h:11211", "me:secret@h", "h?",
            "h?timeout=1", "h?timeout=0ms", "h?lease=1s", "h?lease=2500ms", "h?max_entry=1", "h?color=red", "h?timeout",
        ] {
            let error = parse("memcached", url).map(|_| ()).map_err(|error| error.kind());
            assert_eq!(error, if url == "h?" { Ok(()) } else { Err(Kind::Url) }, "{url}");
        }
        assert!(parse("memcached+unix", "relative").is_err());
        let error = parse("memcached", "me:secret@h").map(|_| ()).expect_err("no passwords");
        assert!(!error.to_string().contains("secret"));
    }
}
