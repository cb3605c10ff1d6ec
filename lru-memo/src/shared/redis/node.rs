//! One server: connections to it, and whether it is worth asking.

use alloc::format;
use alloc::string::{String, ToString};
use core::time::Duration;
use std::time::Instant;

use parking_lot::Mutex;
use redis::{ErrorKind, RedisError, RedisResult};

use super::connection::{Connection, Place};
use crate::shared::breaker::Breaker;
use crate::shared::error::{Error, Kind};
use crate::shared::pool::Pool;

pub(super) struct Node {
    pub(super) place: Place,
    connect_timeout: Duration,
    idle: Pool<Connection>,
    breaker: Breaker,
    /// Why it has failed.
    reason: Mutex<String>,
}

impl Node {
    pub(super) fn new(place: Place, connect_timeout: Duration) -> Self {
        let (idle, breaker, reason) = (Pool::new(), Breaker::new(), Mutex::new(String::new()));
        Self { place, connect_timeout, idle, breaker, reason }
    }

    /// Asks the server; its answer may be an error. One that has failed is not asked for a while.
    pub(super) fn ask<R>(
        &self,
        until: Instant,
        question: impl Fn(&mut Connection) -> RedisResult<R>,
    ) -> Result<RedisResult<R>, Error> {
        let Some(admitted) = self.breaker.admit() else {
            let reason = self.reason.try_lock().map(|reason| reason.clone()).unwrap_or_default();
            return Err(failed(&format!("is left alone for a while: {reason}")));
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

    /// What an answer that is an error means.
    pub(super) fn error_of(&self, answer: &RedisError) -> Error {
        let kind = match code(answer) {
            Some("OOM") => Kind::Full,
            Some("WRONGTYPE") => Kind::Corrupt,
            _ if is_foreign(answer) => Kind::Corrupt,
            _ => Kind::Unavailable,
        };
        Error::new(kind, format!("the Redis server says: {}", self.reason_of(answer)))
    }

    /// What an error says, without the password, which a server or a proxy may repeat.
    fn reason_of(&self, error: &RedisError) -> String {
        if error.is_timeout() {
            return String::from("it took too long");
        }
        let password = self.place.login.password().filter(|password| !password.is_empty());
        password.map_or_else(|| error.to_string(), |password| error.to_string().replace(password, "***"))
    }

    fn attempt<R>(
        &self,
        until: Instant,
        question: impl Fn(&mut Connection) -> RedisResult<R>,
    ) -> RedisResult<RedisResult<R>> {
        if let Some(kept) = self.idle.take() {
            match self.ask_over(kept, until, &question) {
                // It was closed while nobody used it, and so were others.
                Err(error) if error.is_connection_dropped() && !error.is_timeout() => self.idle.clear(),
                answered => return answered,
            }
        }
        let opened = Connection::open(&self.place, until.min(Instant::now() + self.connect_timeout))?;
        self.ask_over(opened, until, &question)
    }

    /// Keeps the connection if it is good: one on which an answer may still come is not.
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

/// Whether the server has answered, and its connection is good.
fn is_answer(error: &RedisError) -> bool {
    const UNFIT: [&str; 8] =
        ["LOADING", "MASTERDOWN", "CLUSTERDOWN", "READONLY", "NOAUTH", "WRONGPASS", "NOREPLICAS", "BUSY"];
    match error.kind() {
        ErrorKind::Server(_) | ErrorKind::Extension => !code(error).is_some_and(|code| UNFIT.contains(&code)),
        _ => false,
    }
}

/// Whether a script has met what this store has not written: a number that is none, or that is too high.
fn is_foreign(answer: &RedisError) -> bool {
    const TOLD: [&str; 5] =
        ["attempt to", "is not an integer", "is not a valid float", "would overflow", "would produce NaN"];
    answer.detail().is_some_and(|detail| TOLD.iter().any(|told| detail.contains(told)))
}

/// What kind of error the server tells. Before Redis 7, it is within a sentence if a script has met it.
fn code(error: &RedisError) -> Option<&str> {
    let of_script = || error.detail()?.rsplit_once(": -")?.1.split(' ').next();
    match error.code()? {
        // What it says instead when the command is long.
        "ERR" if error.detail().is_some_and(|detail| detail.contains("unauthenticated")) => Some("NOAUTH"),
        "ERR" => of_script().or(Some("ERR")),
        code => Some(code),
    }
}

fn failed(what: &str) -> Error {
    Error::new(Kind::Unavailable, format!("the Redis server {what}"))
}
