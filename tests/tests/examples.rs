//! The examples, run as their users run them: what they print, and how `workers` starts, serves and ends.
#![cfg(not(miri))]

#[cfg(any(feature = "memcached", feature = "redis"))]
mod shared;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::{OnceLock, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

/// After this long something hangs.
const WATCHDOG: Duration = Duration::from_secs(120);

/// After this long even a compiler hangs.
const BUILD_WATCHDOG: Duration = Duration::from_secs(1800);

/// Runs `work` on a thread of its own, and panics when it takes too long.
fn within<T: Send + 'static>(limit: Duration, what: &str, work: impl FnOnce() -> T + Send + 'static) -> T {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || sender.send(work()));
    receiver.recv_timeout(limit).unwrap_or_else(|error| panic!("{what}: {error}"))
}

/// Asks again and again until there is an answer, and panics when it takes too long.
fn until<T>(what: &str, mut answer: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + WATCHDOG;
    loop {
        if let Some(answer) = answer() {
            return answer;
        }
        assert!(Instant::now() < deadline, "{what}: not within {WATCHDOG:?}");
        thread::sleep(Duration::from_millis(10));
    }
}

/// Runs a command to its end and to the end of its output.
fn output(limit: Duration, command: &mut Command) -> Output {
    let what = format!("{command:?}");
    let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let child = child.unwrap_or_else(|error| panic!("{what}: {error}"));
    within(limit, &what, move || child.wait_with_output().expect("output can be read"))
}

/// Cargo in the workspace root, with the profile and the target directory of these tests.
fn cargo(subcommand: &str) -> Command {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("it lies in the target directory");
    let mut command = Command::new(env!("CARGO"));
    command
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
        .args([subcommand, "--quiet", "--target-dir"])
        .arg(target)
        .args((!cfg!(debug_assertions)).then_some("--release"));
    command
}

/// Where cargo puts the examples, after it has built them.
fn built() -> &'static BTreeMap<String, PathBuf> {
    static BUILT: OnceLock<BTreeMap<String, PathBuf>> = OnceLock::new();
    BUILT.get_or_init(|| {
        let mut build = cargo("build");
        build.args(["--package", "lru-memo-examples", "--examples", "--message-format", "json"]);
        let output = output(BUILD_WATCHDOG, &mut build);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let messages = serde_json::Deserializer::from_slice(&output.stdout).into_iter::<Value>();
        messages
            .map(|message| message.expect("cargo writes JSON"))
            .filter_map(|message| {
                let name = message.pointer("/target/name")?.as_str()?.to_owned();
                Some((name, message.get("executable")?.as_str()?.into()))
            })
            .collect()
    })
}

