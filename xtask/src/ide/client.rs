//! A client of the Language Server Protocol: it starts a server, and exchanges messages with it by standard input and
//! output. Each message is JSON, after a header with its length.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver, Sender};
use std::time::Duration;

use serde_json::{Value, json};

use crate::Failure;

/// The longest time without a message, while an answer is expected. The server builds the macros in that time.
const PATIENCE: Duration = Duration::from_secs(300);

/// The codes of errors that ask the client to repeat the request: the content was modified, the server cancelled it.
const AGAIN: [i64; 2] = [-32801, -32802];

/// A running server, which ends with this value.
pub(crate) struct Client {
    server: Child,
    input: ChildStdin,
    messages: Receiver<Value>,
    requests: u64,
}

impl Client {
    pub(crate) fn start(server: &Path, directory: &Path) -> Result<Self, Failure> {
        let mut command = Command::new(server);
        command.current_dir(directory).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut server =
            command.spawn().map_err(|error| format!("{} could not be started: {error}", server.display()))?;
        let (Some(input), Some(output)) = (server.stdin.take(), server.stdout.take()) else {
            return Err("the server has no standard input and output".to_owned());
        };
        let (sender, messages) = mpsc::channel();
        std::thread::spawn(move || receive(BufReader::new(output), &sender));
        Ok(Self { server, input, messages, requests: 0 })
    }

    /// Sends a request, and returns the result.
    pub(crate) fn request(&mut self, method: &str, params: &Value) -> Result<Value, Failure> {
        loop {
            self.requests += 1;
            let id = self.requests;
            self.send(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }))?;
            let mut answer =
                self.wait_for(|message| message["id"] == id && message.get("method").is_none())?;
            match answer["error"]["code"].as_i64() {
                None => return Ok(answer["result"].take()),
                Some(code) if AGAIN.contains(&code) => {}
                Some(_) => return Err(format!("{method}: {}", answer["error"])),
            }
        }
    }

    /// Sends a message without an answer.
    pub(crate) fn notify(&mut self, method: &str, params: &Value) -> Result<(), Failure> {
        self.send(&json!({ "jsonrpc": "2.0", "method": method, "params": params }))
    }

    /// Returns the next message that is wanted. Requests of the server get an empty answer, other messages none.
    pub(crate) fn wait_for(&mut self, is_wanted: impl Fn(&Value) -> bool) -> Result<Value, Failure> {
        loop {
            let message = self
                .messages
                .recv_timeout(PATIENCE)
                .map_err(|_| format!("the server ended, or was silent for {} s", PATIENCE.as_secs()))?;
            if is_wanted(&message) {
                return Ok(message);
            }
            if let (Some(id), Some(_)) = (message.get("id"), message.get("method")) {
                self.send(&json!({ "jsonrpc": "2.0", "id": id, "result": null }))?;
            }
        }
    }

    fn send(&mut self, message: &Value) -> Result<(), Failure> {
        let text = message.to_string();
        write!(self.input, "Content-Length: {}\r\n\r\n{text}", text.len())
            .and_then(|()| self.input.flush())
            .map_err(|error| format!("the server does not listen: {error}"))
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

/// Hands on all messages of the server, until its end.
fn receive(mut output: impl BufRead, sender: &Sender<Value>) {
    while let Ok(Some(message)) = read_message(&mut output) {
        if sender.send(message).is_err() {
            return;
        }
    }
}

/// Reads a message; none at the end.
fn read_message(output: &mut impl BufRead) -> io::Result<Option<Value>> {
    let mut length = 0;
    loop {
        let mut line = String::new();
        if output.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        match line.trim().split_once(": ") {
            Some(("Content-Length", given)) => length = given.parse().map_err(io::Error::other)?,
            Some(_) => {}
            None => break,
        }
    }
    let mut text = String::new();
    output.take(length).read_to_string(&mut text)?;
    serde_json::from_str(&text).map(Some).map_err(io::Error::other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_read_one_after_the_other_to_the_end() {
        let mut output =
            &b"Content-Length: 7\r\n\r\n{\"a\":1}Content-Type: x\r\nContent-Length: 2\r\n\r\n[]"[..];
        let mut read = || read_message(&mut output).unwrap();
        assert_eq!([read(), read(), read()], [Some(json!({ "a": 1 })), Some(json!([])), None]);
    }
}
