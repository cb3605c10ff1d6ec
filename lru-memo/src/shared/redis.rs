//! The store on Redis or Valkey. Each operation is a Lua script, and so atomic: the cache is exact on any number of
//! machines.

mod client;
mod connection;
mod lease;
mod node;
mod options;
mod renewer;
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

use self::client::Client;
use self::renewer::Renewer;
use self::scripts::Scripts;
use self::server::{Server, foreign};
use super::error::{Error, Kind};
use super::lease::Lease;
use super::namespace::Namespace;
use super::unique::unique;
use super::{Counts, Entry, Found, Store, StoredEntry, Summary, Ticket, wall};
use crate::sys::clock;
use crate::totals::{CacheTotals, NUMBERS};

/// The id under which the index is routed in a cluster. It belongs to no namespace.
const HOME_OF_INDEX: u128 = 0;
/// The keys of a namespace, in the order in which most scripts take them.
const NAMES: [&str; 8] = ["meta", "values", "recent", "ages", "weights", "invalid", "hits", "used"];
/// How many more timeouts than others a list of all namespaces may take.
const LISTING: u32 = 10;
/// The largest number that scripts can count with exactly.
const HIGHEST: u64 = 1 << 53;

/// A store on a Redis or Valkey server.
///
/// Each operation is one script, and so atomic and one round trip. All keys of a namespace have the same hash tag.
/// Beside its entries, a namespace takes a few KiB on the server. A namespace that was not used for a week expires,
/// such as that of a function which was changed since.
///
/// A server that does not accept a connection within 200 ms, or does not answer within 500 ms, is not asked for a
/// second. Each further failure doubles this time, up to ten seconds. Calls during that time run the function.
pub struct Redis(Arc<Client>);

/// One operation on the store, with a deadline for all its requests together.
struct Operation<'a> {
    store: &'a Client,
    until: Instant,
}

/// The answer of `info.lua`.
type Info = (String, String, String, usize, Option<String>, Vec<Option<String>>);

impl Redis {
    /// Makes a store of a URL, such as `redis://user:password@host:6379/0`, `unix:///run/redis.sock` or, with the cargo
    /// feature `redis-tls`, `rediss://host`. The first use of the store connects to the server.
    ///
    /// Options follow a question mark: `connect_timeout=200ms`, `timeout=500ms`, `lease=2s`, `unused=7d` (how long an
    /// unused namespace is kept) and `prefix=shop1` (all keys begin with this prefix and a colon).
    ///
    /// For a cluster, the URL names several nodes, `redis://h1,h2,h3`, or one, `redis://h1?cluster=true`. Any node
    /// names the others, which then get the password. If the URL does not name a cluster, the store follows no
    /// redirection.
    ///
    /// For Redis Sentinel, the URL names the sentinels with their ports, and the name that they have for the servers:
    /// `redis://user:password@h1:26379,h2:26379/0?sentinel=mymaster`. User, password and database are those of the
    /// servers.
    ///
    /// # Errors
    /// [`Kind::Url`], when the URL is not one of Redis.
    pub fn new(url: &str) -> Result<Self, Error> {
        let (endpoints, options) = options::parse(url)?;
        let scripts = Scripts::new(options.unused);
        let (server, renewer) = (Server::new(endpoints, options), Renewer::new());
        let url = super::url::redacted(url);
        Ok(Self(Arc::new(Client { server, scripts, renewer, url })))
    }

    fn operation(&self) -> Operation<'_> {
        Operation { store: &self.0, until: Instant::now() + self.0.server.options().timeout }
    }
}

