//! One server, with its connections and its circuit breaker.

use alloc::format;
use alloc::string::{String, ToString};
use core::time::Duration;
use std::time::Instant;

use parking_lot::Mutex;
use redis::{ErrorKind, RedisError, RedisResult};

use super::connection::{Connection, Endpoint};
use crate::shared::breaker::Breaker;
use crate::shared::error::{Error, Kind};
use crate::shared::remote::pool::Pool;

pub(super) struct Node {
    pub(super) endpoint: Endpoint,
    connect_timeout: Duration,
    idle: Pool<Connection>,
    breaker: Breaker,
    /// The reason of the last failure.
    reason: Mutex<String>,
}

impl Node {
    pub(super) fn new(endpoint: Endpoint, connect_timeout: Duration) -> Self {
        let (idle, breaker, reason) = (Pool::new(), Breaker::new(), Mutex::new(String::new()));
        Self { endpoint, connect_timeout, idle, breaker, reason }
    }

    /// Sends a request. The inner result is the server's answer, which may be an error. After a failure, fails at once
    /// for a while.
    pub(super) fn ask<R>(
        &self,
        until: Instant,
        question: impl Fn(&mut Connection) -> RedisResult<R>,
    ) -> Result<RedisResult<R>, Error> {
        let Some(admitted) = self.breaker.admit() else {
            let reason = self.reason.try_lock().map(|reason| reason.clone()).unwrap_or_default();
            return Err(failed(&format!("is not asked for a while after a failure: {reason}")));
        };
        match self.attempt(until, question) {
            Err(error) => {
                let reason = self.reason_of(&error);
                if let Some(mut last) = self.reason.try_lock() {
                    last.clone_from(&reason);
                }
                self.breaker.failed(admitted);
                Err(failed(&format!("cannot be used: {reason}")))
            }
            Ok(answer) => {
                self.breaker.succeeded();
                Ok(answer)
            }
        }
    }

    /// Converts an answer that is an error.
    pub(super) fn error_of(&self, answer: &RedisError) -> Error {
        let kind = match code(answer) {
            Some("OOM") => Kind::Full,
            Some("WRONGTYPE") => Kind::Corrupt,
            _ if is_foreign(answer) => Kind::Corrupt,
            _ => Kind::Unavailable,
        };
        Error::new(kind, format!("the Redis server says: {}", self.reason_of(answer)))
    }

    /// Returns the text of an error without the password, which a server or a proxy may repeat.
    fn reason_of(&self, error: &RedisError) -> String {
        if error.is_timeout() {
            return String::from("it took too long");
        }
        let password = self.endpoint.login.password().filter(|password| !password.is_empty());
        password.map_or_else(|| error.to_string(), |password| error.to_string().replace(password, "***"))
    }

    fn attempt<R>(
        &self,
        until: Instant,
        question: impl Fn(&mut Connection) -> RedisResult<R>,
    ) -> RedisResult<RedisResult<R>> {
        if let Some(kept) = self.idle.take() {
            match self.ask_over(kept, until, &question) {
                // The server has closed this idle connection, and probably the others.
                Err(error) if error.is_connection_dropped() && !error.is_timeout() => self.idle.clear(),
                answered => return answered,
            }
        }
        let opened = Connection::open(&self.endpoint, until.min(Instant::now() + self.connect_timeout))?;
        self.ask_over(opened, until, &question)
    }

    /// Sends a request over this connection. Returns the connection to the pool unless an answer may still arrive on
    /// it.
    fn ask_over<R>(
        &self,
        mut connection: Connection,
        until: Instant,
        question: &impl Fn(&mut Connection) -> RedisResult<R>,
    ) -> RedisResult<RedisResult<R>> {
        connection.set_deadline(until);
        match question(&mut connection) {
            Err(error) if !is_answer(&error) => Err(error),
            answer => {
                self.idle.keep(connection);
                Ok(answer)
            }
        }
    }
}

/// Whether this error is an answer of a working server, so that the connection can be used again.
fn is_answer(error: &RedisError) -> bool {
    const UNFIT: [&str; 8] =
        ["LOADING", "MASTERDOWN", "CLUSTERDOWN", "READONLY", "NOAUTH", "WRONGPASS", "NOREPLICAS", "BUSY"];
    match error.kind() {
        ErrorKind::Server(_) | ErrorKind::Extension => !code(error).is_some_and(|code| UNFIT.contains(&code)),
        _ => false,
    }
}

/// Whether a script has met data that this store has not written, such as text in endpoint of a number.
fn is_foreign(answer: &RedisError) -> bool {
    const TOLD: [&str; 5] =
        ["attempt to", "is not an integer", "is not a valid float", "would overflow", "would produce NaN"];
    answer.detail().is_some_and(|detail| TOLD.iter().any(|told| detail.contains(told)))
}

/// Returns the code of a server's error. Before Redis 7, the code of an error inside a script is in the middle of the
/// text.
fn code(error: &RedisError) -> Option<&str> {
    let of_script = || error.detail()?.rsplit_once(": -")?.1.split(' ').next();
    match error.code()? {
        // For a long command, the server says this instead.
        "ERR" if error.detail().is_some_and(|detail| detail.contains("unauthenticated")) => Some("NOAUTH"),
        "ERR" => of_script().or(Some("ERR")),
        code => Some(code),
    }
}

fn failed(what: &str) -> Error {
    Error::new(Kind::Unavailable, format!("the Redis server {what}"))
}
