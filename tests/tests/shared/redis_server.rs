//! A real `redis-server`, as a test needs it.

use std::net::TcpListener;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use lru_memo::shared::Redis;

use super::Scratch;

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
        let more = more.iter().map(|&word| word.to_owned()).collect();
        let mut server = Self { scratch: Scratch::new(), more, process: None };
        server.restart();
        server
    }

    /// A node of a cluster, and its port; it has no slots yet.
    pub fn start_in_cluster() -> (Self, u16) {
        // The cluster's own port is higher by 10,000.
        let is_free = |port: &u16| {
            [*port, port + 10_000].iter().all(|&port| TcpListener::bind(("127.0.0.1", port)).is_ok())
        };
        let ports = (0..).map(|_| {
            let port = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
            10_000 + port.expect("a port").port() % 40_000
        });
        let port = ports.take(1000).find(is_free).expect("two ports that are free");
        let options = ["--cluster-enabled", "yes", "--bind", "127.0.0.1", "--port", &port.to_string()];
        (Self::start_with(&options), port)
    }

    pub fn socket(&self) -> PathBuf {
        self.scratch.path().join("redis.sock")
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
        self.kill();
        let _ = std::fs::remove_file(self.socket());
        let mut command = Command::new("redis-server");
        command.args(["--port", "0", "--save", "", "--appendonly", "no", "--unixsocket"]).arg(self.socket());
        command.args(["--dir".as_ref(), self.scratch.path().as_os_str()]).args(&self.more);
        let process = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        self.process = Some(process.expect("`redis-server` is needed: install it (`cargo xtask test` does)"));
        let end = Instant::now() + Duration::from_secs(20);
        while UnixStream::connect(self.socket()).is_err() {
            assert!(Instant::now() < end, "redis-server does not listen");
            thread::sleep(Duration::from_millis(2));
        }
    }

    /// Stops it without ending it: it accepts, and does not answer. Or lets it go on.
    pub fn hang(&self, hang: bool) {
        let signal = if hang { libc::SIGSTOP } else { libc::SIGCONT };
        let process = self.process.as_ref().expect("it runs").id();
        // SAFETY: it is a child that was not waited for.
        assert_eq!(unsafe { libc::kill(process as libc::pid_t, signal) }, 0);
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