/// What an example prints, started as its documentation says.
fn printed_by(example: &str) -> String {
    assert!(built().contains_key(example), "{example} is among {:?}", built());
    let output = output(WATCHDOG, cargo("run").args(["--example", example]));
    assert!(output.status.success(), "{example}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("it prints text")
}

#[test]
fn fibonacci_prints_what_python_prints() {
    let expected = "\
[0, 1, 1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144, 233, 377, 610]
CacheInfo(hits=28, misses=16, maxsize=None, currsize=16)

fib(20) from an empty cache:
6765 CacheInfo(hits=18, misses=21, maxsize=None, currsize=21)
6765 CacheInfo(hits=344, misses=1657, maxsize=2, currsize=2)
6765 CacheInfo(hits=0, misses=21891, maxsize=1, currsize=1)
";
    assert_eq!(printed_by("fibonacci"), expected);
}

#[test]
fn cache_info_shows_which_entry_goes_and_what_each_companion_does() {
    let printed = printed_by("cache_info");
    let mut lines = printed.lines();
    for expected in [
        "CacheParameters { maxsize: Some(5)",
        "    (reading page E)",
        "A to E are read: holds ABCDE, CacheInfo(hits=0, misses=5, maxsize=5, currsize=5)",
        "A again, a hit: now B is the least recent: holds ABCDE, CacheInfo(hits=1, misses=5, maxsize=5, currsize=5)",
        "F is read: B goes: holds ACDEF, CacheInfo(hits=1, misses=6, maxsize=5, currsize=5)",
        "peek: A is Some(\"page A\"), B is None",
        "invalidate: C was there: true, B was: false",
        "without C: holds ADEF, CacheInfo(hits=1, misses=6, maxsize=5, currsize=4)",
        "put: D is now \"another page D\"",
        "    (reading page D)",
        "refresh: D is now \"page D\"",
        "uncached: \"page G\", CacheInfo(hits=2, misses=6, maxsize=5, currsize=4)",
        "cache_info::page at examples/cache_info.rs:",
        "clear: holds nothing, CacheInfo(hits=0, misses=0, maxsize=5, currsize=0)",
    ] {
        assert!(
            lines.any(|line| line.starts_with(expected)),
            "{expected}\nis missing, or not in its place, in\n{printed}"
        );
    }
}

#[test]
fn thread_scope_gives_each_thread_its_own_value() {
    let expected = "    (main: making a greeting for Ferris)
main: Hello, Ferris! The same allocation both times: true.
other: CacheInfo(hits=0, misses=0, maxsize=2, currsize=0)
    (other: making a greeting for Ferris)
other: Hello, Ferris!
other: CacheInfo(hits=0, misses=1, maxsize=2, currsize=1)
main: CacheInfo(hits=1, misses=1, maxsize=2, currsize=1)
";
    assert_eq!(printed_by("thread_scope"), expected);
}

#[cfg(unix)]
mod workers {
    //! The web app under several worker processes.

    use std::collections::{BTreeMap, BTreeSet};
    use std::fs;
    use std::io::{BufRead, BufReader, Read, Write};
    use std::net::{TcpListener, TcpStream};
    use std::path::PathBuf;
    use std::process::{self, Child, Command, Stdio};
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::time::Duration;

    use rustix::process::{Pid, Signal, kill_process};
    use serde_json::{Value, json};

    use super::{WATCHDOG, built, output, printed_by, until, within};

    fn workers(arguments: &[&str]) -> Command {
        let mut command = Command::new(&built()["workers"]);
        command.args(arguments);
        command
    }

    fn kill(pid: u32, signal: Signal) {
        let pid = Pid::from_raw(pid.try_into().expect("a pid is small")).expect("a pid is not zero");
        kill_process(pid, signal).expect("the process can be signalled");
    }

    /// A directory for a store, removed in the end.
    struct Directory(PathBuf);

    impl Directory {
        fn new() -> Self {
            static NUMBER: AtomicU32 = AtomicU32::new(0);
            let number = NUMBER.fetch_add(1, Ordering::Relaxed);
            let path = std::env::temp_dir().join(format!("lru-memo-examples-{}-{number}", process::id()));
            fs::create_dir(&path).expect("a directory");
            Self(path)
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
    struct Server {
        master: Child,
        address: String,
    }

    impl Server {
        fn start(workers_wanted: usize) -> Self {
            Self::start_with(workers_wanted, &["--scope", "process"])
        }

        fn start_with(workers_wanted: usize, more: &[&str]) -> Self {
            let count = workers_wanted.to_string();
            let mut command = workers(&["serve", "--workers", &count, "--port", "0"]);
            let mut master = command
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
        fn ask(&self, path: &str) -> Result<(u32, u16, String), ureq::Error> {
            let client = ureq::Agent::config_builder()
                .proxy(None)
                .http_status_as_error(false)
                .timeout_global(Some(Duration::from_secs(30)))
                .build()
                .new_agent();
            let mut response = client.get(format!("http://{}{path}", self.address)).call()?;
            let pid = response.headers().get("x-worker-pid").expect("every answer names its worker");
            let pid = pid.to_str().expect("a pid is ASCII").parse().expect("a pid is a number");
            Ok((pid, response.status().as_u16(), response.body_mut().read_to_string()?))
        }

        fn get(&self, path: &str) -> (u32, Value) {
            let (pid, status, body) = self.ask(path).expect("a worker answers");
            assert_eq!(status, 200, "{body}");
            (pid, serde_json::from_str(&body).expect("the body is JSON"))
        }

        /// The cache info of every worker.
        fn infos(&self, workers: usize) -> BTreeMap<u32, Value> {
            let mut infos = BTreeMap::new();
            until("an answer of every worker", || {
                infos.extend([self.get("/get_cache_info")]);
                (infos.len() >= workers).then_some(())
            });
            infos
        }

        /// The cache info of a worker that was not there before.
        fn answer_of_a_worker_not_in(&self, before: &BTreeSet<u32>) -> Value {
            let info = until("an answer of the new worker", || {
                // A connection that the dying worker had accepted is lost.
                let (pid, _, body) = self.ask("/get_cache_info").ok()?;
                (!before.contains(&pid)).then_some(body)
            });
            serde_json::from_str(&info).expect("the body is JSON")
        }

        fn pids(&self, workers: usize) -> BTreeSet<u32> {
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

    /// The worker and the answer in each line of the table below a headline.
    fn table(printed: &str, headline: &str) -> Vec<(u32, Value)> {
        let (_, below) = printed.split_once(headline).unwrap_or_else(|| panic!("no {headline} in {printed}"));
        let rows =
            below.lines().take_while(|line| !line.starts_with("=>")).filter(|line| line.contains("GET /get"));
        rows.map(|row| {
            let mut words = row.split_whitespace().skip(2);
            let pid =
                words.next().and_then(|pid| pid.parse().ok()).unwrap_or_else(|| panic!("no pid in {row}"));
            (pid, serde_json::from_str(&words.collect::<String>()).expect("the answer is JSON"))
        })
        .collect()
    }

    fn called() -> Value {
        json!({"Currsize": 1, "Hits": 0, "Maxsize": 2, "Misses": 1})
    }

    fn uncalled() -> Value {
        json!({"Currsize": 0, "Hits": 0, "Maxsize": 2, "Misses": 0})
    }

    fn pids_of(table: &[(u32, Value)]) -> BTreeSet<u32> {
        table.iter().map(|(pid, _)| *pid).collect()
    }

    #[test]
    fn the_demonstration_shows_the_trap_and_the_cure() {
        shows_the_trap_and_the_cure(&printed_by("workers"), "");
    }

    fn shows_the_trap_and_the_cure(printed: &str, place: &str) {
        let (called, uncalled) = (called(), uncalled());
        let one = table(printed, "1 worker process on one port");
        assert!(one.len() >= 12, "{printed}");
        assert!(one.iter().all(|(pid, answer)| *pid == one[0].0 && *answer == called), "{printed}");

        let two = table(printed, "2 worker processes on one port, scope = process");
        assert!(two.len() >= 12, "{printed}");
        let pids = pids_of(&two);
        assert_eq!(pids.len(), 2, "{printed}");
        for pid in pids {
            let answers: Vec<_> = two.iter().filter(|row| row.0 == pid).map(|row| &row.1).collect();
            assert!(answers.iter().all(|answer| *answer == answers[0]), "{printed}");
        }
        assert!(
            two.iter().any(|row| row.1 == called) && two.iter().any(|row| row.1 == uncalled),
            "{printed}"
        );
        assert!(printed.contains("the cache is per worker"), "{printed}");

        let shared = table(printed, &format!("2 worker processes on one port, scope = shared{place}\n"));
        let workers = pids_of(&shared);
        assert_eq!((workers.len(), shared.len() >= 12), (2, true), "{printed}");
        assert!(shared.iter().all(|row| row.1 == called), "{printed}");
        assert!(printed.contains("there is one cache for all of them"), "{printed}");

        let (_, killing) = printed.split_once("kill -9 ").expect("a worker is killed");
        let killed = killing.split(',').next().and_then(|pid| pid.parse().ok()).expect("a pid");
        let replaced = table(printed, "kill -9 ");
        assert!(replaced.iter().all(|row| row.1 == called), "{printed}");
        let after = pids_of(&replaced);
        assert_eq!((after.len(), after.intersection(&workers).count()), (2, 1), "{printed}");
        assert!(workers.contains(&killed) && !after.contains(&killed), "{printed}");
    }

    #[cfg(feature = "redis")]
    #[test]
    fn the_demonstration_tells_the_same_on_a_redis_server_that_knows_an_earlier_one() {
        let redis = crate::shared::RedisServer::start_with(&["--requirepass", "secret"]);
        let (url, shown) = (format!("{}&pass=secret", redis.url()), redis.socket());
        tells_the_same_twice_on(&url, &format!("unix://{}", shown.display()));
    }

    #[cfg(feature = "memcached")]
    #[test]
    fn the_demonstration_tells_the_same_on_a_memcached_server_that_knows_an_earlier_one() {
        let scratch = crate::shared::Scratch::new();
        let memcached = crate::shared::memcached_server::Server::on_socket(&scratch, &[]);
        tells_the_same_twice_on(&format!("{}?timeout=60s", memcached.url()), &memcached.url());
    }

    fn tells_the_same_twice_on(url: &str, shown: &str) {
        for _ in 0..2 {
            let told = output(WATCHDOG, &mut workers(&["--store", url]));
            let (printed, log) =
                (String::from_utf8_lossy(&told.stdout), String::from_utf8_lossy(&told.stderr));
            assert!(told.status.success(), "{printed}{log}");
            shows_the_trap_and_the_cure(&printed, &format!(", on {shown}"));
            assert!(!format!("{printed}{log}").contains("secret"), "{printed}{log}");
        }
    }

    #[test]
    fn a_demonstration_whose_store_does_not_work_says_so_and_tells_no_story_of_it() {
        let told = output(WATCHDOG, &mut workers(&["--store", "redis://me:secret@127.0.0.1:1"]));
        let (printed, log) = (String::from_utf8_lossy(&told.stdout), String::from_utf8_lossy(&told.stderr));
        assert_eq!((told.status.code(), log.lines().count()), (Some(2), 1), "{log}");
        assert!(log.starts_with("error: `--store`: ") && !log.contains("secret"), "{log}");
        assert!(!printed.contains("scope = shared"), "{printed}");
    }

    #[test]
    fn the_demonstration_leaves_no_files_and_no_workers_also_when_it_is_interrupted() {
        for is_interrupted in [false, true] {
            let directory = Directory::new();
            let mut demonstration = workers(&[]);
            demonstration.env("TMPDIR", &directory.0).stdin(Stdio::null());
            let mut child =
                demonstration.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
            let mut stdout = BufReader::new(child.stdout.take().expect("it is piped"));
            let mut stderr = child.stderr.take().expect("it is piped");
            let pid = child.id();
            let (status, log) = within(WATCHDOG, "the demonstration", move || {
                let mut lines = String::new();
                while is_interrupted && !lines.contains("scope = shared") {
                    assert_ne!(stdout.read_line(&mut lines).expect("it prints text"), 0, "{lines}");
                }
                if is_interrupted {
                    kill(pid, Signal::INT);
                }
                stdout.read_to_string(&mut lines).expect("it prints text");
                // The log ends when the last worker does.
                let mut log = String::new();
                stderr.read_to_string(&mut log).expect("the log is text");
                (child.wait().expect("it can be waited for"), log)
            });
            let expected = if is_interrupted { (Some(2), true) } else { (Some(0), false) };
            assert_eq!((status.code(), log.contains("interrupted")), expected, "{log}");
            let left: Vec<_> = fs::read_dir(&directory.0).expect("a directory").flatten().collect();
            assert!(left.is_empty(), "{left:?}");
        }
    }

    #[test]
    fn a_worker_answers_as_the_flask_app_does() {
        let server = Server::start(1);
        assert_eq!(server.get("/get_cache_info").1, uncalled());
        assert_eq!(server.get("/").1, json!({"message": "Stored"}));
        assert_eq!(server.get("/get_cache_info").1, called());
        server.get("/");
        assert_eq!(server.get("/get_cache_info").1["Hits"], 1);
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

    #[cfg(feature = "redis")]
    #[test]
    fn workers_on_a_redis_server_answer_the_same() {
        let redis = crate::shared::RedisServer::start();
        workers_answer_the_same_on(&redis.url());
    }

    #[cfg(feature = "memcached")]
    #[test]
    fn workers_on_a_memcached_server_answer_the_same() {
        let scratch = crate::shared::Scratch::new();
        let memcached = crate::shared::memcached_server::Server::on_socket(&scratch, &[]);
        workers_answer_the_same_on(&format!("{}?timeout=60s", memcached.url()));
    }

    fn workers_answer_the_same_on(url: &str) {
        let server = Server::start_with(2, &["--scope", "shared", "--store", url]);
        let before = server.pids(2);
        let killed = server.get("/").0;
        assert!(server.infos(2).into_values().all(|info| info == called()));
        kill(killed, Signal::KILL);
        assert_eq!(server.answer_of_a_worker_not_in(&before), called());
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
        let mut server = Server::start_with(2, &["--scope", "shared", "--store", "file:///dev/null/store"]);
        for _ in 0..4 {
            assert_eq!(server.get("/").1, json!({"message": "Stored"}));
        }
        assert!(server.infos(2).into_values().all(|info| info == uncalled()));
        let (code, log) = server.end(Signal::TERM);
        assert_eq!((code, log.matches("nothing is cached").count()), (Some(0), 2), "{log}");
        assert!(log.contains("/dev/null"), "{log}");
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
    fn refusal(arguments: &[&str]) -> String {
        let output = output(WATCHDOG, &mut workers(arguments));
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
        let text = refusal(&["serve", "--port", &address.port().to_string()]);
        assert!(text.contains(&address.to_string()) && text.contains("in use"), "{text}");
    }

    #[test]
    fn the_port_of_another_serve_is_in_use() {
        let server = Server::start(1);
        let port = server.address.rsplit(':').next().expect("it has a port");
        assert!(refusal(&["serve", "--port", port]).contains("in use"));
    }

    #[test]
    fn a_bad_command_line_is_one_line_that_names_the_mistake_and_status_2() {
        for (arguments, named) in [
            (&["serve", "--scope", "everywhere"][..], &["everywhere", "process", "shared"][..]),
            (&["serve", "--scope", "shared", "--store", "nowhere"], &["--store", "file:///"]),
            (&["serve", "--scope", "shared", "--store", "memcached://h:x"], &["--store", "memcached://host"]),
            (&["serve", "--store", "memory://"], &["--store", "--scope shared"]),
            (&["--store", "nowhere"], &["--store", "file:///"]),
            (&["--store", "memory://", "serve"], &["--store", "serve"]),
            (&["serve", "--workers", "0"], &["'0'", "--workers"]),
            (&["serve", "--workers", "many"], &["many", "--workers"]),
            (&["serve", "--port", "65536"], &["65536", "--port"]),
            (&["serve", "--port"], &["--port"]),
            (&["serve", "--prot", "1"], &["--prot", "'--port'"]),
            (&["serve", "now"], &["now"]),
            (&["sevre"], &["sevre", "'serve'"]),
            (&["work", "--scope", "process"], &["master"]),
        ] {
            let text = refusal(arguments);
            assert!(named.iter().all(|word| text.contains(word)), "{arguments:?}: {text}");
        }
    }
}
