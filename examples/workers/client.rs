//! A client of the app for the demonstration.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::app::WORKER_PID;
use crate::failure::Failure;

/// The time limit for an answer.
const LONGEST: Duration = Duration::from_secs(30);

/// The answer of a worker.
pub(crate) struct Answer {
    pub(crate) worker: u32,
    pub(crate) body: Value,
}

/// Sends `GET path` over a new connection, so that any worker may get it.
pub(crate) async fn get(server: SocketAddr, path: &str) -> Result<Answer, Failure> {
    let request = format!("GET {path}");
    let answer = timeout(LONGEST, exchange(server, path)).await;
    let answer = answer.map_err(Failure::of(&request))?.map_err(Failure::of(&request))?;
    read(&answer).ok_or_else(|| Failure::new(format!("{request}: no answer of a worker: {answer:?}")))
}

/// Sends a request, and returns all bytes until the server closes the connection.
async fn exchange(server: SocketAddr, path: &str) -> io::Result<String> {
    let mut stream = TcpStream::connect(server).await?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: {server}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer)
}

/// Parses an answer: a header with the worker, and JSON of a known length.
fn read(answer: &str) -> Option<Answer> {
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let (status, headers) = head.split_once("\r\n")?;
    let is_pid = |line: &&str| line.split(':').next() == Some(WORKER_PID);
    let pid = headers.split("\r\n").find(is_pid)?.split(':').nth(1)?;
    if status != "HTTP/1.1 200 OK" {
        return None;
    }
    Some(Answer { worker: pid.trim().parse().ok()?, body: serde_json::from_str(body).ok()? })
}
