//! The server, or the nodes of a cluster: each namespace is on one of them, which the others know.

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::sync::Arc;
use core::sync::atomic::{AtomicBool, Ordering};
use std::collections::HashMap;
use std::time::Instant;

use redis::{FromRedisValue, RedisError, RedisResult, ScriptInvocation};

use super::connection::{Connection, Place};
use super::node::Node;
use super::options::Options;
use crate::fork::Own;
use crate::shared::error::Error;
use crate::shared::socket::Address;
use crate::sync::{Mutex, MutexGuard};

/// How often one question may be sent on to another node.
const REDIRECTIONS: u32 = 4;

pub(super) struct Server {
    options: Options,
    /// The one in the URL.
    seed: Arc<Node>,
    /// Whether there are others.
    is_cluster: AtomicBool,
    others: Own<Mutex<Others>>,
}

#[derive(Default)]
struct Others {
    nodes: HashMap<(String, u16), Arc<Node>>,
    /// Where namespaces are, by their ids: those that are not on the seed.
    homes: HashMap<u128, Arc<Node>>,
}

impl Server {
    pub(super) fn new(place: Place, options: Options) -> Self {
        let seed = Arc::new(Node::new(place, options.connect_timeout));
        Self { options, seed, is_cluster: AtomicBool::new(false), others: Own::none() }
    }

    fn others(&self) -> MutexGuard<'_, Others> {
        self.others.get_or_make(Mutex::default).lock()
    }

    pub(super) fn options(&self) -> &Options {
        &self.options
    }

    /// Has the server of a namespace run a script.
    pub(super) fn run<R: FromRedisValue>(
        &self,
        home: u128,
        until: Instant,
        script: &ScriptInvocation<'_>,
    ) -> Result<R, Error> {
        self.ask(home, until, |connection| script.invoke(connection))
    }

    /// Asks the server of a namespace.
    pub(super) fn ask<R>(
        &self,
        home: u128,
        until: Instant,
        question: impl Fn(&mut Connection) -> RedisResult<R>,
    ) -> Result<R, Error> {
        let mut node = self.home(home);
        for _ in 0..REDIRECTIONS {
            match node.ask(until, &question) {
                Ok(Ok(found)) => return Ok(found),
                Ok(Err(error)) => {
                    node = self.moved(home, &node, &error).ok_or_else(|| node.error_of(&error))?;
                }
                Err(failed) => {
                    // The seed knows who has taken over.
                    self.others().homes.remove(&home);
                    return Err(failed);
                }
            }
        }
        node.ask(until, question)?.map_err(|error| node.error_of(&error))
    }

    fn home(&self, home: u128) -> Arc<Node> {
        let known = || self.others().homes.get(&home).map(Arc::clone);
        let is_cluster = self.is_cluster.load(Ordering::Relaxed);
        is_cluster.then(known).flatten().unwrap_or_else(|| Arc::clone(&self.seed))
    }

    /// The node that has the namespace, if this is the error that tells it.
    fn moved(&self, home: u128, from: &Node, error: &RedisError) -> Option<Arc<Node>> {
        if error.code() != Some("MOVED") {
            return None;
        }
        let (host, port) = error.redirect_node()?.0.rsplit_once(':')?;
        let host = match (&from.place.address, host) {
            // A node that does not know its own name.
            (Address::Tcp(here, _), "") => here.clone(),
            _ => host.to_owned(),
        };
        let at = (host, port.parse().ok()?);
        self.is_cluster.store(true, Ordering::Relaxed);
        let opened = || {
            let place = Place { address: Address::Tcp(at.0.clone(), at.1), ..self.seed.place.clone() };
            Arc::new(Node::new(place, self.options.connect_timeout))
        };
        let mut others = self.others();
        let node = Arc::clone(others.nodes.entry(at.clone()).or_insert_with(opened));
        others.homes.insert(home, Arc::clone(&node));
        Some(node)
    }
}
