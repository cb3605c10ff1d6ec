//! The server: connections to it, and whether it is worth asking.

use alloc::format;
use alloc::string::{String, ToString};
use core::time::Duration;

use parking_lot::Mutex;
use redis::{Client, Connection, ErrorKind, FromRedisValue, RedisError, RedisResult, ScriptInvocation};

use super::options::Options;
use crate::shared::breaker::Breaker;
use crate::shared::error::{Error, Kind};
use crate::shared::pool::Pool;

pub(super) struct Server {
    client: Client,
    options: Options,
    idle: Pool<Connection>,
    breaker: Breaker,
    /// Why it has failed.
    reason: Mutex<String>,
}

impl Server {
    pub(super) fn new(client: Client, options: Options) -> Self {
        let (idle, breaker, reason) = (Pool::new(), Breaker::new(), Mutex::new(String::new()));
        Self { client, options, idle, breaker, reason }
    }

    pub(super) fn options(&self) -> &Options {
        &self.options
    }

    /// Has the server run a script.
    pub(super) fn run<R: FromRedisValue>(&self, script: &ScriptInvocation<'_>) -> Result<R, Error> {
        self.ask(Duration::ZERO, |connection| script.invoke(connection))
    }

    /// Asks the server, which may take so much longer than usual to answer. One that has failed is not asked for a while.
    pub(super) fn ask<R>(
        &self,
        longer: Duration,
        question: impl Fn(&mut Connection) -> RedisResult<R>,
    ) -> Result<R, Error> {
        let Some(admitted) = self.breaker.admit() else {
            let reason = self.reason.try_lock().map(|reason| reason.clone()).unwrap_or_default();
            return Err(failed(&format!("is left alone for a while: {reason}")));
        };
        match self.attempt(longer, question) {
            Err(error) if !is_answer(&error) => {
                let reason = reason(&error);
                if let Some(mut last) = self.reason.try_lock() {
                    last.clone_from(&reason);
                }
                self.breaker.failed(admitted);
                Err(failed(&format!("cannot be used: {reason}")))
            }
            answered => {
                self.breaker.succeeded();
                answered.map_err(|error| answer(&error))
            }
        }
    }

    fn attempt<R>(
        &self,
        longer: Duration,
        question: impl Fn(&mut Connection) -> RedisResult<R>,
    ) -> RedisResult<R> {
        if let Some(mut kept) = self.idle.take() {
            match self.ask_over(&mut kept, longer, &question) {
                // It was closed while nobody used it, and so were others.
                Err(error) if error.is_connection_dropped() && !error.is_timeout() => self.idle.clear(),
                answered => {
                    self.keep(kept, &answered);
                    return answered;
                }
            }
        }
        let mut opened = self.client.get_connection_with_timeout(self.options.connect_timeout)?;
        opened.set_read_timeout(Some(self.options.timeout))?;
        opened.set_write_timeout(Some(self.options.timeout))?;
        let answered = self.ask_over(&mut opened, longer, &question);
        self.keep(opened, &answered);
        answered
    }

    fn ask_over<R>(
        &self,
        connection: &mut Connection,
        longer: Duration,
        question: &impl Fn(&mut Connection) -> RedisResult<R>,
    ) -> RedisResult<R> {
        let timeout = self.options.timeout;
        if longer.is_zero() {
            return question(connection);
        }
        connection.set_read_timeout(Some(timeout + longer))?;
        let answered = question(connection);
        connection.set_read_timeout(Some(timeout))?;
        answered
    }

    /// Keeps a connection that is good: not one on which an answer may still come.
    fn keep<R>(&self, connection: Connection, answered: &RedisResult<R>) {
        if answered.as_ref().err().is_none_or(is_answer) {
            self.idle.keep(connection);
        }
    }
}

/// Whether the server has answered, and its connection is good.
fn is_answer(error: &RedisError) -> bool {
    match error.kind() {
        ErrorKind::Server(_) => !matches!(error.code(), Some("LOADING" | "MASTERDOWN" | "CLUSTERDOWN" | "READONLY")),
        ErrorKind::Extension => !matches!(error.code(), Some("NOAUTH" | "WRONGPASS" | "NOREPLICAS" | "BUSY")),
        ErrorKind::UnexpectedReturnType => true,
        _ => false,
    }
}

/// What an answer that is an error means.
fn answer(error: &RedisError) -> Error {
    let kind = match error.code() {
        Some("OOM") => Kind::Full,
        Some("WRONGTYPE") => Kind::Corrupt,
        _ if error.kind() == ErrorKind::UnexpectedReturnType => Kind::Corrupt,
        _ => Kind::Unavailable,
    };
    Error::new(kind, format!("the Redis server says: {}", reason(error)))
}

/// Never has a password in it: the client does not put it into its errors.
fn reason(error: &RedisError) -> String {
    if error.is_timeout() { String::from("it took too long") } else { error.to_string() }
}

fn failed(what: &str) -> Error {
    Error::new(Kind::Unavailable, format!("the Redis server {what}"))
}
