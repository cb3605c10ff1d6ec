//! Redis Sentinel: sentinels watch several Redis servers, know the primary, and promote another server when it fails.

use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::time::Duration;
use std::time::Instant;

use redis::{RedisConnectionInfo, Value, cmd};

use super::connection::{Connection, Endpoint};
use super::node::Node;
use super::options::Options;
use crate::shared::error::{Error, Kind};
use crate::shared::remote::socket::Address;
use crate::sys::fork::Own;
use crate::sys::sync::{Mutex, MutexGuard};

/// How often the sentinels are asked while the primary fails, at most.
const ASK_EVERY: Duration = Duration::from_millis(200);

pub(super) struct Sentinels {
    /// The name under which the sentinels watch the servers.
    name: String,
    nodes: Vec<Node>,
    /// The login for the primary; its address is replaced.
    endpoint: Endpoint,
    primary: Own<Mutex<Primary>>,
}

#[derive(Default)]
struct Primary {
    node: Option<Arc<Node>>,
    asked: Option<Instant>,
}

impl Sentinels {
    /// The sentinels of the URL. The login of the URL is for the primary, and is not sent to them.
    pub(super) fn new(name: String, endpoints: Vec<Endpoint>, options: &Options) -> Option<Self> {
        let endpoint = endpoints.first()?.clone();
        let sentinel = |endpoint| {
            Node::new(Endpoint { login: RedisConnectionInfo::default(), ..endpoint }, options.connect_timeout)
        };
        Some(Self {
            name,
            nodes: endpoints.into_iter().map(sentinel).collect(),
            endpoint,
            primary: Own::none(),
        })
    }

    fn lock(&self) -> MutexGuard<'_, Primary> {
        self.primary.get_or_make(Mutex::default).lock()
    }

    /// Returns the primary that the sentinels named last, and asks them if there is none yet.
    pub(super) fn primary(&self, options: &Options, until: Instant) -> Result<Arc<Node>, Error> {
        if let Some(known) = self.lock().node.clone() {
            return Ok(known);
        }
        self.ask(options, until).ok_or_else(|| {
            let name = &self.name;
            Error::new(
                Kind::Unavailable,
                format!("no Redis Sentinel of the URL names the primary of `{name}`"),
            )
        })
    }

    /// Asks the sentinels for the server that has replaced a failed primary.
    pub(super) fn successor(&self, failed: &Node, options: &Options, until: Instant) -> Option<Arc<Node>> {
        {
            let mut primary = self.lock();
            if primary.asked.is_some_and(|asked| asked.elapsed() < ASK_EVERY) {
                return None;
            }
            primary.asked = Some(Instant::now());
        }
        self.ask(options, until).filter(|next| next.endpoint.address != failed.endpoint.address)
    }

    fn ask(&self, options: &Options, until: Instant) -> Option<Arc<Node>> {
        let address = self.nodes.iter().find_map(|sentinel| self.told_by(sentinel, until))?;
        let mut primary = self.lock();
        let known = primary.node.take().filter(|node| node.endpoint.address == address);
        let made =
            || Arc::new(Node::new(Endpoint { address, ..self.endpoint.clone() }, options.connect_timeout));
        Some(Arc::clone(primary.node.insert(known.unwrap_or_else(made))))
    }

    fn told_by(&self, sentinel: &Node, until: Instant) -> Option<Address> {
        let question = |connection: &mut Connection| {
            cmd("SENTINEL").arg("GET-MASTER-ADDR-BY-NAME").arg(&self.name).query::<Value>(connection)
        };
        let Ok(Ok(answer)) = sentinel.ask(until, question) else { return None };
        let (host, port) = redis::from_redis_value::<(String, u16)>(answer).ok()?;
        Some(Address::Tcp(host, port))
    }
}
