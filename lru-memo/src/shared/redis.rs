//! Redis and Valkey: exact on any number of machines, for a script is atomic.

mod connection;
mod lease;
mod node;
mod options;
mod scripts;
mod sentinels;
mod server;
#[cfg(feature = "redis-tls")]
mod tls;

use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::sync::atomic::Ordering::Relaxed;
use core::time::Duration;
use std::time::Instant;

use redis::{Script, ScriptInvocation, Value, cmd};

use self::lease::{Keeper, Names};
use self::scripts::Scripts;
use self::server::Server;
use super::error::{Error, Kind};
use super::lease::Lease;
use super::namespace::Namespace;
use super::unique::unique;
use super::{Counts, Entry, Found, Held, Store, Summary, Ticket, wall};

/// Stands for the namespace that the index is not part of.
const HOME_OF_INDEX: u128 = 0;
/// The keys of a namespace, as most scripts take them.
const NAMES: [&str; 7] = ["meta", "values", "recent", "ages", "weights", "invalid", "hits"];
/// So many timeouts more than others may it take to list all namespaces.
const LISTING: u32 = 10;
/// What scripts can count with.
const HIGHEST: u64 = 1 << 53;

/// A store on a Redis or Valkey server.
///
/// Each operation is one script, and so atomic and one round trip. All keys of a namespace have the same hash tag. What a
/// namespace has takes no memory of the server that is not counted by `maxsize`, but for a few KiB. One that was not used
/// for a week, such as that of a function that was changed since, goes.
///
/// A server that does not answer in time, 500 ms, or cannot be reached within 200 ms, is left alone for a second, and
/// each time twice as long, up to ten; calls do without it meanwhile.
pub struct Redis(Arc<Inner>);

struct Inner {
    server: Server,
    scripts: Scripts,
    keeper: Keeper,
    url: String,
}

/// One use of the store: it may take until then, however many questions it is.
struct Use<'a> {
    store: &'a Inner,
    until: Instant,
}

/// The keys of a namespace.
struct Keys {
    id: u128,
    tag: String,
}

impl Inner {
    fn keys(&self, id: u128) -> Keys {
        let prefix = &self.server.options().prefix;
        Keys { id, tag: format!("{prefix}lru-memo:{{{id:032x}}}:") }
    }

    /// The key of the ids of all namespaces.
    fn index(&self) -> String {
        format!("{}lru-memo:namespaces", self.server.options().prefix)
    }
}

impl Keys {
    fn key(&self, name: &str) -> Vec<u8> {
        [self.tag.as_bytes(), name.as_bytes()].concat()
    }

    fn lease(&self, key: &[u8]) -> Names {
        let named = |name: &[u8]| [self.tag.as_bytes(), name, key].concat();
        Names { home: self.id, holder: named(b"lease:"), ended: named(b"ended:") }
    }
}

impl Redis {
    /// The store of a URL, such as `redis://user:password@host:6379/0`, `unix:///run/redis.sock` or,
    /// with the cargo feature `redis-tls`, `rediss://host`.
    ///
    /// After a question mark there may be `connect_timeout=200ms`, `timeout=500ms`, `lease=2s`, `unused=7d`, for how long a
    /// namespace stays that is not used, and `prefix=shop1`, which all keys then begin with, before a colon.
    ///
    /// Of a cluster, several nodes are named, `redis://h1,h2,h3`, or one, `redis://h1?cluster=true`. Any of them tells of the
    /// others, which are told the password. No other server is followed to where it refers to.
    ///
    /// Behind Redis Sentinel, the sentinels are named, with their ports, and what they call the servers:
    /// `redis://user:password@h1:26379,h2:26379/0?sentinel=mymaster`. User, password and database are those of the servers.
    ///
    /// The server is asked when the store is first used.
    ///
    /// # Errors
    /// [`Kind::Url`], when this is none.
    pub fn new(url: &str) -> Result<Self, Error> {
        let (places, options) = options::parse(url)?;
        let scripts = Scripts::new(options.unused);
        let (server, keeper) = (Server::new(places, options), Keeper::new());
        let url = super::configured::redacted(url);
        Ok(Self(Arc::new(Inner { server, scripts, keeper, url })))
    }

    fn begun(&self) -> Use<'_> {
        Use { store: &self.0, until: Instant::now() + self.0.server.options().timeout }
    }
}

