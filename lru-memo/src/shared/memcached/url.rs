//! Parses the URL: the servers and the options.

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use crate::shared::error::{Error, Kind};
use crate::shared::remote::socket::Address;
use crate::shared::url;

/// The options of the URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Options {
    /// The time limit for connecting.
    pub(super) connect_timeout: Duration,
    /// The time limit for each operation as a whole.
    pub(super) timeout: Duration,
    /// How long the leases of a dead process last, in whole seconds.
    pub(super) lease: Duration,
    /// The prefix of all names with its colon, or nothing.
    pub(super) prefix: String,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_millis(200),
            timeout: Duration::from_millis(500),
            lease: Duration::from_secs(3),
            prefix: String::new(),
        }
    }
}

const PORT: u16 = 11211;

/// The parts of a URL.
pub(super) struct Parsed {
    pub(super) servers: Vec<(String, Address)>,
    pub(super) options: Options,
}

/// Parses the part after `memcached://` or `memcached+unix://`.
pub(super) fn parse(scheme: &str, rest: &str) -> Result<Parsed, Error> {
    let (places, set) = url::split_options(rest);
    let servers = if scheme == "memcached+unix" {
        Vec::from([unix(places)?])
    } else if rest.contains('@') {
        return Err(Error::new(Kind::Url, "`memcached://` takes no user and no password"));
    } else {
        places.trim_end_matches('/').split(',').map(tcp).collect::<Result<Vec<_>, _>>()?
    };
    for (at, (name, _)) in servers.iter().enumerate() {
        if servers[..at].iter().any(|(other, _)| other == name) {
            return Err(Error::new(Kind::Url, format!("the Memcached server {name} is named twice")));
        }
    }
    let mut options = Options::default();
    for (name, text) in set {
        match name {
            "connect_timeout" => options.connect_timeout = within(name, text, 1, 60_000)?,
            "timeout" => options.timeout = within(name, text, 1, 60_000)?,
            "lease" => options.lease = whole_seconds(name, text)?,
            "prefix" => options.prefix = format!("{}:", url::prefix(text)?),
            _ => return Err(url::unknown(name, "`connect_timeout`, `timeout`, `lease` and `prefix`")),
        }
    }
    Ok(Parsed { servers, options })
}

fn unix(path: &str) -> Result<(String, Address), Error> {
    if !path.starts_with('/') {
        let message =
            "`memcached+unix://` takes the absolute path of a socket: `memcached+unix:///run/memcached.sock`";
        return Err(Error::new(Kind::Url, message));
    }
    Ok((path.to_owned(), Address::Unix(path.into())))
}

fn tcp(place: &str) -> Result<(String, Address), Error> {
    let wrong =
        || Error::new(Kind::Url, format!("`{place}` is not a server: `memcached://host:11211,other:11211`"));
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

/// Reads a duration between two bounds in milliseconds.
fn within(name: &str, text: &str, shortest: u64, longest: u64) -> Result<Duration, Error> {
    let duration = url::duration(name, text)?;
    let limits = Duration::from_millis(shortest)..=Duration::from_millis(longest);
    if limits.contains(&duration) {
        return Ok(duration);
    }
    Err(Error::new(Kind::Url, format!("`{name}={text}` is not from {shortest}ms to {longest}ms")))
}

/// Reads a duration of whole seconds, as Memcached has them.
fn whole_seconds(name: &str, text: &str) -> Result<Duration, Error> {
    let duration = within(name, text, 2_000, 86_400_000)?;
    if duration.subsec_nanos() == 0 {
        return Ok(duration);
    }
    Err(Error::new(Kind::Url, format!("`{name}={text}` is not a whole number of seconds")))
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

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
        let parsed =
            parse("memcached", "h?connect_timeout=50ms&timeout=2s&prefix=shop1").expect("it is a URL");
        let lease = Duration::from_secs(3);
        let (connect_timeout, timeout) = (Duration::from_millis(50), Duration::from_secs(2));
        assert_eq!(parsed.options, Options { connect_timeout, timeout, lease, prefix: "shop1:".into() });
    }

    #[test]
    fn what_cannot_be_understood_is_refused() {
        for url in [
            "",
            "h1,",
            "h:",
            "h:0",
            "h:x",
            "h:1:2",
            "[::1",
            "[::1]x",
            "a b",
            "h/x",
            "h,h:11211",
            "me:secret@h",
            "h?",
            "h?timeout=1",
            "h?timeout=0ms",
            "h?lease=1s",
            "h?lease=2500ms",
            "h?color=red",
            "h?prefix=a b",
            "h?timeout",
        ] {
            let error = parse("memcached", url).map(|_| ()).map_err(|error| error.kind());
            assert_eq!(error, if url == "h?" { Ok(()) } else { Err(Kind::Url) }, "{url}");
        }
        assert!(parse("memcached+unix", "relative").is_err());
        for url in ["me:secret@h", "h,me:secret,x@h", "me:secret?x@h", "me:x?secret@h"] {
            let error = parse("memcached", url).map(|_| ()).expect_err("no passwords");
            assert!(!error.to_string().contains("secret"), "{error}");
        }
    }
}
