//! A connection to a server, each of whose questions has a deadline. What is said on it is the client's affair.

use alloc::boxed::Box;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use std::io::{self, Read, Write};
use std::time::Instant;

use once_cell::race::OnceBox;
use redis::{ConnectionLike, Parser, RedisConnectionInfo, RedisResult, Value, cmd};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use crate::shared::socket::{Address, Timed};

/// A server, and how to introduce oneself.
#[derive(Clone)]
pub(super) struct Place {
    pub(super) address: Address,
    pub(super) tls: bool,
    pub(super) login: RedisConnectionInfo,
}

pub(super) struct Connection {
    stream: Stream,
    parser: Parser,
    database: i64,
}

enum Stream {
    Plain(Timed),
    Tls(Box<StreamOwned<ClientConnection, Timed>>),
}

impl Connection {
    pub(super) fn open(place: &Place, until: Instant) -> RedisResult<Self> {
        let socket = Timed::open(&place.address, until)?;
        let stream = match &place.address {
            Address::Tcp(host, _) if place.tls => Stream::Tls(Box::new(encrypted(host, socket)?)),
            _ => Stream::Plain(socket),
        };
        let database = place.login.db();
        let mut opened = Self { stream, parser: Parser::new(), database };
        if let Some(password) = place.login.password() {
            cmd("AUTH").arg(place.login.username()).arg(password).query::<()>(&mut opened)?;
        }
        if database != 0 {
            cmd("SELECT").arg(database).query::<()>(&mut opened)?;
        }
        Ok(opened)
    }

    pub(super) fn set_deadline(&mut self, until: Instant) {
        match &mut self.stream {
            Stream::Plain(socket) => socket.set_deadline(until),
            Stream::Tls(stream) => stream.sock.set_deadline(until),
        }
    }

    fn answer(&mut self) -> RedisResult<Value> {
        self.parser.parse_value(&mut self.stream)
    }
}

fn encrypted(host: &str, socket: Timed) -> io::Result<StreamOwned<ClientConnection, Timed>> {
    let name = ServerName::try_from(String::from(host)).map_err(io::Error::other)?;
    let session = ClientConnection::new(trusting()?, name).map_err(io::Error::other)?;
    Ok(StreamOwned::new(session, socket))
}

/// Whom we trust: the authorities that the system trusts.
fn trusting() -> io::Result<Arc<ClientConfig>> {
    static TRUSTING: OnceBox<Arc<ClientConfig>> = OnceBox::new();
    if let Some(config) = TRUSTING.get() {
        return Ok(Arc::clone(config));
    }
    let mut authorities = RootCertStore::empty();
    let found = rustls_native_certs::load_native_certs();
    let (usable, _) = authorities.add_parsable_certificates(found.certs);
    if usable == 0 {
        let why = found.errors.first().map_or_else(|| "there are none".to_string(), ToString::to_string);
        return Err(io::Error::other(alloc::format!("no certificates of authorities to trust: {why}")));
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .with_root_certificates(authorities)
        .with_no_client_auth();
    Ok(Arc::clone(TRUSTING.get_or_init(|| Box::new(Arc::new(config)))))
}

impl ConnectionLike for Connection {
    fn req_packed_command(&mut self, command: &[u8]) -> RedisResult<Value> {
        self.stream.write_all(command)?;
        self.stream.flush()?;
        self.answer()
    }

    fn req_packed_commands(
        &mut self,
        commands: &[u8],
        offset: usize,
        count: usize,
    ) -> RedisResult<Vec<Value>> {
        self.stream.write_all(commands)?;
        self.stream.flush()?;
        for _ in 0..offset {
            self.answer()?;
        }
        (0..count).map(|_| self.answer()).collect()
    }

    fn get_db(&self) -> i64 {
        self.database
    }

    fn check_connection(&mut self) -> bool {
        cmd("PING").query::<Value>(self).is_ok()
    }

    fn is_open(&self) -> bool {
        true
    }
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(socket) => socket.read(buffer),
            Self::Tls(stream) => stream.read(buffer),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(socket) => socket.write(bytes),
            Self::Tls(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(socket) => socket.flush(),
            Self::Tls(stream) => stream.flush(),
        }
    }
}
