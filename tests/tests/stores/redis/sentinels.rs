//! Redis behind Sentinel: a process goes on with whichever server is the primary.

use std::fs;
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use lru_memo::shared::{Entry, Found, Kind, Redis, Store};

use crate::shared::ports::on_free_port;
use crate::shared::{RedisServer, Scratch, space};

/// A real sentinel, on a port of its own.
struct Sentinel {
    port: u16,
    process: Child,
    _scratch: Scratch,
}

impl Sentinel {
    /// Watches the server at a port, and the replicas that this one tells of.
    fn start(primary: u16, more: &str) -> Self {
        on_free_port(|port| {
            let scratch = Scratch::new();
            let file = scratch.path().join("sentinel.conf");
            let settings = format!(
                "port {port}\nbind 127.0.0.1\nsentinel monitor mymaster 127.0.0.1 {primary} 2\n\
                 sentinel down-after-milliseconds mymaster 500\nsentinel failover-timeout mymaster 2000\n{more}"
            );
            fs::write(&file, settings).expect("a directory of our own");
            let mut command = Command::new("redis-server");
            command.arg(&file).arg("--sentinel").stdout(Stdio::null()).stderr(Stdio::null());
            let mut process = command.spawn().expect("`redis-server` is installed");
            let end = Instant::now() + Duration::from_secs(60);
            while TcpStream::connect(("127.0.0.1", port)).is_err() {
                if process.try_wait().expect("it is ours").is_some() {
                    return None;
                }
                assert!(Instant::now() < end, "a sentinel neither listens nor ends");
                thread::sleep(Duration::from_millis(2));
            }
            Some(Self { port, process, _scratch: scratch })
        })
    }

    fn ask(&self, command: &[&str]) -> Vec<String> {
        let client = redis::Client::open(format!("redis://127.0.0.1:{}", self.port)).expect("a URL");
        let mut connection = client.get_connection().expect("it listens");
        redis::cmd(command[0]).arg(&command[1..]).query(&mut connection).unwrap_or_default()
    }

    /// How many others it knows, and how many replicas.
    fn knows(&self) -> (String, String) {
        let told = self.ask(&["SENTINEL", "MASTER", "mymaster"]);
        let of = |name: &str| {
            let at = told.iter().position(|word| word == name);
            at.and_then(|at| told.get(at + 1)).cloned().unwrap_or_default()
        };
        (of("num-other-sentinels"), of("num-slaves"))
    }
}

impl Drop for Sentinel {
    fn drop(&mut self) {
        self.process.kill().expect("it can be killed");
        self.process.wait().expect("it has ended");
    }
}

fn server(more: &[&str]) -> (RedisServer, u16) {
    on_free_port(|port| {
        let port_text = port.to_string();
        let options = ["--bind", "127.0.0.1", "--port", &port_text, "--repl-diskless-sync-delay", "0"];
        Some((RedisServer::started(&[&options[..], more].concat())?, port))
    })
}

fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(120);
    while !is_so() {
        assert!(Instant::now() < end, "it is never so: {what}");
        thread::sleep(Duration::from_millis(20));
    }
}

/// Two servers with a password, one the replica of the other, and the sentinels that watch them.
fn watched() -> (Vec<(RedisServer, u16)>, Vec<Sentinel>) {
    let login = ["--requirepass", "secret", "--masterauth", "secret"];
    let primary = server(&login);
    let replica = server(&[&login[..], &["--replicaof", "127.0.0.1", &primary.1.to_string()]].concat());
    let sentinels: Vec<_> =
        (0..3).map(|_| Sentinel::start(primary.1, "sentinel auth-pass mymaster secret\n")).collect();
    let all_known = || sentinels.iter().all(|sentinel| sentinel.knows() == ("2".to_owned(), "1".to_owned()));
    until("the sentinels know each other, and the replica", all_known);
    (vec![primary, replica], sentinels)
}

fn url(sentinels: &[Sentinel]) -> String {
    let hosts: Vec<_> = sentinels.iter().map(|sentinel| format!("127.0.0.1:{}", sentinel.port)).collect();
    format!("redis://:secret@{}/1?sentinel=mymaster&timeout=5s&connect_timeout=5s", hosts.join(","))
}

#[test]
fn a_primary_that_is_killed_is_replaced_by_the_one_that_the_sentinels_choose() {
    let (mut servers, mut sentinels) = watched();
    let store = Redis::new(&url(&sentinels)).expect("a URL");
    let space = space("f", Some(2));
    let is_cached = || {
        let key = 7_u64.to_le_bytes();
        let entry =
            Entry { value: &key, weight: 1, computed_since: None, replace: true, age: Duration::ZERO };
        store.store(&space, &key, entry) == Ok(true)
            && store.get(&space, &key) == Ok(Found::Hit(key.to_vec()))
    };
    assert!(is_cached());
    servers[0].0.kill();
    until("the replica has taken over", is_cached);
    // A process that begins now, and knows a sentinel that does not exist any more.
    drop(sentinels.remove(0));
    let begun = Redis::new(&url(&sentinels)).expect("a URL");
    let key = 7_u64.to_le_bytes();
    // A sentinel may learn of it later than others.
    until("it finds the same", || begun.get(&space, &key) == Ok(Found::Hit(key.to_vec())));
}

#[test]
fn a_name_that_the_sentinels_do_not_know_is_an_error_that_tells_it() {
    let primary = server(&[]);
    let sentinel = Sentinel::start(primary.1, "");
    let url = format!("redis://127.0.0.1:{}?sentinel=other&timeout=5s", sentinel.port);
    let error = Redis::new(&url).expect("a URL").get(&space("f", None), b"k").expect_err("no such primary");
    assert_eq!(error.kind(), Kind::Unavailable);
    assert!(error.to_string().contains("`other`"), "{error}");
}
