//! A connection to a server, with a deadline for each request. The crate `redis` writes the commands and parses the
//! answers.

use alloc::boxed::Box;
use alloc::vec::Vec;
use std::io::{self, Read, Write};
use std::time::Instant;

use redis::{ConnectionLike, Parser, RedisConnectionInfo, RedisError, RedisResult, Value, cmd};

#[cfg(feature = "redis-tls")]
use super::tls::{Encrypted, encrypted};
use crate::shared::remote::socket::{Address, Timed};

/// The address of a server, and the login for it.
#[derive(Clone)]
pub(super) struct Endpoint {
    pub(super) address: Address,
    #[cfg(feature = "redis-tls")]
    pub(super) tls: bool,
    pub(super) login: RedisConnectionInfo,
}

pub(super) struct Connection {
    stream: Box<dyn Stream>,
    parser: Parser,
    database: i64,
}

/// Bytes to and from the server, encrypted or not.
pub(super) trait Stream: Read + Write + Send {
    /// Sets the time from which reading and writing fail.
    fn set_deadline(&mut self, until: Instant);
}

impl Stream for Timed {
    fn set_deadline(&mut self, until: Instant) {
        Self::set_deadline(self, until);
    }
}

#[cfg(feature = "redis-tls")]
impl Stream for Encrypted {
    fn set_deadline(&mut self, until: Instant) {
        self.sock.set_deadline(until);
    }
}

impl Connection {
    pub(super) fn open(endpoint: &Endpoint, until: Instant) -> RedisResult<Self> {
        let socket = Timed::open(&endpoint.address, until)?;
        let stream: Box<dyn Stream> = match &endpoint.address {
            #[cfg(feature = "redis-tls")]
            Address::Tcp(host, _) if endpoint.tls => Box::new(encrypted(host, socket)?),
            _ => Box::new(socket),
        };
        let database = endpoint.login.db();
        let mut opened = Self { stream, parser: Parser::new(), database };
        if let Some(password) = endpoint.login.password() {
            let mut login = cmd("AUTH");
            login.arg(endpoint.login.username()).arg(password);
            login.query::<()>(&mut opened).map_err(|error| without_text(&error))?;
        }
        if database != 0 {
            cmd("SELECT").arg(database).query::<()>(&mut opened)?;
        }
        Ok(opened)
    }

    pub(super) fn set_deadline(&mut self, until: Instant) {
        self.stream.set_deadline(until);
    }

    fn answer(&mut self) -> RedisResult<Value> {
        self.parser.parse_value(&mut *self.stream)
    }
}

/// Returns the error of a login without the server's text, which may repeat the password.
fn without_text(error: &RedisError) -> RedisError {
    const CODES: [&str; 5] = ["ERR", "LOADING", "NOAUTH", "NOPERM", "WRONGPASS"];
    let Some(code) = error.code() else { return error.clone() };
    let code = CODES.iter().find(|known| **known == code).unwrap_or(&"ERR");
    io::Error::other(alloc::format!("it refuses user and password ({code})")).into()
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
