//! A real `redis-server`, as a test needs it.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use lru_memo::shared::Redis;

use super::Scratch;
use super::ports::on_free_port;

const SOCKET: &str = "redis.sock";

/// A server on a socket in a directory of its own; it is killed in the end.
pub struct RedisServer {
    scratch: Scratch,
    more: Vec<String>,
    process: Option<Child>,
}

impl RedisServer {
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    /// With more options, such as `--maxmemory 10mb`.
    pub fn start_with(more: &[&str]) -> Self {
        Self::started(more).expect("redis-server listens")
    }

    /// A node of a cluster, and its port; it has no slots yet.
    pub fn start_in_cluster() -> (Self, u16) {
        Self::start_in_cluster_with(&[])
    }

    /// With more options.
    pub fn start_in_cluster_with(more: &[&str]) -> (Self, u16) {
        on_free_port(|port| {
            let port_text = port.to_string();
            let options = ["--cluster-enabled", "yes", "--bind", "127.0.0.1", "--port", &port_text];
            Some((Self::started(&[&options[..], more].concat())?, port))
        })
    }

    /// None when the server ends at once, as it does when it cannot have its port.
    pub fn started(more: &[&str]) -> Option<Self> {
        let more = more.iter().map(|&word| word.to_owned()).collect();
        let mut server = Self { scratch: Scratch::new(), more, process: None };
        server.listens().then_some(server)
    }

    pub fn socket(&self) -> PathBuf {
        self.scratch.path().join(SOCKET)
    }

    pub fn url(&self) -> String {
        format!("unix://{}?timeout=5s&connect_timeout=5s", self.socket().display())
    }

    pub fn store(&self) -> Redis {
        Redis::new(&self.url()).expect("it is a URL")
    }

    /// Stops the server at once, as if the machine had failed.
    pub fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().expect("it can be killed");
            process.wait().expect("it has ended");
        }
    }

    /// Starts it, empty.
    pub fn restart(&mut self) {
        assert!(self.listens(), "redis-server listens");
    }

    /// Starts it, and says whether it listens.
    fn listens(&mut self) -> bool {
        self.kill();
        let _ = std::fs::remove_file(self.socket());
        let mut command = Command::new("redis-server");
        command.args(["--port", "0", "--save", "", "--appendonly", "no", "--unixsocket"]).arg(self.socket());
        command.args(["--dir".as_ref(), self.scratch.path().as_os_str()]).args(&self.more);
        let process = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let process = process.expect("`redis-server` is needed: install it (`cargo xtask test` does)");
        let process = self.process.insert(process);
        let end = Instant::now() + Duration::from_secs(60);
        let socket = self.scratch.path().join(SOCKET);
        while !answers(&socket) {
            if process.try_wait().expect("it is ours").is_some() {
                return false;
            }
            assert!(Instant::now() < end, "redis-server neither listens nor ends");
            thread::sleep(Duration::from_millis(2));
        }
        true
    }

    /// Stops it without ending it: it accepts, and does not answer. Or lets it go on.
    pub fn hang(&self, hang: bool) {
        super::hang(self.process.as_ref().expect("it runs").id(), hang);
    }

    /// Asks it directly, over a connection of its own; returns the answer as text, one line for each element.
    pub fn ask(&self, command: &[&str]) -> String {
        let client = redis::Client::open(format!("unix://{}", self.socket().display())).expect("it is a URL");
        let mut connection = client.get_connection().expect("it listens");
        let (name, arguments) = command.split_first().expect("a command has a name");
        match redis::cmd(name).arg(arguments).query(&mut connection) {
            Ok(answer) => as_text(&answer),
            Err(error) => error.to_string(),
        }
    }
}

/// Whether a server answers there. That it accepts does not tell: the node of a cluster accepts, and ends if it cannot have
/// its port.
fn answers(socket: &Path) -> bool {
    let ask = || {
        let mut stream = UnixStream::connect(socket)?;
        stream.set_read_timeout(Some(Duration::from_secs(1)))?;
        stream.write_all(b"PING\r\n")?;
        stream.read_exact(&mut [0])
    };
    ask().is_ok()
}

fn as_text(answer: &redis::Value) -> String {
    match answer {
        redis::Value::Nil => String::new(),
        redis::Value::Int(number) => number.to_string(),
        redis::Value::BulkString(bytes) => String::from_utf8_lossy(bytes).trim().to_owned(),
        redis::Value::SimpleString(text) => text.clone(),
        redis::Value::Okay => "OK".to_owned(),
        redis::Value::Array(elements) => elements.iter().map(as_text).collect::<Vec<_>>().join("\n"),
        other => panic!("a test asks for what is {other:?}"),
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        self.kill();
    }
}
