//! The command on servers: what it shows of them, and what it says it cannot know.
#![cfg(unix)]

use std::fs;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{self, Child, Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use lru_memo::shared::{Data, Entry, Namespace, attach, fingerprint};

/// A directory that nobody has: a test that was killed may have left one, and its number to another process.
fn new_directory(program: &str) -> PathBuf {
    let mut paths = (0..1000).map(|number| {
        std::env::temp_dir().join(format!("lru-memo-cli-{program}-{}-{number}", process::id()))
    });
    paths.find(|path| fs::create_dir(path).is_ok()).expect("a directory")
}

/// A real server on a socket in a directory of its own; both are removed in the end.
struct Server {
    directory: PathBuf,
    process: Child,
}

impl Server {
    fn start(program: &str, arguments: &[&str]) -> Self {
        let directory = new_directory(program);
        let socket = directory.join("socket");
        let arguments =
            arguments.iter().map(|&word| if word == "SOCKET" { socket.as_os_str() } else { word.as_ref() });
        let mut command = Command::new(program);
        command.args(arguments).current_dir(&directory).stdout(Stdio::null()).stderr(Stdio::null());
        let process = command.spawn().unwrap_or_else(|error| panic!("`{program}` is needed: {error}"));
        let server = Self { directory, process };
        let end = Instant::now() + Duration::from_secs(20);
        while UnixStream::connect(&socket).is_err() {
            assert!(Instant::now() < end, "{program} does not listen");
            thread::sleep(Duration::from_millis(5));
        }
        server
    }

    fn redis() -> Self {
        Self::start("redis-server", &["--port", "0", "--save", "", "--unixsocket", "SOCKET"])
    }

    fn memcached() -> Self {
        Self::start("memcached", &["-u", "root", "-a", "600", "-s", "SOCKET"])
    }

    fn url(&self, scheme: &str) -> String {
        format!("{scheme}://{}/socket?timeout=10s&connect_timeout=10s", self.directory.display())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = fs::remove_dir_all(&self.directory);
    }
}

fn command(url: &str, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lru-memo"));
    command.args(["--store", url]).args(arguments).output().expect("the command starts")
}

/// What the command prints on success.
fn run(url: &str, arguments: &[&str]) -> String {
    let output = command(url, arguments);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

/// Stores an entry, shows, and clears; returns what was shown.
fn shown(url: &str) -> String {
    let space = Namespace::new("app::f", fingerprint(&[b"f"])).with_maxsize(Some(4));
    let store = attach(url).expect("the server is there");
    let _ = store.get(&space, b"other").expect("the store works");
    let entry =
        Entry { value: b"value", weight: 1, computed_since: None, replace: true, age: Duration::ZERO };
    assert_eq!(store.store(&space, b"some key", entry), Ok(true));
    assert!(run(url, &["ls"]).contains("app::f"));
    assert!(run(url, &["top", "--once"]).contains("app::f"));
    let shown = run(url, &["show", "app::f"]);
    assert!(shown.contains("  misses      1\n") && shown.contains("  currsize    1\n"), "{shown}");
    assert!(run(url, &["clear", "app::f"]).contains("1 entry"));
    assert_eq!(store.info(&space).expect("the store works").currsize, 0);
    shown
}

#[test]
fn redis_is_shown_and_cleared() {
    let server = Server::redis();
    let shown = shown(&server.url("unix"));
    assert!(shown.contains("some key"), "{shown}");
}

#[test]
fn memcached_is_shown_and_cleared_and_does_not_know_what_was_used_last() {
    let server = Server::memcached();
    let shown = shown(&server.url("memcached+unix"));
    assert!(shown.contains("this store does not tell what was used last"), "{shown}");
}

#[test]
fn a_key_is_got_and_forgotten_on_servers_whether_they_list_keys_or_not() {
    let (redis, memcached) = (Server::redis(), Server::memcached());
    for (url, lists_keys) in [(redis.url("unix"), true), (memcached.url("memcached+unix"), false)] {
        let space = Namespace::new("app::f", fingerprint(&[b"f"])).with_maxsize(Some(4));
        let store = attach(&url).expect("the server is there");
        let keys = [
            vec![Data::I16(92)],
            vec![Data::Text("Ada".into()), Data::U64(7), Data::Some(Data::F32(0.5).into())],
            [1, 2, 3, 4].map(Data::U32).to_vec(),
        ];
        for key in &keys {
            let key = Data::write_key(key).expect("it can be written");
            let _ = store.get(&space, &key).expect("the store works");
            let value = Data::write_key(&[Data::Text("a value".into())]).expect("it can be written");
            let entry =
                Entry { value: &value, weight: 1, computed_since: None, replace: true, age: Duration::ZERO };
            assert_eq!(store.store(&space, &key, entry), Ok(true));
        }
        for key in ["92", "(\"Ada\", 7, Some(0.5))", "(1u32, 2u32, 3u32, 4u32)"] {
            assert_eq!(run(&url, &["get", "app::f", key]), "\"a value\"\n");
        }
        let output = command(&url, &["get", "app::f", "(1, 2, 3, 4)"]);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.success(), lists_keys, "{stderr}");
        assert!(lists_keys || (stderr.contains("too many types") && stderr.contains("7u32")), "{stderr}");
        assert!(run(&url, &["forget", "app::f", "92"]).starts_with("forgot 92 in app::f ("));
        assert_eq!(store.info(&space).expect("the store works").currsize, 2);
        for verb in ["get", "forget"] {
            assert_eq!(command(&url, &[verb, "app::f", "92"]).status.code(), Some(1));
        }
    }
}

#[test]
fn a_deployment_with_a_prefix_is_shown_alone_and_with_its_prefix() {
    let (redis, memcached) = (Server::redis(), Server::memcached());
    for url in [redis.url("unix"), memcached.url("memcached+unix")] {
        for prefix in ["shop1", "shop2"] {
            let space = Namespace::new(prefix, fingerprint(&[b"f"])).with_maxsize(Some(4));
            let store = attach(&format!("{url}&prefix={prefix}")).expect("the server is there");
            let _ = store.get(&space, b"key").expect("the store works");
        }
        let listed = run(&format!("{url}&prefix=shop1"), &["ls"]);
        let place = url.split('?').next().expect("a place");
        assert!(listed.starts_with(&format!("{place}?prefix=shop1\n")), "{listed}");
        assert!(!listed.contains("shop2"), "{listed}");
        let rows = run(&format!("{url}&prefix=shop2"), &["ls", "--json"]);
        assert!(rows.contains("?prefix=shop2\"") && !rows.contains("shop1"), "{rows}");
    }
}

/// Gives the Redis server a command, as one types it.
fn tell(server: &Server, command: &str) {
    let mut socket = UnixStream::connect(server.directory.join("socket")).expect("it listens");
    socket.write_all(format!("{command}\r\n").as_bytes()).expect("it reads");
    let mut answer = [0; 1];
    socket.read_exact(&mut answer).expect("it answers");
    assert_ne!(answer, *b"-", "{command}");
}

#[test]
fn a_namespace_that_cannot_be_read_hides_no_other() {
    let server = Server::redis();
    let url = server.url("unix");
    let spaces = ["app::good", "app::other_type", "app::no_text", "app::no_number"]
        .map(|name| Namespace::new(name, fingerprint(&[name.as_bytes()])));
    let store = attach(&url).expect("the server is there");
    for space in &spaces {
        let _ = store.get(space, b"key").expect("the store works");
    }
    let meta = |at: usize| format!("lru-memo:{{{:032x}}}:meta", spaces[at].id());
    tell(&server, &format!("set {} something", meta(1)));
    tell(&server, &format!("hset {} n \"app::\\xff\"", meta(2)));
    tell(&server, &format!("hset {} s secret", meta(3)));
    tell(&server, "sadd lru-memo:namespaces \"\\xff\" nonsense");
    for (arguments, code) in [(&["ls"][..], 3), (&["top", "--once"], 3), (&["show", "app::good"], 0)] {
        let output = command(&url, arguments);
        let (stdout, stderr) =
            (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert_eq!(output.status.code(), Some(code), "{stdout} {stderr}");
        assert!(stdout.contains("app::good"), "{arguments:?}: {stdout}");
        assert!(!format!("{stdout}{stderr}").contains("secret"), "{stdout} {stderr}");
        for broken in [1, 3] {
            let id = format!("{:032x}", spaces[broken].id());
            let row = stdout.lines().find(|line| line.contains(&id[..8]));
            assert_eq!(row.is_some_and(|row| row.contains("(unreadable)")), code == 3, "{stdout}");
            assert!(stderr.contains(&id), "{stderr}");
        }
        // A name that is no text is told as far as it is.
        assert_eq!(stdout.contains("app::\u{fffd}"), code == 3, "{stdout}");
    }
    let rows = String::from_utf8(command(&url, &["ls", "--json"]).stdout).expect("text");
    assert_eq!(rows.matches("\"error\": null").count(), 2, "{rows}");
    assert_eq!(rows.matches("\"error\": \"").count(), 2, "{rows}");
}

#[test]
fn a_password_is_not_shown() {
    for url in ["redis://me:secret@127.0.0.1:1/0", "unix:///no/such/socket?pass=secret"] {
        let output = Command::new(env!("CARGO_BIN_EXE_lru-memo"))
            .args(["--store", url, "ls"])
            .output()
            .expect("the command starts");
        let printed = format!("{output:?}");
        assert_eq!(output.status.code(), Some(3), "{printed}");
        assert!(!printed.contains("secret"), "{printed}");
    }
}

#[test]
fn a_url_that_cannot_be_understood_is_not_repeated() {
    for url in ["me:secret@host", "redis://me:pa?secret@host", "unix:///run/r.sock?pass=a&secret"] {
        for variable in [None, Some(url)] {
            let mut command = Command::new(env!("CARGO_BIN_EXE_lru-memo"));
            match variable {
                None => command.args(["--store", url]),
                Some(url) => command.env("LRU_MEMO_STORE", url),
            };
            let output = command.arg("ls").output().expect("the command starts");
            let printed = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
            assert!(!output.status.success() && !printed.contains("secret"), "{printed}");
        }
    }
}
