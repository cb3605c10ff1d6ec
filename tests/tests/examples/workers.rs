//! The web app under several worker processes.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{self, Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use super::{WATCHDOG, built, output, until, within};

pub(super) fn kill(pid: u32, signal: Signal) {
    let pid = Pid::from_raw(pid.try_into().expect("a pid is small")).expect("a pid is not zero");
    kill_process(pid, signal).expect("the process can be signalled");
}

/// A directory that is removed in the end.
pub(super) struct Directory(PathBuf);

impl Directory {
    pub(super) fn new() -> Self {
        Self::new_in(&std::env::temp_dir())
    }

    fn new_in(base: &Path) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        loop {
            let number = NUMBER.fetch_add(1, Ordering::Relaxed);
            let path = base.join(format!("lru-memo-examples-{}-{number}", process::id()));
            match fs::create_dir(&path) {
                Ok(()) => return Self(path),
                // Somebody else's, perhaps of a process that was killed.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => panic!("{}: {error}", path.display()),
            }
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    /// The URL of a store in it.
    fn store(&self) -> String {
        format!("file://{}/store", self.0.display())
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A running `serve`, ended with the test.
pub(super) struct Server {
    master: Child,
    address: String,
}

impl Server {
    fn start(workers_wanted: usize) -> Self {
        Self::start_with(workers_wanted, &["--scope", "process"])
    }

    fn start_with(workers_wanted: usize, more: &[&str]) -> Self {
        Self::of_program(built("workers"), workers_wanted, more)
    }

    pub(super) fn of_program(program: &Path, workers_wanted: usize, more: &[&str]) -> Self {
        let mut master = Command::new(program)
            .args(["serve", "--workers", &workers_wanted.to_string(), "--port", "0"])
            .args(more)
            .env_remove("LRU_MEMO_STORE")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("it starts");
        let stdout = master.stdout.take().expect("it is piped");
        let mut server = Self { master, address: String::new() };
        let line = within(WATCHDOG, "the first line", move || {
            let mut line = String::new();
            BufReader::new(stdout).read_line(&mut line).map(|_| line)
        });
        let line = line.expect("it says where it listens");
        let address = line.strip_prefix("listening on http://").and_then(|rest| rest.split(' ').next());
        server.address = address.unwrap_or_else(|| panic!("{line:?} has no address")).to_owned();
        server
    }

    /// Sends one request over a connection of its own: the worker, the status and the body.
    fn ask(&self, path: &str) -> io::Result<(u32, u16, String)> {
        let mut connection = TcpStream::connect(&self.address)?;
        connection.set_read_timeout(Some(WATCHDOG))?;
        write!(connection, "GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", self.address)?;
        let mut answer = String::new();
        connection.read_to_string(&mut answer)?;
        // Of a worker that was killed there may be a part.
        let (head, body) = answer.split_once("\r\n\r\n").ok_or(io::ErrorKind::UnexpectedEof)?;
        let status = head.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)).map(str::parse);
        let pid = head.lines().find_map(|line| line.strip_prefix("x-worker-pid: ")).map(str::parse);
        match (pid, status) {
            (Some(Ok(pid)), Some(Ok(status))) => Ok((pid, status, body.to_owned())),
            _ => panic!("an answer has a status and names its worker: {head}"),
        }
    }

    pub(super) fn get(&self, path: &str) -> (u32, Value) {
        let (pid, status, body) = self.ask(path).expect("a worker answers");
        assert_eq!(status, 200, "{body}");
        (pid, serde_json::from_str(&body).expect("the body is JSON"))
    }

    /// The cache info of every worker.
    pub(super) fn infos(&self, workers: usize) -> BTreeMap<u32, Value> {
        let mut infos = BTreeMap::new();
        until("an answer of every worker", || {
            infos.extend([self.get("/get_cache_info")]);
            (infos.len() >= workers).then_some(())
        });
        infos
    }

    /// The cache info of a worker that was not there before.
    pub(super) fn answer_of_a_worker_not_in(&self, before: &BTreeSet<u32>) -> Value {
        let info = until("an answer of the new worker", || {
            // A connection that the dying worker had accepted is lost.
            let (pid, _, body) = self.ask("/get_cache_info").ok()?;
            (!before.contains(&pid)).then_some(body)
        });
        serde_json::from_str(&info).expect("the body is JSON")
    }

    pub(super) fn pids(&self, workers: usize) -> BTreeSet<u32> {
        self.infos(workers).into_keys().collect()
    }

    /// Signals the master, waits for its end and that of all its workers, and returns its exit code and log.
    fn end(&mut self, signal: Signal) -> (Option<i32>, String) {
        kill(self.master.id(), signal);
        let mut stderr = self.master.stderr.take().expect("a server ends once");
        // Every worker inherits it, and it ends when the last process that has it does.
        let log = within(WATCHDOG, "the end of all processes", move || {
            let mut log = String::new();
            stderr.read_to_string(&mut log).map(|_| log)
        });
        let status = self.master.wait().expect("it can be waited for");
        (status.code(), log.expect("the log is text"))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.master.kill();
        let _ = self.master.wait();
    }
}

pub(super) fn called() -> Value {
    json!({"Currsize": 1, "Hits": 0, "Maxsize": 2, "Misses": 1})
}

pub(super) fn uncalled() -> Value {
    json!({"Currsize": 0, "Hits": 0, "Maxsize": 2, "Misses": 0})
}

#[test]
fn a_worker_answers_as_the_flask_app_does() {
    let server = Server::start(1);
    assert_eq!(server.get("/get_cache_info").1, uncalled());
    assert_eq!(server.get("/").1, json!({"message": "Stored"}));
    assert_eq!(server.get("/get_cache_info").1, called());
    server.get("/");
    assert_eq!(server.get("/get_cache_info").1["Hits"], 1);
    let metrics = server.ask("/metrics").expect("a worker answers").2;
    let is_there = |result: &str| {
        metrics.lines().any(|line| {
            line.starts_with("cache_gets_total{cache=\"")
                && line.ends_with(&format!("result=\"{result}\"}} 1"))
        })
    };
    assert!(is_there("hit") && is_there("miss"), "{metrics}");
}

#[test]
fn an_answer_that_there_is_no_such_page_names_its_worker_too() {
    let server = Server::start(1);
    let (pid, status, _) = server.ask("/nowhere").expect("a worker answers");
    assert_eq!((pid, status), (server.get("/").0, 404));
}

#[test]
fn a_call_in_one_worker_is_unknown_to_the_others() {
    let server = Server::start(3);
    let (called, _) = server.get("/");
    let infos = server.infos(3);
    assert_eq!(infos.len(), 3);
    for (pid, info) in infos {
        assert_eq!(info["Misses"], u32::from(pid == called), "{pid}: {info}");
    }
}

#[test]
fn a_killed_worker_is_replaced_by_one_with_an_empty_cache() {
    let mut server = Server::start(2);
    let before = server.pids(2);
    let killed = server.get("/").0;
    kill(killed, Signal::KILL);
    assert_eq!(server.answer_of_a_worker_not_in(&before), uncalled());

    let after = server.pids(2);
    assert!(!after.contains(&killed), "{after:?}");
    assert_eq!(after.intersection(&before).count(), 1, "the other worker still runs");
    let (code, log) = server.end(Signal::TERM);
    assert_eq!((code, log.matches("died").count()), (Some(0), 1), "{log}");
}

#[test]
fn with_a_shared_cache_a_call_in_one_worker_is_known_to_all() {
    let directory = Directory::new();
    let server = Server::start_with(3, &["--scope", "shared", "--store", &directory.store()]);
    assert!(server.infos(3).into_values().all(|info| info == uncalled()));
    server.get("/");
    assert!(server.infos(3).into_values().all(|info| info == called()));
    server.get("/");
    let hit = json!({"Currsize": 1, "Hits": 1, "Maxsize": 2, "Misses": 1});
    assert!(server.infos(3).into_values().all(|info| info == hit));
}

#[test]
fn workers_start_while_the_file_of_their_program_is_replaced() {
    // On the file system that the program is on, so that one file can have two names.
    let directory = Directory::new_in(Path::new(env!("CARGO_TARGET_TMPDIR")));
    let program = directory.path().join("workers");
    fs::hard_link(built("workers"), &program).expect("a second name");
    for what_replaces_it in [None, Some("no program")] {
        let server = Server::of_program(&program, 2, &["--scope", "process"]);
        let before = server.pids(2);
        fs::rename(&program, directory.path().join("before")).expect("it can be renamed");
        fs::remove_file(directory.path().join("before")).expect("it can be removed");
        if let Some(text) = what_replaces_it {
            fs::write(&program, text).expect("a file can be written");
        }
        kill(server.get("/").0, Signal::KILL);
        assert_eq!(server.answer_of_a_worker_not_in(&before), uncalled());
        let _ = fs::remove_file(&program);
        fs::hard_link(built("workers"), &program).expect("a second name");
    }
}

#[test]
fn with_a_shared_cache_each_worker_tells_a_collector_the_same() {
    let directory = Directory::new();
    let server = Server::start_with(3, &["--scope", "shared", "--store", &directory.store()]);
    server.get("/");
    server.get("/");
    // A worker tells of the functions that it has used.
    server.infos(3);
    let mut told = BTreeMap::new();
    until("the metrics of every worker", || {
        let (worker, _, metrics) = server.ask("/metrics").expect("a worker answers");
        told.insert(worker, metrics);
        (told.len() == 3).then_some(())
    });
    let mut told = told.into_values();
    let first = told.next().expect("there are three");
    assert!(first.lines().filter(|line| line.ends_with("} 1")).count() >= 3, "{first}");
    told.for_each(|metrics| assert_eq!(metrics, first));
}

#[test]
fn a_killed_worker_of_a_shared_cache_is_replaced_by_one_that_knows_what_it_knew() {
    let directory = Directory::new();
    let mut server = Server::start_with(2, &["--scope", "shared", "--store", &directory.store()]);
    let before = server.pids(2);
    let killed = server.get("/").0;
    kill(killed, Signal::KILL);
    assert_eq!(server.answer_of_a_worker_not_in(&before), called());
    assert_eq!(server.get("/").1, json!({"message": "Stored"}));
    let after = server.infos(2);
    assert!(after.values().all(|info| info["Hits"] == 1 && info["Misses"] == 1), "{after:?}");
    let (code, log) = server.end(Signal::TERM);
    assert_eq!((code, log.lines().count(), log.matches("died").count()), (Some(0), 1, 1), "{log}");
}

#[test]
fn a_shared_cache_outlives_a_restart_of_the_whole_app() {
    let directory = Directory::new();
    let arguments = ["--scope", "shared", "--store", &directory.store()];
    let mut server = Server::start_with(2, &arguments);
    server.get("/");
    assert_eq!(server.end(Signal::TERM), (Some(0), String::new()));
    let server = Server::start_with(2, &arguments);
    assert!(server.infos(2).into_values().all(|info| info == called()));
}

#[test]
fn without_a_store_that_works_the_app_answers_and_the_log_says_why_nothing_is_cached() {
    let mut server = Server::start_with(2, &["--scope", "shared", "--store", "file:///proc/store"]);
    for _ in 0..4 {
        assert_eq!(server.get("/").1, json!({"message": "Stored"}));
    }
    assert!(server.infos(2).into_values().all(|info| info == uncalled()));
    let (code, log) = server.end(Signal::TERM);
    assert_eq!((code, log.matches("nothing is cached").count()), (Some(0), 2), "{log}");
    assert!(log.contains("/proc/store"), "{log}");
}

#[test]
fn sigterm_and_sigint_stop_the_master_and_all_workers() {
    for signal in [Signal::TERM, Signal::INT] {
        let mut server = Server::start(3);
        server.infos(3);
        assert_eq!(server.end(signal), (Some(0), String::new()));
    }
}

#[test]
fn open_connections_and_half_requests_do_not_keep_workers_from_stopping() {
    for (signal, code) in [(Signal::TERM, Some(0)), (Signal::KILL, None)] {
        let mut server = Server::start(2);
        let connections = [0, 4, 8, 12].repeat(2).into_iter().map(|sent| {
            let mut connection = TcpStream::connect(&server.address).expect("a worker listens");
            connection.write_all(&b"GET / HTTP/1.1\r\nHost: "[..sent]).expect("it can be written to");
            connection
        });
        let connections: Vec<_> = connections.collect();
        // Workers accept in order, so by now they have accepted the others.
        server.infos(2);
        assert_eq!(server.end(signal), (code, String::new()));
        drop(connections);
    }
}

#[test]
fn no_worker_outlives_a_killed_master() {
    let mut server = Server::start(3);
    server.infos(3);
    assert_eq!(server.end(Signal::KILL), (None, String::new()));
}

/// The one line that a refused command line prints.
pub(super) fn refusal(program: &Path, arguments: &[&str]) -> String {
    let output = output(WATCHDOG, Command::new(program).args(arguments));
    let text = String::from_utf8(output.stderr).expect("messages are text");
    assert_eq!(output.status.code(), Some(2), "{arguments:?}: {text}");
    assert!(output.stdout.is_empty(), "{arguments:?}");
    assert_eq!((text.lines().count(), text.starts_with("error: ")), (1, true), "{arguments:?}: {text}");
    text
}

#[test]
fn a_port_in_use_is_one_line_and_status_2() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("there is a free port");
    let address = taken.local_addr().expect("it has an address");
    let text = refusal(built("workers"), &["serve", "--port", &address.port().to_string()]);
    assert!(text.contains(&address.to_string()) && text.contains("in use"), "{text}");
}