impl Operation<'_> {
    /// Runs a script that begins with `prelude.lua`.
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
        let lengths = format!("{}:{}", micros(space.ttl()), micros(space.idle()));
        invocation.arg(key).arg(lengths).arg(clock::ahead().as_micros().to_string());
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

    /// Looks an entry up. Notes from time to time that the namespace is in use.
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

    /// Whether this process should note that the namespace is in use.
    fn is_due(&self, space: &Namespace) -> bool {
        let every = scripts::noted_every(self.store.server.options().unused);
        u128::from(wall::now().abs_diff(space.noted.load(Relaxed))) >= every.as_nanos()
    }

    /// Notes in the index that the namespace is in use, if that is due. The scripts note it in the namespace's own
    /// keys. An error is ignored, because the next use tries again.
    fn note(&self, space: &Namespace) {
        if self.is_due(space) {
            space.noted.store(wall::now(), Relaxed);
            let _ = self.list(&[space.id()]);
        }
    }

    /// Notes the use of the namespace after a script has succeeded, and returns the script's answer.
    fn used<R>(&self, space: &Namespace, answer: Result<R, Error>) -> Result<R, Error> {
        if answer.is_ok() {
            self.note(space);
        }
        answer
    }

    /// Looks an entry up by the short script. Returns `None` if `get.lua` is needed.
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
        let (ttl, idle) = (space.ttl(), space.idle());
        if ttl.or(idle).is_some() {
            ttl.iter().for_each(|_| _ = hit.key(keys.key("ages")));
            idle.iter().for_each(|_| _ = hit.key(keys.key("used")));
            hit.arg(clock::ahead().as_micros().to_string()).arg(micros(ttl)).arg(micros(idle));
        }
        match self.run_plain(keys.id, &hit)? {
            Value::Array(nothing) if nothing.is_empty() => Ok(None),
            found => Ok(Some(found)),
        }
    }

    /// Returns the ticket of an answer. If the namespace is new to the server, makes it.
    fn ticket_of(
        &self,
        space: &Namespace,
        (generation, sequence): (Option<u64>, u64),
    ) -> Result<Ticket, Error> {
        match generation {
            Some(generation) => Ok(Ticket { generation, sequence }),
            None => self.create_namespace(space),
        }
    }

    #[cold]
    fn create_namespace(&self, space: &Namespace) -> Result<Ticket, Error> {
        let [ttl, idle] =
            [space.ttl(), space.idle()].map(|length| number(length.map(|length| length.as_nanos())));
        let (generation, sequence): (Option<u64>, u64) =
            self.run(&self.store.scripts.create, space, b"", |create| {
                create.arg(unique()).arg(space.name());
                create.arg(number(space.maxsize())).arg(number(space.max_weight())).arg(ttl).arg(idle);
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
                store.arg(number(max_weight));
                store.arg(micros(Some(entry.age)));
            })?;
            match stored {
                0 | 1 => return Ok(stored == 1),
                2 => {}
                _ => _ = self.create_namespace(space)?,
            }
        }
    }

    /// Returns the summary of a namespace; one that is new to the server has no counters.
    fn info(&self, space: &Namespace) -> Result<Summary, Error> {
        let keys = self.store.keys(space.id());
        let mut info = self.store.scripts.info.prepare_invoke();
        info.key(keys.key("meta")).key(keys.key("values")).key(keys.key("hits"));
        let (uses, stored, misses, currsize, maxsize, totals): Info = self.run_plain(keys.id, &info)?;
        let hits = counter(&uses)?.saturating_sub(counter(&stored)?);
        let counts = Counts { hits, misses: counter(&misses)?, currsize };
        let maxsize = maxsize.map_or(space.maxsize(), |maxsize| maxsize.parse().ok());
        let mut numbers = [0; NUMBERS];
        for (number, total) in numbers.iter_mut().zip(totals) {
            // What another program has written there is none.
            *number = total.as_deref().and_then(|total| counter(total).ok()).unwrap_or(0);
        }
        let here = CacheTotals { hits, misses: counts.misses, ..CacheTotals::default() };
        let totals = Some(CacheTotals::of_numbers(numbers).with(&here, u64::saturating_add));
        Ok(Summary { maxsize, totals, ..Summary::new(space, counts) })
    }

    fn count(&self, space: &Namespace, more: &CacheTotals) -> Result<(), Error> {
        let keys = self.store.keys(space.id());
        let mut count = self.store.scripts.count.prepare_invoke();
        count.key(keys.key("meta"));
        more.numbers().into_iter().for_each(|number| _ = count.arg(number));
        self.run_plain(keys.id, &count)
    }

    fn resize(&self, space: &Namespace, maxsize: usize) -> Result<u64, Error> {
        let max_weight = number(space.max_weight());
        let resize = &self.store.scripts.resize;
        self.run(resize, space, b"", |resize| _ = resize.arg(maxsize as u64).arg(max_weight))
    }

    /// Adds namespaces to the index, and lets the index last as long as they may.
    fn list(&self, ids: &[u128]) -> Result<(), Error> {
        let unused = self.store.server.options().unused;
        // Longer than the namespaces: another process may note their use later than this one.
        let lasts = unused + scripts::noted_every(unused);
        let mut list = self.store.scripts.list.key(self.store.index());
        list.arg(lasts.as_millis().to_string());
        ids.iter().for_each(|id| _ = list.arg(format!("{id:032x}")));
        self.run_plain(HOME_OF_INDEX, &list)
    }

    /// Removes namespaces that no longer exist from the index.
    fn forget(&self, gone: &[u128]) -> Result<(), Error> {
        if gone.is_empty() {
            return Ok(());
        }
        let mut remove = cmd("SREM");
        remove.arg(self.store.index());
        gone.iter().for_each(|id| _ = remove.arg(format!("{id:032x}")));
        self.store.server.ask::<u64>(HOME_OF_INDEX, self.until, &remove)?;
        for &id in gone {
            // The namespace may have been made and listed again just before its removal from the list.
            if self.summary(id)?.is_some() {
                self.list(&[id])?;
            }
        }
        Ok(())
    }

    /// Returns the summary of a namespace, or `None` if it no longer exists.
    fn summary(&self, id: u128) -> Result<Option<Summary>, Error> {
        let keys = self.store.keys(id);
        let mut ask = cmd("HMGET");
        ask.arg(keys.key("meta")).arg(&["n", "maxsize", "max_weight", "ttl", "w", "idle"]);
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
        let idle = next();
        let Some(name) = name else { return Ok(None) };
        let limit = |text: &Option<String>| text.as_ref().and_then(|text| text.parse::<u64>().ok());
        let mut summary = Summary::new(&Namespace::new(&name, id), Counts::default());
        summary.maxsize = limit(&maxsize).and_then(|max| usize::try_from(max).ok());
        summary.max_weight = limit(&max_weight);
        summary.ttl = limit(&ttl).map(Duration::from_nanos);
        summary.max_idle = limit(&idle).map(Duration::from_nanos);
        let found = weight.as_deref().map_or(Ok(0), counter).and_then(|weight| {
            summary.weight = max_weight.filter(|max| !max.is_empty()).map(|_| weight);
            self.info(&summary.namespace())
        });
        match found {
            Ok(Summary { counts, totals, .. }) => Ok(Some(Summary { counts, totals, ..summary })),
            Err(error) if error.kind() == Kind::Corrupt => {
                Ok(Some(Summary { error: Some(error), ..summary }))
            }
            Err(error) => Err(error),
        }
    }
}

