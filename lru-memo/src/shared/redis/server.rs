//! The server, or the nodes of a cluster. In a cluster, each namespace is on one node, and every node knows which.
//!
//! Requests go to any working node of a cluster: one of the URL, or one that another node has named. If the URL does
//! not name a cluster, the store asks no other server, because that one would get the password. If the URL names
//! sentinels, these name the one server.

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicBool, Ordering};
use core::time::Duration;
use std::collections::HashMap;
use std::time::Instant;

use redis::{Cmd, FromRedisValue, RedisError, RedisResult, ScriptInvocation, Value, cmd};

use super::connection::{Connection, Endpoint};
use super::node::Node;
use super::options::Options;
use super::sentinels::Sentinels;
use crate::shared::error::{Error, Kind};
use crate::shared::remote::socket::Address;
use crate::sys::fork::Own;
use crate::sys::sync::{Mutex, MutexGuard};

/// How often one request may be redirected to another node.
const REDIRECTIONS: u32 = 4;

/// The shortest interval between two requests for the nodes of the cluster, while namespaces move.
const LEARN_EVERY: Duration = Duration::from_secs(1);

pub(super) struct Server {
    options: Options,
    /// The servers of the URL, at least one.
    seeds: Vec<Arc<Node>>,
    sentinels: Option<Sentinels>,
    /// Whether the servers have turned out to be a cluster.
    is_cluster: AtomicBool,
    others: Own<Mutex<Others>>,
}

#[derive(Default)]
struct Others {
    nodes: HashMap<(String, u16), Arc<Node>>,
    /// The nodes of the namespaces that are not on the first seed.
    homes: HashMap<u128, Arc<Node>>,
    learned: Option<Instant>,
}

impl Server {
    pub(super) fn new(endpoints: Vec<Endpoint>, options: Options) -> Self {
        let node = |endpoint| Arc::new(Node::new(endpoint, options.connect_timeout));
        let sentinels = options.sentinel.clone();
        let sentinels = sentinels.and_then(|name| Sentinels::new(name, endpoints.clone(), &options));
        let seeds: Vec<_> = endpoints.into_iter().map(node).collect();
        Self { options, seeds, sentinels, is_cluster: AtomicBool::new(false), others: Own::none() }
    }

