//! Parses the URL: the servers and the options.

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use redis::{ConnectionAddr, IntoConnectionInfo};

use super::connection::Endpoint;

use crate::shared::error::{Error, Kind};
use crate::shared::remote::socket::Address;
use crate::shared::url;

/// The options of a [`Redis`](super::Redis) store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Options {
    /// The time limit for connecting and logging in.
    pub(super) connect_timeout: Duration,
    /// The time limit for each operation as a whole.
    pub(super) timeout: Duration,
    /// How long the leases of a dead process last.
    pub(super) lease: Duration,
    /// How long an unused namespace is kept.
    pub(super) unused: Duration,
    /// Whether the servers of the URL are nodes of a cluster, which name other nodes.
    pub(super) cluster: bool,
    /// If the servers of the URL are sentinels, the name that they have for the servers that they watch.
    pub(super) sentinel: Option<String>,
    /// The prefix of all keys with its colon, or nothing.
    pub(super) prefix: String,
}

const DAY: Duration = Duration::from_secs(86_400);

impl Default for Options {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_millis(200),
            timeout: Duration::from_millis(500),
            lease: Duration::from_secs(2),
            unused: 7 * DAY,
            cluster: false,
            sentinel: None,
            prefix: String::new(),
        }
    }
}

const KNOWN: &str = "`connect_timeout`, `timeout`, `lease`, `unused`, `cluster`, `sentinel` and `prefix`, and for `unix://` also `db`, `user` and `pass`";

const PRIVATE: &str = "this is no URL of a Redis server, or has an unknown option: `redis://user:password@host`, \
     `redis://host:6379/0`, `rediss://host` with TLS, `unix:///run/redis.sock?pass=password`; in a password, write \
     `%3F`, `%26`, `%2F`, `%23`, `%40` and `%25` for `?`, `&`, `/`, `#`, `@` and `%`; options are \
     `connect_timeout`, `timeout`, `lease`, `unused`, `cluster`, `sentinel` and `prefix`";

/// Parses a URL. If the URL may hold a password, an error repeats no part of it: what looks like an option may be the
/// rest of the password.
pub(super) fn parse(url: &str) -> Result<(Vec<Endpoint>, Options), Error> {
    #[cfg(not(feature = "redis-tls"))]
    if url.starts_with("rediss://") {
        return Err(url::missing("rediss", "redis-tls"));
    }
    let holds_password = url.contains('@') || url.contains("pass");
    read(url).map_err(|error| if holds_password { Error::new(Kind::Url, PRIVATE) } else { error })
}

fn read(url: &str) -> Result<(Vec<Endpoint>, Options), Error> {
    let (endpoint, set) = url::split_options(url);
    let is_unix = endpoint.starts_with("unix://") || endpoint.starts_with("redis+unix://");
    if !is_unix && url.len() > endpoint.len() && url[endpoint.len()..].contains('@') {
        return Err(Error::new(Kind::Url, PRIVATE));
    }
    let (mut options, mut of_client) = (Options::default(), Vec::new());
    for (name, text) in set {
        match name {
            "connect_timeout" => options.connect_timeout = within(name, text, Duration::from_millis(1), 1)?,
            "timeout" => options.timeout = within(name, text, Duration::from_millis(1), 1)?,
            "lease" => options.lease = within(name, text, Duration::from_secs(1), 1)?,
            "unused" => options.unused = within(name, text, Duration::from_secs(1), 3650)?,
            "prefix" => options.prefix = format!("{}:", url::prefix(text)?),
            "cluster" if is_unix => {
                return Err(Error::new(Kind::Url, "a cluster has no socket: `redis://h1,h2`"));
            }
            "sentinel" if is_unix || text.is_empty() => {
                let example = "`sentinel` takes the name that the sentinels have for the servers: `redis://h1:26379,h2:26379?sentinel=mymaster`";
                return Err(Error::new(Kind::Url, example));
            }
            "sentinel" => options.sentinel = Some(text.to_owned()),
            "cluster" if text == "true" => options.cluster = true,
            "cluster" => {
                return Err(Error::new(Kind::Url, format!("`cluster={text}` is not `cluster=true`")));
            }
            "db" | "user" | "pass" if is_unix => of_client.push(format!("{name}={text}")),
            _ => return Err(url::unknown(name, KNOWN)),
        }
    }
    let servers = if is_unix { Vec::from([endpoint.to_owned()]) } else { one_by_one(endpoint) };
    let servers = servers.into_iter().map(|mut server| {
        if !of_client.is_empty() {
            server = format!("{server}?{}", of_client.join("&"));
        }
        server_of(&server)
    });
    let servers = servers.collect::<Result<Vec<_>, _>>()?;
    if options.sentinel.is_none() {
        options.cluster |= servers.len() > 1;
    } else if options.cluster {
        return Err(Error::new(Kind::Url, "a cluster has no sentinels: leave out `cluster` or `sentinel`"));
    }
    Ok((servers, options))
}

/// Splits a URL with several servers: `redis://user:password@h1,h2/0` has two.
fn one_by_one(url: &str) -> Vec<String> {
    let start = url.rfind('@').map(|at| at + 1).or_else(|| Some(url.find("://")? + 3)).unwrap_or(0);
    let end = url[start..].find('/').map_or(url.len(), |at| start + at);
    url[start..end].split(',').map(|host| format!("{}{host}{}", &url[..start], &url[end..])).collect()
}