impl Use<'_> {
    /// Runs a script that begins with the prelude.
    fn run<R: redis::FromRedisValue>(
        &self,
        script: &Script,
        space: &Namespace,
        key: &[u8],
        more: impl FnOnce(&mut ScriptInvocation<'_>),
    ) -> Result<R, Error> {
        let keys = self.store.keys(space.id());
        let mut invocation = script.prepare_invoke();
        for name in NAMES {
            invocation.key(keys.key(name));
        }
        invocation.arg(key).arg(micros(space.ttl())).arg(wall::ahead().as_micros().to_string());
        more(&mut invocation);
        self.run_plain(keys.id, &invocation)
    }

    fn run_plain<R: redis::FromRedisValue>(
        &self,
        home: u128,
        script: &ScriptInvocation<'_>,
    ) -> Result<R, Error> {
        self.store.server.run(home, self.until, script)
    }

    /// Looks an entry up; notes now and then that the namespace is used.
    fn look(&self, space: &Namespace, key: &[u8], counts_misses: bool) -> Result<Value, Error> {
        let is_due = self.is_due(space);
        let found = if is_due { None } else { self.look_quickly(space, key, counts_misses)? };
        let found = match found {
            Some(found) => found,
            None => {
                let counts = if counts_misses { "1" } else { "" };
                self.run(&self.store.scripts.get, space, key, |get| _ = get.arg(counts))?
            }
        };
        self.note(space);
        Ok(found)
    }

    /// Whether this process is to note that the namespace is used.
    fn is_due(&self, space: &Namespace) -> bool {
        let every = scripts::noted_every(self.store.server.options().unused);
        u128::from(wall::now().abs_diff(space.noted.load(Relaxed))) >= every.as_nanos()
    }

    /// Has the namespace stay listed, which is used; the scripts have it stay. What does not work, does the next time.
    fn note(&self, space: &Namespace) {
        if self.is_due(space) {
            space.noted.store(wall::now(), Relaxed);
            let _ = self.list(&[space.id()]);
        }
    }

    /// The answer of a script that is a use of the namespace.
    fn used<R>(&self, space: &Namespace, answer: Result<R, Error>) -> Result<R, Error> {
        if answer.is_ok() {
            self.note(space);
        }
        answer
    }

    /// Unless it takes longer.
    fn look_quickly(
        &self,
        space: &Namespace,
        key: &[u8],
        counts_misses: bool,
    ) -> Result<Option<Value>, Error> {
        let keys = self.store.keys(space.id());
        let mut hit = self.store.scripts.hit.prepare_invoke();
        for name in ["meta", "values", "recent", "hits"] {
            hit.key(keys.key(name));
        }
        let counts = if counts_misses { "1" } else { "" };
        hit.arg(key).arg(counts);
        if space.ttl().is_some() {
            hit.key(keys.key("ages")).arg(micros(space.ttl())).arg(wall::ahead().as_micros().to_string());
        }
        match self.run_plain(keys.id, &hit)? {
            Value::Array(nothing) if nothing.is_empty() => Ok(None),
            found => Ok(Some(found)),
        }
    }

    /// The ticket that the server has given out; a namespace that is new to it is made.
    fn ticket_of(
        &self,
        space: &Namespace,
        (generation, sequence): (Option<u64>, u64),
    ) -> Result<Ticket, Error> {
        match generation {
            Some(generation) => Ok(Ticket { generation, sequence }),
            None => self.begin(space),
        }
    }

    #[cold]
    fn begin(&self, space: &Namespace) -> Result<Ticket, Error> {
        let ttl = space.ttl().map(|ttl| ttl.as_nanos().to_string()).unwrap_or_default();
        let (generation, sequence): (Option<u64>, u64) =
            self.run(&self.store.scripts.begin, space, b"", |begin| {
                begin.arg(unique()).arg(space.name());
                begin.arg(number(space.maxsize())).arg(number(space.max_weight())).arg(ttl);
            })?;
        self.list(&[space.id()])?;
        let generation = generation.ok_or_else(|| foreign("a namespace without a generation"))?;
        Ok(Ticket { generation, sequence })
    }

    fn store(&self, space: &Namespace, key: &[u8], entry: Entry<'_>) -> Result<bool, Error> {
        loop {
            let stored: u64 = self.run(&self.store.scripts.store, space, key, |store| {
                store.arg(entry.value).arg(entry.weight.min(HIGHEST));
                match entry.computed_since {
                    Some(Ticket { generation, sequence }) => store.arg(generation).arg(sequence),
                    None => store.arg("").arg(""),
                };
                store.arg(if entry.replace { "1" } else { "" });
                let max_weight = space.max_weight().map(|max| max.min(HIGHEST));
                store.arg(number(space.maxsize())).arg(number(max_weight));
                store.arg(micros(Some(entry.age)));
            })?;
            match stored {
                0 | 1 => return Ok(stored == 1),
                2 => {}
                _ => _ = self.begin(space)?,
            }
        }
    }

    fn info(&self, space: &Namespace) -> Result<Counts, Error> {
        let keys = self.store.keys(space.id());
        let mut info = self.store.scripts.info.prepare_invoke();
        info.key(keys.key("meta")).key(keys.key("values")).key(keys.key("hits"));
        let (uses, stored, misses, currsize): (String, String, String, usize) =
            self.run_plain(keys.id, &info)?;
        let hits = counter(&uses)?.saturating_sub(counter(&stored)?);
        Ok(Counts { hits, misses: counter(&misses)?, currsize })
    }

    /// Lists namespaces, as long as they may last.
    fn list(&self, ids: &[u128]) -> Result<(), Error> {
        let unused = self.store.server.options().unused;
        // Another process may have noted their use later than this one notes it here.
        let lasts = unused + scripts::noted_every(unused);
        let mut list = self.store.scripts.list.key(self.store.index());
        list.arg(lasts.as_millis().to_string());
        ids.iter().for_each(|id| _ = list.arg(format!("{id:032x}")));
        self.run_plain(HOME_OF_INDEX, &list)
    }

    /// Lists namespaces no more that are gone.
    fn forget(&self, gone: &[u128]) -> Result<(), Error> {
        if gone.is_empty() {
            return Ok(());
        }
        let mut remove = cmd("SREM");
        remove.arg(self.store.index());
        gone.iter().for_each(|id| _ = remove.arg(format!("{id:032x}")));
        self.store.server.ask::<u64>(HOME_OF_INDEX, self.until, &remove)?;
        for &id in gone {
            // It may have been made again, and listed, before it was removed from the list.
            if self.summary(id)?.is_some() {
                self.list(&[id])?;
            }
        }
        Ok(())
    }

    /// What a namespace of this id is; `None` for one that is gone.
    fn summary(&self, id: u128) -> Result<Option<Summary>, Error> {
        let keys = self.store.keys(id);
        let mut ask = cmd("HMGET");
        ask.arg(keys.key("meta")).arg(&["n", "maxsize", "max_weight", "ttl", "w"]);
        let unreadable = |error| {
            let space = Namespace::new("", id);
            Ok(Some(Summary { error: Some(error), ..Summary::new(&space, Counts::default()) }))
        };
        let found: Vec<Option<Vec<u8>>> = match self.store.server.ask(id, self.until, &ask) {
            Err(error) if error.kind() == Kind::Corrupt => return unreadable(error),
            found => found?,
        };
        let text = |found: Option<Vec<u8>>| found.map(|text| String::from_utf8_lossy(&text).into_owned());
        let mut found = found.into_iter().map(text);
        let mut next = || found.next().flatten();
        let (name, maxsize, max_weight, ttl, weight) = (next(), next(), next(), next(), next());
        let Some(name) = name else { return Ok(None) };
        let limit = |text: &Option<String>| text.as_ref().and_then(|text| text.parse::<u64>().ok());
        let mut summary = Summary::new(&Namespace::new(&name, id), Counts::default());
        summary.maxsize = limit(&maxsize).and_then(|max| usize::try_from(max).ok());
        summary.max_weight = limit(&max_weight);
        summary.ttl = limit(&ttl).map(Duration::from_nanos);
        let counts = weight.as_deref().map_or(Ok(0), counter).and_then(|weight| {
            summary.weight = max_weight.filter(|max| !max.is_empty()).map(|_| weight);
            self.info(&summary.namespace())
        });
        match counts {
            Ok(counts) => Ok(Some(Summary { counts, ..summary })),
            Err(error) if error.kind() == Kind::Corrupt => {
                Ok(Some(Summary { error: Some(error), ..summary }))
            }
            Err(error) => Err(error),
        }
    }
}