#[test]
fn the_port_of_another_serve_is_in_use() {
    let server = Server::start(1);
    let port = server.address.rsplit(':').next().expect("it has a port");
    assert!(refusal(built("workers"), &["serve", "--port", port]).contains("in use"));
}

#[test]
fn a_bad_command_line_is_one_line_that_names_the_mistake_and_status_2() {
    for (arguments, named) in [
        (&["serve", "--scope", "everywhere"][..], &["everywhere", "process", "shared"][..]),
        (&["serve", "--scope", "shared", "--store", "nowhere"], &["--store", "file:///"]),
        (&["serve", "--store", "memory://"], &["--store", "--scope shared"]),
        (&["--store", "nowhere"], &["--store", "file:///"]),
        (&["--store", "memory://", "serve"], &["serve"]),
        (&["serve", "--workers", "0"], &["`--workers 0`"]),
        (&["serve", "--workers", "many"], &["`--workers many`"]),
        (&["serve", "--port", "65536"], &["`--port 65536`"]),
        (&["serve", "--port"], &["--port"]),
        (&["serve", "--prot", "1"], &["--prot", "--help"]),
        (&["serve", "now"], &["now"]),
        (&["sevre"], &["sevre", "--help"]),
        (&["work", "--scope", "process"], &["master"]),
    ] {
        let text = refusal(built("workers"), arguments);
        assert!(named.iter().all(|word| text.contains(word)), "{arguments:?}: {text}");
    }
}

#[test]
fn the_url_of_a_server_is_refused_with_the_whole_command_that_takes_it() {
    for (arguments, command) in [
        (&["--store", "redis://h"][..], "--features servers -- --store redis://h"),
        (&["--store=memcached://h:11211"], "--features servers -- --store=memcached://h:11211"),
        (
            &["serve", "--scope", "shared", "--store", "unix:///run/redis.sock"],
            "--features servers -- serve --scope shared --store unix:///run/redis.sock",
        ),
        (&["--store", "rediss://me:secret@h"], "--features tls -- --store URL"),
        (&["--store", "unix:///run/redis.sock?pass=secret"], "--features servers -- --store URL"),
    ] {
        let text = refusal(built("workers"), arguments);
        let command = format!("`cargo run --release --example workers {command}`");
        assert!(text.contains(&command) && !text.contains("secret"), "{text}");
    }
}

#[test]
fn the_help_fits_a_screen_of_80_columns() {
    let told = output(WATCHDOG, Command::new(built("workers")).arg("--help"));
    let text = String::from_utf8(told.stdout).expect("help is text");
    assert!(told.status.success() && text.contains("workers serve"), "{text}");
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
}