/// Returns a limit as text, or an empty text.
fn number(limit: Option<impl ToString>) -> String {
    limit.map(|limit| limit.to_string()).unwrap_or_default()
}

/// Parses a counter. Another program may have set it to any number.
fn counter(text: &str) -> Result<u64, Error> {
    let about = |_| text.parse().map(|number: f64| number as u64);
    text.parse().or_else(about).map_err(|_| foreign("what is no number"))
}

fn micros(length: Option<Duration>) -> String {
    number(length.map(|length| length.as_micros().min(u128::from(HIGHEST))))
}

impl Store for Redis {
    fn get(&self, space: &Namespace, key: &[u8]) -> Result<Found, Error> {
        let operation = self.operation();
        match operation.look(space, key, true)? {
            Value::BulkString(value) => Ok(Found::Hit(value)),
            miss => {
                let ticket = redis::from_redis_value(miss).map_err(|_| foreign("something"))?;
                Ok(Found::Miss(operation.ticket_of(space, ticket)?))
            }
        }
    }

    fn get_if_present(&self, space: &Namespace, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        match self.operation().look(space, key, false)? {
            Value::BulkString(value) => Ok(Some(value)),
            _ => Ok(None),
        }
    }

    fn count_hit(&self, space: &Namespace) -> Result<(), Error> {
        let mut count = self.0.scripts.count_hit.prepare_invoke();
        count.key(self.0.keys(space.id()).key("meta"));
        self.operation().run_plain(space.id(), &count)
    }