/// A number, or nothing.
fn number(limit: Option<impl ToString>) -> String {
    limit.map(|limit| limit.to_string()).unwrap_or_default()
}

/// A counter, however high or low somebody has set it.
fn counter(text: &str) -> Result<u64, Error> {
    let about = |_| text.parse().map(|number: f64| number as u64);
    text.parse().or_else(about).map_err(|_| foreign("what is no number"))
}

fn micros(length: Option<Duration>) -> String {
    number(length.map(|length| length.as_micros().min(u128::from(HIGHEST))))
}

/// The error of what was not written by this store.
fn foreign(what: &str) -> Error {
    Error::new(Kind::Corrupt, format!("the Redis server has {what} where a cache should be"))
}

impl Store for Redis {
    fn get(&self, space: &Namespace, key: &[u8]) -> Result<Found, Error> {
        let begun = self.begun();
        match begun.look(space, key, true)? {
            Value::BulkString(value) => Ok(Found::Hit(value)),
            miss => {
                let ticket = redis::from_redis_value(miss).map_err(|_| foreign("something"))?;
                Ok(Found::Miss(begun.ticket_of(space, ticket)?))
            }
        }
    }

    fn hit(&self, space: &Namespace, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        match self.begun().look(space, key, false)? {
            Value::BulkString(value) => Ok(Some(value)),
            _ => Ok(None),
        }
    }

