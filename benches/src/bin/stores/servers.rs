//! The measured stores, with their servers.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A store. Its server, if there is one, ends with it.
pub(crate) struct Store {
    pub(crate) name: &'static str,
    pub(crate) url: String,
    server: Option<Server>,
}

struct Server {
    process: Child,
    /// The request for the bytes sent and received, and the last line of the answer.
    ask: (&'static str, &'static str),
    /// The beginnings of the lines with the bytes.
    bytes: [&'static str; 2],
}

pub(crate) fn start_all(directory: &Path) -> [Store; 3] {
    let socket = |name| directory.join(name);
    let redis = start("redis-server", &["--port", "0", "--save", "", "--unixsocket"], &socket("redis"));
    let memcached = start("memcached", &["-u", "root", "-a", "600", "-s"], &socket("memcached"));
    let at = |name: &str| directory.join(name).display().to_string();
    [
        Store { name: "embedded (LMDB)", url: format!("file://{}", at("embedded")), server: None },
        Store {
            name: "memcached",
            url: format!("memcached+unix://{}", at("memcached")),
            server: Some(Server {
                process: memcached,
                ask: ("stats\r\n", "END"),
                bytes: ["STAT bytes_read ", "STAT bytes_written "],
            }),
        },
        Store {
            name: "redis",
            url: format!("unix://{}", at("redis")),
            server: Some(Server {
                process: redis,
                ask: ("INFO stats\r\n", ""),
                bytes: ["total_net_input_bytes:", "total_net_output_bytes:"],
            }),
        },
    ]
}

fn start(program: &str, arguments: &[&str], socket: &Path) -> Child {
    let mut command = Command::new(program);
    command.args(arguments).arg(socket).stdout(Stdio::null()).stderr(Stdio::null());
    let process = command.spawn().unwrap_or_else(|error| panic!("`{program}` is needed: {error}"));
    let end = Instant::now() + Duration::from_secs(20);
    while UnixStream::connect(socket).is_err() {
        assert!(Instant::now() < end, "{program} does not listen");
        std::thread::sleep(Duration::from_millis(5));
    }
    process
}

/// Restricts a process to the first so many processors.
pub(crate) fn run_on(processors: usize, process: u32) {
    let mut command = Command::new("taskset");
    command.args(["--all-tasks", "--cpu-list", "--pid"]);
    command.args([format!("0-{}", processors - 1), process.to_string()]);
    let status = command.stdout(Stdio::null()).status().expect("`taskset`, of util-linux, is needed");
    assert!(status.success(), "it runs on no other processor");
}

impl Store {
    /// Starts this program again, as a user of the store.
    pub(crate) fn user(&self, words: &[&str]) -> Command {
        let mut command = Command::new(std::env::current_exe().expect("the path of this program"));
        command.args(words).env("LRU_MEMO_STORE", &self.url);
        command
    }

    /// Restricts the server, if there is one, to the first so many processors.
    pub(crate) fn run_on(&self, processors: usize) {
        if let Some(server) = &self.server {
            run_on(processors, server.process.id());
        }
    }

    /// Returns the bytes that the server has received and sent, if there is one.
    pub(crate) fn bytes(&self) -> Option<[u64; 2]> {
        let server = self.server.as_ref()?;
        let (_, path) = self.url.split_once("://").expect("a URL");
        let (question, end) = server.ask;
        let mut stream = UnixStream::connect(path).expect("it is there");
        stream.write_all(question.as_bytes()).expect("it works");
        let mut found = [0; 2];
        for line in BufReader::new(stream).lines().map(|line| line.expect("it works")) {
            for (found, start) in found.iter_mut().zip(server.bytes) {
                if let Some(bytes) = line.strip_prefix(start) {
                    *found = bytes.trim().parse().expect("a number");
                }
            }
            if line.trim() == end && found != [0; 2] {
                break;
            }
        }
        Some(found)
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        if let Some(server) = &mut self.server {
            let _ = server.process.kill();
            let _ = server.process.wait();
        }
    }
}
