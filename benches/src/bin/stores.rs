//! What calls cost on each shared store: `cargo xtask bench stores`.
//!
//! For each store, a process of its own makes rounds of hits, of misses that store, of hits on a cache of this process,
//! and of the least that the store can be asked: one GET of the same bytes. They take turns; printed are medians, and
//! in brackets the medians of the ratios to that GET within one round.

use std::hint::black_box;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use lru_memo::lru_cache;

const ROUNDS: usize = 21;
/// The lengths of values.
const LENGTHS: [usize; 3] = [64, 1024, 65_536];
/// So many callers at the same time.
const CALLERS: [usize; 3] = [1, 16, 256];
/// All calls of one round, by all callers.
const CALLS: usize = 2048;
const KEYS: u64 = 64;

/// What a key is made of: its number, and the length of the value.
fn value_of((number, length): (u64, usize)) -> Vec<u8> {
    vec![number as u8; length]
}

#[lru_cache(maxsize = 128, scope = shared)]
fn on_store(key: (u64, usize)) -> Vec<u8> {
    value_of(key)
}

#[lru_cache(maxsize = 128, scope = shared)]
async fn on_store_as_task(key: (u64, usize)) -> Vec<u8> {
    value_of(key)
}

/// Of its own, for it evicts.
#[lru_cache(maxsize = 128, scope = shared)]
fn missed_on_store(key: (u64, usize)) -> Vec<u8> {
    value_of(key)
}

#[lru_cache(maxsize = 128)]
fn in_process(key: (u64, usize)) -> Vec<u8> {
    value_of(key)
}

/// The least that a store can be asked.
trait Raw {
    fn set(&mut self, key: &str, value: &[u8]);
    fn get(&mut self, key: &str) -> usize;
}

struct RawRedis(redis::Connection);

impl Raw for RawRedis {
    fn set(&mut self, key: &str, value: &[u8]) {
        redis::cmd("SET").arg(key).arg(value).query::<()>(&mut self.0).expect("it works");
    }

    fn get(&mut self, key: &str) -> usize {
        redis::cmd("GET").arg(key).query::<Vec<u8>>(&mut self.0).expect("it works").len()
    }
}

struct RawMemcached(UnixStream);

impl RawMemcached {
    fn read_to(&mut self, end: &[u8]) -> Vec<u8> {
        let (mut answer, mut part) = (Vec::new(), [0; 1 << 16]);
        while !answer.ends_with(end) {
            let length = self.0.read(&mut part).expect("it works");
            answer.extend_from_slice(&part[..length]);
        }
        answer
    }
}

impl Raw for RawMemcached {
    fn set(&mut self, key: &str, value: &[u8]) {
        let command = [format!("set {key} 0 0 {}\r\n", value.len()).as_bytes(), value, b"\r\n"].concat();
        self.0.write_all(&command).expect("it works");
        self.read_to(b"STORED\r\n");
    }

    fn get(&mut self, key: &str) -> usize {
        self.0.write_all(format!("get {key}\r\n").as_bytes()).expect("it works");
        self.read_to(b"END\r\n").len()
    }
}

type Database = heed::Database<'static, heed::types::Str, heed::types::Bytes>;

