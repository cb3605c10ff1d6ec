//! The examples as programs: what they print, and how `workers` starts, serves and ends. And what cargo builds for them.
#![cfg(not(miri))]

#[cfg(unix)]
#[path = "examples/demonstration.rs"]
mod demonstration;
#[cfg(all(unix, feature = "memcached", feature = "redis"))]
#[path = "examples/servers.rs"]
mod servers;
#[cfg(all(unix, feature = "memcached", feature = "redis"))]
mod shared;
#[cfg(unix)]
#[path = "examples/workers.rs"]
mod workers;

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

/// Cargo in the workspace root.
fn cargo(arguments: &str) -> Command {
    let mut command = Command::new(env!("CARGO"));
    command.current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/..")).args(arguments.split(' ')).arg("--quiet");
    // What cargo tells tests of their package would have build scripts run again that ask for it.
    let of_package = |name: &str| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_");
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_str().is_some_and(of_package)) {
        command.env_remove(name);
    }
    command
}

/// The programs among what cargo builds, by their names; in the profile of these tests.
///
/// They are in a directory of ours, in which no other cargo replaces them while they run. All else is where these tests
/// have been built, and for the packages that `cargo xtask test` selects, so that what it has built is not built again.
fn build(directory: &str, arguments: &str) -> BTreeMap<String, PathBuf> {
    let ours = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let mut build = cargo("build --workspace --exclude lru-memo-benches --message-format json");
    build
        .args(arguments.split(' '))
        .args((!cfg!(debug_assertions)).then_some("--release"))
        .env("CARGO_BUILD_BUILD_DIR", ours.parent().expect("it lies in the target directory"))
        .arg("--target-dir")
        .arg(ours.join(directory));
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
}

/// Where an example is; all are built once, without features.
fn built(example: &str) -> &'static Path {
    static BUILT: OnceLock<BTreeMap<String, PathBuf>> = OnceLock::new();
    let built = BUILT.get_or_init(|| build("examples", "--examples"));
    built.get(example).unwrap_or_else(|| panic!("{example} is among {built:?}"))
}

/// What an example prints.
fn printed_by(example: &str) -> String {
    let output = output(WATCHDOG, &mut Command::new(built(example)));
    assert!(output.status.success(), "{example}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("it prints text")
}

/// The crates that cargo builds for a selection of packages and features.
fn crates(selection: &str) -> String {
    let tree = output(BUILD_WATCHDOG, cargo("tree --prefix none --format {p}").args(selection.split(' ')));
    assert!(tree.status.success(), "{}", String::from_utf8_lossy(&tree.stderr));
    String::from_utf8(tree.stdout).expect("names of crates are text")
}

#[test]
fn the_first_command_of_the_readme_builds_no_client_of_a_server_and_no_tls() {
    // As `cargo run --release --example workers`, it is about the default members.
    let built = crates("--edges normal,build,dev");
    assert!(built.contains("lru-memo-examples v") && built.contains("heed v"), "{built}");
    for unneeded in ["redis v", "rustls", "ring v", "url v", "clap v", "serde_derive v"] {
        assert!(!built.lines().any(|line| line.starts_with(unneeded)), "{unneeded}: {built}");
    }
}

#[test]
fn the_feature_redis_needs_no_tls() {
    let is_tls = |line: &str| ["rustls", "ring v"].iter().any(|name| line.starts_with(name));
    for (feature, expected) in [("redis", false), ("redis-tls", true)] {
        let built = crates(&format!("--package lru-memo --features {feature} --edges normal,build"));
        assert!(built.contains("redis v"), "{built}");
        assert_eq!(built.lines().any(is_tls), expected, "{feature}: {built}");
    }
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

#[test]
fn old_values_are_served_while_the_backend_is_down() {
    let expected = "    (asking the backend for tea)
at first: Ok(100), Miss
again: Ok(100), Hit
    (asking the backend for tea)
10 minutes later, the backend is down: Ok(100), Stale
at once again: nobody asks for a minute: Ok(100), Stale
    (asking the backend for tea)
30 minutes later: Ok(100), Stale
    (asking the backend for tea)
the backend is up: Ok(100), Miss
    (asking the backend for tea)
70 minutes later, it is too old: Err(\"the backend is down\"), Miss
CacheInfo(hits=2, misses=5, maxsize=128, currsize=0); 1 of the hits old, 3 errors
";
    assert_eq!(printed_by("old_values"), expected);
}

#[test]
fn objects_keep_as_many_rows_as_they_are_to() {
    let expected = "    (small reads row 1)
row 1 of small
    (large reads row 1)
row 1 of large
    (small reads row 2)
row 2 of small
    (large reads row 2)
row 2 of large
    (small reads row 1)
row 1 of small
row 1 of large
small: CacheInfo(hits=0, misses=3, maxsize=1, currsize=1)
large: CacheInfo(hits=1, misses=2, maxsize=100, currsize=2)
";
    assert_eq!(printed_by("objects"), expected);
}

#[test]
fn advice_shows_where_a_cache_begins_to_be_of_use() {
    let expected = "
     25   33.3 % #############
     50   33.3 % #############                            now
    100   33.3 % #############
    200   83.1 % #################################
    400   83.1 % #################################
   None   83.1 % #################################
60000 calls; maxsize = 161 is within 1 % of an unbounded cache
CacheInfo(hits=20000, misses=40000, maxsize=161, currsize=50)
";
    assert_eq!(printed_by("advice"), expected[1..]);
}

#[test]
fn workers_are_advised_on_the_cache_that_they_share() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut command = Command::new(built("advice_of_workers"));
    command.env("LRU_MEMO_STORE", format!("file://{}", directory.path().display()));
    let output = output(WATCHDOG, &mut command);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let printed = String::from_utf8(output.stdout).expect("it prints text");
    let calls = printed.lines().last().and_then(|line| line.split_once(" calls; maxsize = ")?.0.parse().ok());
    // A worker that ends while the other one tells the store keeps its latest calls for itself.
    assert!(calls.is_some_and(|calls: u64| (6_000..=12_000).contains(&calls)), "{printed}");
    assert!(
        printed.lines().any(|line| line.trim_start().starts_with("50 ") && line.ends_with(" now")),
        "{printed}"
    );
}