fn server_of(url: &str) -> Result<Endpoint, Error> {
    // This crate does TLS itself, so the client gets a URL without it.
    let tls = url.strip_prefix("rediss://");
    let of_client = tls.map_or_else(|| url.to_owned(), |rest| format!("redis://{rest}"));
    // The client's own error might contain the password.
    let unfit = || Error::new(Kind::Url, String::from(EXAMPLES));
    if url.contains('#') {
        return Err(unfit());
    }
    let info = of_client.into_connection_info().map_err(|_| unfit())?;
    let address = match info.addr() {
        ConnectionAddr::Tcp(host, port) => Address::Tcp(host.clone(), *port),
        ConnectionAddr::Unix(path) => Address::Unix(path.clone()),
        _ => return Err(unfit()),
    };
    let login = info.redis_settings().clone();
    Ok(Endpoint {
        address,
        #[cfg(feature = "redis-tls")]
        tls: tls.is_some(),
        login,
    })
}

const EXAMPLES: &str = "this is no URL of a Redis server: `redis://host:6379/0`, `redis://user:password@host`, \
                        `rediss://host` with TLS, `unix:///run/redis.sock`";

fn within(name: &str, text: &str, least: Duration, days: u32) -> Result<Duration, Error> {
    let duration = url::duration(name, text)?;
    if duration >= least && duration <= days * DAY {
        Ok(duration)
    } else {
        Err(Error::new(Kind::Url, format!("`{name}={text}` is not from {least:?} to {days}d")))
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    #[test]
    fn options_are_read() {
        let (_, options) = parse("redis://h/1?connect_timeout=50ms&timeout=2s&lease=3s").expect("a URL");
        let (connect_timeout, timeout) = (Duration::from_millis(50), Duration::from_secs(2));
        let expected =
            Options { connect_timeout, timeout, lease: Duration::from_secs(3), ..Options::default() };
        assert_eq!(options, expected);
        let (_, options) = parse("redis://h?unused=30d").expect("a URL");
        assert_eq!(options, Options { unused: 30 * DAY, ..Options::default() });
        let (_, options) = parse("redis://h?prefix=Shop-1_a.b").expect("a URL");
        assert_eq!(options.prefix, "Shop-1_a.b:");
        let (servers, options) = parse("unix:///run/r.sock?db=3&timeout=1s&pass=secret").expect("a URL");
        let endpoint = &servers[0];
        assert_eq!((endpoint.login.db(), endpoint.login.password()), (3, Some("secret")));
        assert_eq!(endpoint.address, Address::Unix("/run/r.sock".into()));
        assert_eq!(options, Options { timeout: Duration::from_secs(1), ..Options::default() });
    }

    #[test]
    fn the_nodes_of_a_cluster_are_read_with_one_login_for_all() {
        let (servers, options) = parse("redis://me:secret@h1,h2:7000,[::1]:7001/?timeout=1s").expect("a URL");
        let address = |host: &str, port| Address::Tcp(host.into(), port);
        let addresses: Vec<_> = servers.iter().map(|endpoint| endpoint.address.clone()).collect();
        assert_eq!(addresses, [address("h1", 6379), address("h2", 7000), address("::1", 7001)]);
        assert!(servers.iter().all(|endpoint| endpoint.login.password() == Some("secret")));
        assert!(options.cluster && parse("redis://h?cluster=true").expect("a URL").1.cluster);
        let (sentinels, options) = parse("redis://h1:26379,h2:26379/1?sentinel=mymaster").expect("a URL");
        assert_eq!(
            (sentinels.len(), options.sentinel.as_deref(), options.cluster),
            (2, Some("mymaster"), false)
        );
        assert!(parse("redis://h1,").is_err() && parse("redis://,h1").is_err());
    }

    #[test]
    fn what_cannot_be_understood_is_refused_and_no_password_told() {
        for url in [
            "redis://",
            "redis://me:secret@h:port",
            "redis://h/db",
            "redis://h/#insecure",
            "rediss://h/#insecure",
            "redis://h?timeout=1",
            "redis://h?timeout=0ms",
            "redis://h?lease=5ms",
            "redis://h?lease=2d",
            "redis://h?unused=0d",
            "redis://h?unused=4000d",
            "redis://h?unused=213503982334602d",
            "redis://h?color=red",
            "redis://h?cluster=yes",
            "redis://h?sentinel=",
            "redis://h?sentinel=mymaster&cluster=true",
            "unix:///run/r.sock?sentinel=mymaster",
            "redis://h?prefix=",
            "redis://h?prefix=a:b",
            "redis://h?prefix={a}",
            "redis://h?prefix=a*",
            "redis://h?prefix=123456789012345678901234567890123",
            "unix:///run/r.sock?cluster=true",
            "redis://h?pass=secret",
            "unix://?pass=secret&x=1",
            "redis://me:pa?secret@h",
            "redis://me:1?secret@h",
            "redis://me:1?timeout=secret@h",
            "redis://me:1#secret@h",
            "redis://me:1/secret@h",
            "redis://h?user=me&secret@h",
            "unix:///run/r.sock?pass=a&secret",
            "unix:///run/r.sock?pass=a&timeout=secret",
        ] {
            let error = parse(url).map(|_| ()).expect_err(url);
            assert_eq!(error.kind(), Kind::Url, "{url}");
            assert!(!error.to_string().contains("secret"), "{error}");
        }
    }
}