    fn count_hit(&self, space: &Namespace) -> Result<(), Error> {
        let mut count = self.0.scripts.count_hit.prepare_invoke();
        count.key(self.0.keys(space.id()).key("meta"));
        self.begun().run_plain(space.id(), &count)
    }

    fn reject(&self, space: &Namespace, key: &[u8]) -> Result<Ticket, Error> {
        let begun = self.begun();
        let ticket = begun.used(space, begun.run(&self.0.scripts.reject, space, key, |_| ()))?;
        begun.ticket_of(space, ticket)
    }

    fn ticket(&self, space: &Namespace) -> Result<Ticket, Error> {
        let begun = self.begun();
        let ticket = begun.run(&self.0.scripts.ticket, space, b"", |_| ())?;
        begun.ticket_of(space, ticket)
    }

    fn is_current(&self, space: &Namespace, key: &[u8], since: Ticket) -> Result<bool, Error> {
        let Ticket { generation, sequence } = since;
        let current = &self.0.scripts.current;
        self.begun().run(current, space, key, |current| _ = current.arg(generation).arg(sequence))
    }

    fn store(&self, space: &Namespace, key: &[u8], entry: Entry<'_>) -> Result<bool, Error> {
        let begun = self.begun();
        begun.used(space, begun.store(space, key, entry))
    }

    fn peek(&self, space: &Namespace, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        self.begun().run(&self.0.scripts.peek, space, key, |_| ())
    }

    fn invalidate(&self, space: &Namespace, key: &[u8]) -> Result<bool, Error> {
        let begun = self.begun();
        begun.used(space, begun.run(&self.0.scripts.invalidate, space, key, |_| ()))
    }

    fn clear(&self, space: &Namespace) -> Result<(), Error> {
        self.begun().run(&self.0.scripts.clear, space, b"", |clear| _ = clear.arg(unique()))
    }

    fn info(&self, space: &Namespace) -> Result<Counts, Error> {
        self.begun().info(space)
    }

    fn lease(&self, space: &Namespace, key: &[u8]) -> Result<Lease, Error> {
        lease::take(&self.0, self.0.keys(space.id()).lease(key))
    }

    fn try_lease(&self, space: &Namespace, key: &[u8]) -> Result<Option<Lease>, Error> {
        Ok(lease::try_take(&self.0, self.0.keys(space.id()).lease(key), None)?.ok())
    }

    fn blocks(&self) -> bool {
        true
    }

    fn namespaces(&self) -> Result<Vec<Summary>, Error> {
        let mut members = cmd("SMEMBERS");
        members.arg(self.0.index());
        let begun = self.begun();
        // No call of a function waits for this.
        let begun = Use { until: begun.until + LISTING * self.0.server.options().timeout, ..begun };
        let ids: Vec<Vec<u8>> = self.0.server.ask(HOME_OF_INDEX, begun.until, &members)?;
        let (mut summaries, mut gone) = (Vec::new(), Vec::new());
        let number = |id: &Vec<u8>| u128::from_str_radix(core::str::from_utf8(id).ok()?, 16).ok();
        for id in ids.iter().filter_map(number) {
            match begun.summary(id)? {
                Some(summary) => summaries.push(summary),
                None => gone.push(id),
            }
        }
        // Who may not write may read all the same.
        let _ = begun.forget(&gone);
        Ok(summaries)
    }

    fn recent(&self, space: &Namespace, limit: usize) -> Result<Vec<Held>, Error> {
        let held: Vec<(Vec<u8>, u64, u64, u64)> =
            self.begun().run(&self.0.scripts.recent, space, b"", |recent| _ = recent.arg(limit))?;
        let held = held.into_iter().map(|(key, value_bytes, weight, age)| Held {
            key,
            value_bytes,
            weight,
            age: Duration::from_micros(age),
        });
        Ok(held.collect())
    }
}

impl fmt::Debug for Redis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Redis").field(&self.0.url).finish()
    }
}