    fn others(&self) -> MutexGuard<'_, Others> {
        self.others.get_or_make(Mutex::default).lock()
    }

    pub(super) fn options(&self) -> &Options {
        &self.options
    }

    /// Runs a script on the server of a namespace.
    pub(super) fn run<R: FromRedisValue>(
        &self,
        home: u128,
        until: Instant,
        script: &ScriptInvocation<'_>,
    ) -> Result<R, Error> {
        self.answer(home, until, |connection| script.invoke(connection))
    }

    /// Runs a command on the server of a namespace.
    pub(super) fn ask<R: FromRedisValue>(
        &self,
        home: u128,
        until: Instant,
        command: &Cmd,
    ) -> Result<R, Error> {
        self.answer(home, until, |connection| command.query(connection))
    }

    /// Sends a request to the server of a namespace, and converts the answer. The error for an answer of the wrong type
    /// does not quote it, because it may be another program's data.
    fn answer<R: FromRedisValue>(
        &self,
        home: u128,
        until: Instant,
        question: impl Fn(&mut Connection) -> RedisResult<Value>,
    ) -> Result<R, Error> {
        redis::from_redis_value(self.answered(home, until, question)?)
            .map_err(|_| foreign("an answer of another type"))
    }

    /// Sends a request to the server of a namespace. If the server fails, another node of the cluster names its
    /// successor.
    fn answered(
        &self,
        home: u128,
        until: Instant,
        question: impl Fn(&mut Connection) -> RedisResult<Value>,
    ) -> Result<Value, Error> {
        let mut node = self.home(home, until)?;
        let (mut failed, mut redirections) = (Vec::new(), 0);
        loop {
            match node.ask(until, &question) {
                Ok(Ok(found)) => return Ok(found),
                Ok(Err(error)) if !self.options.cluster && is_redirection(&error) => return Err(sent_on()),
                Ok(Err(error)) => {
                    let moved = (redirections < REDIRECTIONS).then(|| self.moved(home, &node, &error));
                    let next = moved.flatten().ok_or_else(|| node.error_of(&error))?;
                    if self.is_due() {
                        self.learn(&node, until);
                    }
                    (node, redirections) = (next, redirections + 1);
                }
                Err(error) => {
                    self.others().homes.remove(&home);
                    failed.push(node);
                    // With little time left, no other node is asked: its failure would not be its own fault.
                    let enough = self.options.connect_timeout.min(self.options.timeout) / 4;
                    let is_late = Instant::now() + enough > until;
                    let another = if is_late { None } else { self.another(&failed, until) };
                    node = another.ok_or(error)?;
                }
            }
        }
    }

    fn home(&self, home: u128, until: Instant) -> Result<Arc<Node>, Error> {
        if let Some(sentinels) = &self.sentinels {
            return sentinels.primary(&self.options, until);
        }
        let known = || self.others().homes.get(&home).map(Arc::clone);
        let is_cluster = self.is_cluster.load(Ordering::Relaxed);
        Ok(is_cluster.then(known).flatten().unwrap_or_else(|| Arc::clone(&self.seeds[0])))
    }

    /// Returns a node of the cluster that was not asked yet, or the successor of the failed server.
    fn another(&self, asked: &[Arc<Node>], until: Instant) -> Option<Arc<Node>> {
        if let Some(sentinels) = &self.sentinels {
            return sentinels.successor(asked.last()?, &self.options, until);
        }
        let is_new =
            |node: &&Arc<Node>| asked.iter().all(|asked| asked.endpoint.address != node.endpoint.address);
        let mut seeds = self.seeds.iter().filter(is_new);
        if self.is_cluster.load(Ordering::Relaxed) {
            let known = || self.others().nodes.values().find(is_new).cloned();
            return seeds.next().cloned().or_else(known);
        }
        // Servers that do not form a cluster would each have their own values, so a node must confirm the cluster
        // first.
        if self.seeds.len() == 1 || !self.is_due() {
            return None;
        }
        seeds.find(|seed| self.learn(seed, until)).cloned()
    }

    /// Returns the node that has the namespace, if the error is a redirection (`MOVED`).
    fn moved(&self, home: u128, from: &Node, error: &RedisError) -> Option<Arc<Node>> {
        if error.code() != Some("MOVED") {
            return None;
        }
        let (host, port) = error.redirect_node()?.0.rsplit_once(':')?;
        let at = (Self::host(from, host), port.parse().ok()?);
        self.is_cluster.store(true, Ordering::Relaxed);
        let mut others = self.others();
        let node = Arc::clone(others.nodes.entry(at).or_insert_with_key(|at| self.node(at)));
        others.homes.insert(home, Arc::clone(&node));
        Some(node)
    }

    /// Whether it is time to ask the cluster for its nodes.
    fn is_due(&self) -> bool {
        let mut others = self.others();
        let is_due = others.learned.is_none_or(|learned| learned.elapsed() > LEARN_EVERY);
        if is_due {
            others.learned = Some(Instant::now());
        }
        is_due
    }

    /// Asks a node for all nodes. Returns whether the node belongs to a cluster.
    fn learn(&self, from: &Node, until: Instant) -> bool {
        let ask = |connection: &mut Connection| cmd("CLUSTER").arg("SLOTS").query::<Value>(connection);
        let Ok(Ok(Value::Array(ranges))) = from.ask(until, ask) else { return false };
        self.is_cluster.store(true, Ordering::Relaxed);
        let mut others = self.others();
        for range in ranges {
            let Value::Array(range) = range else { continue };
            // The first and the last slot are not nodes.
            for node in range.into_iter().skip(2) {
                let Value::Array(node) = node else { continue };
                let [Value::BulkString(host), Value::Int(port), ..] = &node[..] else { continue };
                let (Ok(host), Ok(port)) = (core::str::from_utf8(host), u16::try_from(*port)) else {
                    continue;
                };
                let at = (Self::host(from, host), port);
                others.nodes.entry(at).or_insert_with_key(|at| self.node(at));
            }
        }
        true
    }

    /// Returns the host of a node that `from` has named.
    fn host(from: &Node, host: &str) -> String {
        match (&from.endpoint.address, host) {
            // A node that does not know its own name leaves it empty.
            (Address::Tcp(here, _), "") => here.clone(),
            _ => host.to_owned(),
        }
    }

    fn node(&self, (host, port): &(String, u16)) -> Arc<Node> {
        let address = Address::Tcp(host.clone(), *port);
        // A node of the URL is used again.
        let seed = self.seeds.iter().find(|seed| seed.endpoint.address == address);
        let made = || {
            let endpoint = Endpoint { address: address.clone(), ..self.seeds[0].endpoint.clone() };
            Arc::new(Node::new(endpoint, self.options.connect_timeout))
        };
        seed.map_or_else(made, Arc::clone)
    }
}

/// Whether an answer redirects to another server.
fn is_redirection(error: &RedisError) -> bool {
    matches!(error.code(), Some("MOVED" | "ASK"))
}

fn sent_on() -> Error {
    let message = "the Redis server is a node of a cluster, and refers to another: name several nodes in the URL, as in \
                   `redis://h1,h2`, or add `?cluster=true`";
    Error::new(Kind::Unavailable, message)
}

#[cfg(all(test, feature = "redis-tls"))]
mod tests {
    use super::super::options;
    use super::*;

    #[test]
    fn a_node_that_others_tell_of_is_asked_over_tls_where_the_url_says_so() {
        for (url, tls) in
            [("redis://h1,h2", false), ("rediss://h1,h2", true), ("rediss://h1?cluster=true", true)]
        {
            let (endpoints, options) = options::parse(url).expect("a URL");
            assert_eq!(Server::new(endpoints, options).node(&("h3".into(), 1)).endpoint.tls, tls, "{url}");
        }
    }
}

/// The error for data that this store has not written.
pub(super) fn foreign(what: &str) -> Error {
    Error::new(Kind::Corrupt, format!("the Redis server has {what} where a cache should be"))
}