    fn reject(&self, space: &Namespace, key: &[u8]) -> Result<Ticket, Error> {
        let operation = self.operation();
        let ticket = operation.used(space, operation.run(&self.0.scripts.reject, space, key, |_| ()))?;
        operation.ticket_of(space, ticket)
    }

    fn hit_to_miss(&self, space: &Namespace, key: &[u8]) -> Result<(), Error> {
        let operation = self.operation();
        let ticket = operation.used(space, operation.run(&self.0.scripts.hit_to_miss, space, key, |_| ()))?;
        operation.ticket_of(space, ticket).map(|_| ())
    }

    fn ticket(&self, space: &Namespace) -> Result<Ticket, Error> {
        let operation = self.operation();
        let ticket = operation.run(&self.0.scripts.ticket, space, b"", |_| ())?;
        operation.ticket_of(space, ticket)
    }

    fn is_current(&self, space: &Namespace, key: &[u8], since: Ticket) -> Result<bool, Error> {
        let Ticket { generation, sequence } = since;
        let current = &self.0.scripts.current;
        self.operation().run(current, space, key, |current| _ = current.arg(generation).arg(sequence))
    }

    fn store(&self, space: &Namespace, key: &[u8], entry: Entry<'_>) -> Result<bool, Error> {
        let operation = self.operation();
        operation.used(space, operation.store(space, key, entry))
    }

    fn peek(&self, space: &Namespace, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        self.operation().run(&self.0.scripts.peek, space, key, |_| ())
    }

    fn invalidate(&self, space: &Namespace, key: &[u8]) -> Result<bool, Error> {
        let operation = self.operation();
        operation.used(space, operation.run(&self.0.scripts.invalidate, space, key, |_| ()))
    }

    fn clear(&self, space: &Namespace) -> Result<(), Error> {
        self.operation().run(&self.0.scripts.clear, space, b"", |clear| _ = clear.arg(unique()))
    }

    fn info(&self, space: &Namespace) -> Result<Counts, Error> {
        self.summary(space).map(|summary| summary.counts)
    }

    fn summary(&self, space: &Namespace) -> Result<Summary, Error> {
        self.operation().info(space)
    }

    fn count(&self, space: &Namespace, more: &CacheTotals) -> Result<(), Error> {
        self.operation().count(space, more)
    }

    fn resize(&self, space: &Namespace, maxsize: usize) -> Result<(), Error> {
        loop {
            // Each step is an operation of its own, so that no other call waits for all of them.
            let operation = self.operation();
            match operation.used(space, operation.resize(space, maxsize))? {
                1 => return Ok(()),
                2 => {}
                _ => _ = operation.create_namespace(space)?,
            }
        }
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
        let operation = self.operation();
        // This may take longer than other operations, because no call of a function waits for it.
        let operation =
            Operation { until: operation.until + LISTING * self.0.server.options().timeout, ..operation };
        let ids: Vec<Vec<u8>> = self.0.server.ask(HOME_OF_INDEX, operation.until, &members)?;
        let (mut summaries, mut gone) = (Vec::new(), Vec::new());
        let number = |id: &Vec<u8>| u128::from_str_radix(core::str::from_utf8(id).ok()?, 16).ok();
        for id in ids.iter().filter_map(number) {
            match operation.summary(id)? {
                Some(summary) => summaries.push(summary),
                None => gone.push(id),
            }
        }
        // An error is ignored, because the user of the server may have no right to write.
        let _ = operation.forget(&gone);
        Ok(summaries)
    }

    fn recent(&self, space: &Namespace, limit: usize) -> Result<Vec<StoredEntry>, Error> {
        let held: Vec<(Vec<u8>, u64, u64, u64)> =
            self.operation().run(&self.0.scripts.recent, space, b"", |recent| _ = recent.arg(limit))?;
        let held = held.into_iter().map(|(key, value_bytes, weight, age)| StoredEntry {
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