struct RawLmdb(&'static heed::Env, Database);

impl RawLmdb {
    fn open(directory: &Path) -> Self {
        let mut options = heed::EnvOpenOptions::new();
        options.map_size(64 << 20);
        // SAFETY: nobody else uses the directory, and it is opened once.
        let environment =
            unsafe { options.flags(heed::EnvFlags::NO_SYNC).open(directory) }.expect("it opens");
        let environment: &'static heed::Env = Box::leak(Box::new(environment));
        let txn = environment.write_txn().expect("it works");
        let made = environment.create_databases_and_commit(txn, |databases, txn| {
            databases.create_database(txn, None).map(heed::CommitOrAbort::<_, ()>::Commit)
        });
        Self(environment, made.expect("it works").unwrap_commit())
    }
}

impl Raw for RawLmdb {
    fn set(&mut self, key: &str, value: &[u8]) {
        let mut txn = self.0.write_txn().expect("it works");
        self.1.put(&mut txn, key, value).expect("it works");
        txn.commit().expect("it works");
    }

    fn get(&mut self, key: &str) -> usize {
        let txn = self.0.read_txn().expect("it works");
        self.1.get(&txn, key).expect("it works").map_or(0, |value| value.to_vec().len())
    }
}

/// A store, and the server behind it.
struct Store {
    name: &'static str,
    url: String,
    process: Option<Child>,
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

fn stores(directory: &Path) -> [Store; 3] {
    let socket = |name| directory.join(name);
    let redis = start("redis-server", &["--port", "0", "--save", "", "--unixsocket"], &socket("redis"));
    let memcached = start("memcached", &["-u", "root", "-a", "600", "-s"], &socket("memcached"));
    let at = |name: &str| directory.join(name).display().to_string();
    [
        Store { name: "embedded (LMDB)", url: format!("file://{}", at("embedded")), process: None },
        Store {
            name: "memcached",
            url: format!("memcached+unix://{}", at("memcached")),
            process: Some(memcached),
        },
        Store { name: "redis", url: format!("unix://{}", at("redis")), process: Some(redis) },
    ]
}

impl Drop for Store {
    fn drop(&mut self) {
        if let Some(process) = &mut self.process {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    if let [_, url, directory] = &arguments[..] {
        measure(url, Path::new(directory));
        return ExitCode::SUCCESS;
    }
    let directory =
        tempfile::Builder::new().prefix("lru-memo-bench").tempdir_in("/dev/shm").expect("a directory");
    println!("| store | value | what | callers | us per call | of a raw GET |");
    println!("|---|--:|---|--:|--:|--:|");
    for store in stores(directory.path()) {
        let program = std::env::current_exe().expect("the path of this program");
        let output = Command::new(program)
            .args([store.url.as_ref(), directory.path()])
            .env("LRU_MEMO_STORE", &store.url)
            .stderr(Stdio::inherit())
            .output()
            .expect("it starts");
        let lines = String::from_utf8_lossy(&output.stdout).into_owned();
        lines.lines().for_each(|line| println!("| {} | {line}", store.name));
        if !output.status.success() {
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

fn raw(url: &str, directory: &Path) -> Box<dyn Raw + Send> {
    match url.split_once("://") {
        Some(("unix", _)) => {
            let client = redis::Client::open(url).expect("a URL");
            Box::new(RawRedis(client.get_connection().expect("it is there")))
        }
        Some(("memcached+unix", path)) => {
            Box::new(RawMemcached(UnixStream::connect(path).expect("it is there")))
        }
        _ => {
            let directory = directory.join("raw");
            std::fs::create_dir_all(&directory).expect("a directory");
            Box::new(RawLmdb::open(&directory))
        }
    }
}

fn measure(url: &str, directory: &Path) {
    // Opening one environment twice is not allowed.
    let is_embedded = url.starts_with("file");
    for length in LENGTHS {
        let mut least = raw_or_shared(url, directory);
        (0..KEYS).for_each(|number| least.set(&format!("{number}-{length}"), &vec![7; length]));
        row(
            length,
            1,
            [
                ("GET", &mut || calls(|number| _ = black_box(least.get(&format!("{number}-{length}"))))),
                ("hit", &mut || calls(|number| _ = black_box(on_store((number, length))))),
                ("hit, scope = process", &mut || calls(|number| _ = black_box(in_process((number, length))))),
                ("miss and store", &mut || {
                    static NEXT: AtomicU64 = AtomicU64::new(1 << 32);
                    calls(|_| _ = black_box(missed_on_store((NEXT.fetch_add(1, Relaxed), length))))
                }),
            ],
        );
        drop(least);
    }
    if is_embedded {
        return;
    }
    for callers in CALLERS {
        row(
            64,
            callers,
            [
                ("GET", &mut || {
                    by_threads(callers, || {
                        let mut least = raw(url, directory);
                        move |number| _ = black_box(least.get(&format!("{number}-64")))
                    })
                }),
                ("hit, threads", &mut || {
                    by_threads(callers, || |number| _ = black_box(on_store((number, 64))))
                }),
                ("hit, tasks", &mut || by_tasks(callers)),
            ],
        );
    }
}

/// LMDB's environment may be opened once in a process, so it is kept.
fn raw_or_shared(url: &str, directory: &Path) -> Box<dyn Raw + Send> {
    static OPENED: AtomicU64 = AtomicU64::new(0);
    let number = OPENED.fetch_add(1, Relaxed);
    raw(url, &directory.join(format!("raw-{number}")))
}

/// Microseconds per call.
fn calls(mut call: impl FnMut(u64)) -> f64 {
    let calls = CALLS / 4;
    let begun = Instant::now();
    (0..calls as u64).for_each(|number| call(number * 7 % KEYS));
    begun.elapsed().as_secs_f64() * 1e6 / calls as f64
}

/// Microseconds per call, of all callers together.
fn by_threads<C: FnMut(u64) + Send>(callers: usize, caller: impl Fn() -> C) -> f64 {
    let mut all: Vec<C> = (0..callers).map(|_| caller()).collect();
    let each = (CALLS / callers) as u64;
    let begun = Instant::now();
    std::thread::scope(|scope| {
        for call in &mut all {
            scope.spawn(move || (0..each).for_each(|number| call(number * 7 % KEYS)));
        }
    });
    begun.elapsed().as_secs_f64() * 1e6 / (each as f64 * callers as f64)
}

fn by_tasks(callers: usize) -> f64 {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().expect("a runtime");
    let each = (CALLS / callers) as u64;
    runtime.block_on(async {
        for number in 0..KEYS {
            on_store_as_task((number, 64)).await;
        }
        let begun = Instant::now();
        let tasks: Vec<_> = (0..callers)
            .map(|_| {
                tokio::spawn(async move {
                    for number in 0..each {
                        black_box(on_store_as_task((number * 7 % KEYS, 64)).await);
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.expect("it does not panic");
        }
        begun.elapsed().as_secs_f64() * 1e6 / (each as f64 * callers as f64)
    })
}

/// Lets contenders take turns, and prints the medians; the first is what the others are compared with.
fn row<const N: usize>(length: usize, callers: usize, contenders: [(&str, &mut dyn FnMut() -> f64); N]) {
    let mut times = vec![Vec::new(); N];
    let mut contenders = contenders;
    for round in 0..=ROUNDS {
        for (times, (_, measure)) in times.iter_mut().zip(&mut contenders) {
            let time = measure();
            // The first round only warms up.
            if round > 0 {
                times.push(time);
            }
        }
    }
    for (at, (what, _)) in contenders.iter().enumerate() {
        let ratios = times[at].iter().zip(&times[0]).map(|(time, least)| time / least).collect();
        println!(
            "{length} B | {what} | {callers} | {:.2} | {:.2} |",
            median(times[at].clone()),
            median(ratios)
        );
    }
}

fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers[numbers.len() / 2]
}
