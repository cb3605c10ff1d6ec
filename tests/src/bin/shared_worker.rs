//! A process that uses a shared store, for `tests/stores/processes.rs`: `shared-worker DIRECTORY TASK NUMBERS…`. It is
//! the store that `LRU_MEMO_STORE` chooses, or else an embedded one in the directory.

use std::env;
use std::fs::OpenOptions;
use std::io::{self, BufRead, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::thread;
use std::time::Duration;

use lru_memo::shared::{Embedded, Entry, Found, Namespace, Options, Store, fingerprint};

fn main() {
    let arguments: Vec<String> = env::args().collect();
    let numbers: Vec<u64> = arguments[3..].iter().map(|text| text.parse().expect("a number")).collect();
    let directory = Path::new(&arguments[1]);
    if arguments[2] == "describe" {
        return describe();
    }
    let mut options = Options::default();
    options.size = 64 << 20;
    // Loaded machines are slow: nobody is taken for stopped.
    options.timeout = Duration::from_secs(60);
    let embedded;
    let store: &dyn Store = if env::var_os("LRU_MEMO_STORE").is_some() {
        lru_memo::shared::store().expect("the store opens")
    } else {
        embedded = Embedded::open(directory.join("store"), options).expect("the store opens");
        &embedded
    };
    match arguments[2].as_str() {
        "calls" => calls(store, &numbers),
        "logged" => logged(store, directory, &numbers),
        "storm" => storm(store, &numbers),
        "add" => add(store, directory, &numbers),
        "told" => told(store, &numbers),
        "hold" => hold(store),
        "aging" => aging(store, &numbers),
        "older" => older(store, &numbers),
        "later" => later(store, &numbers),
        "fork" => fork(store),
        task => panic!("there is no task {task}"),
    }
}

/// Uses the store that the environment chooses, and prints which it is, and what it counts.
fn describe() {
    let space = space(5);
    let counts = lru_memo::shared::store().and_then(|store| {
        for _ in 0..2 {
            if let Found::Miss(ticket) = store.get(&space, b"k")? {
                let entry = Entry {
                    value: b"v",
                    weight: 1,
                    computed_since: Some(ticket),
                    replace: false,
                    age: Duration::ZERO,
                };
                store.store(&space, b"k", entry)?;
            }
        }
        store.info(&space)
    });
    println!("{} {counts:?}", lru_memo::shared::health().store);
}

fn space(maxsize: u64) -> Namespace {
    Namespace::new("shared", fingerprint(&[b"shared"])).with_maxsize(Some(maxsize as usize))
}

/// A small generator of random numbers.
struct Random(u64);

impl Random {
    fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % end
    }
}

/// A value that tells its key, of a length that differs with it.
fn value_of(key: u64) -> Vec<u8> {
    (0..8 + key * key % 6000).map(|at| (key.wrapping_mul(31).wrapping_add(at)) as u8).collect()
}

fn call(store: &dyn Store, space: &Namespace, key: u64) -> bool {
    let bytes = key.to_le_bytes();
    match store.get(space, &bytes).expect("the store works") {
        Found::Hit(value) => {
            assert!(value == value_of(key), "the value of {key}");
            true
        }
        Found::Miss(ticket) => {
            let value = value_of(key);
            let entry = Entry {
                value: &value,
                weight: 1,
                computed_since: Some(ticket),
                replace: false,
                age: Duration::ZERO,
            };
            store.store(space, &bytes, entry).expect("the store works");
            false
        }
    }
}

/// Numbers: seed, calls, keys, maxsize. Prints hits and misses.
fn calls(store: &dyn Store, numbers: &[u64]) {
    let (mut random, space) = (Random::new(numbers[0]), space(numbers[3]));
    let mut hits = 0;
    for _ in 0..numbers[1] {
        hits += u64::from(call(store, &space, random.below(numbers[2])));
        assert!(store.info(&space).expect("the store works").currsize <= numbers[3] as usize);
    }
    println!("{hits} {}", numbers[1] - hits);
}

/// Numbers: seed, operations, keys, maxsize. One process at a time does one operation, and writes it to `log`.
fn logged(store: &dyn Store, directory: &Path, numbers: &[u64]) {
    let (mut random, space) = (Random::new(numbers[0]), space(numbers[3]));
    let mut log = OpenOptions::new().append(true).create(true).open(directory.join("log")).expect("the log");
    for _ in 0..numbers[1] {
        let key = random.below(numbers[2]);
        let bytes = key.to_le_bytes();
        let turn = store.lease(&space, b"turn").expect("the store works");
        let (operation, result) = match random.below(100) {
            0 => {
                store.clear(&space).expect("the store works");
                ("clear", false)
            }
            1..5 => ("invalidate", store.invalidate(&space, &bytes).expect("the store works")),
            5..10 => ("peek", store.peek(&space, &bytes).expect("the store works").is_some()),
            10..15 => {
                let value = value_of(key);
                let entry = Entry {
                    value: &value,
                    weight: 1,
                    computed_since: None,
                    replace: true,
                    age: Duration::ZERO,
                };
                ("put", store.store(&space, &bytes, entry).expect("the store works"))
            }
            _ => ("call", call(store, &space, key)),
        };
        let info = store.info(&space).expect("the store works");
        let line = format!("{operation} {key} {result} {} {} {}\n", info.hits, info.misses, info.currsize);
        log.write_all(line.as_bytes()).expect("the log");
        drop(turn);
    }
}

/// Numbers: seed. Does everything, for ever, in two threads.
fn storm(store: &dyn Store, numbers: &[u64]) {
    println!("begun");
    thread::scope(|scope| {
        for thread in 0..2 {
            scope.spawn(move || {
                let mut random = Random::new(2 * numbers[0] + thread);
                let spaces = [space(10), space(100), space(3)];
                loop {
                    let space = &spaces[random.below(3) as usize];
                    let key = random.below(150);
                    match random.below(1000) {
                        0 => store.clear(space).expect("the store works"),
                        1..20 => {
                            store.invalidate(space, &key.to_le_bytes()).expect("the store works");
                        }
                        20..30 => {
                            let _turn = store.lease(space, &key.to_le_bytes()).expect("the store works");
                            call(store, space, key);
                        }
                        _ => _ = call(store, space, key),
                    }
                    let info = store.info(space).expect("the store works");
                    assert!(Some(info.currsize) <= space.maxsize());
                }
            });
        }
    });
}

/// Numbers: seed. Makes calls, for ever, and tells what it is doing: `get` before a lookup, `store` before a value is
/// stored, which it also does now and then after a hit, with the key, and `.` when the call is over.
fn told(store: &dyn Store, numbers: &[u64]) {
    let (mut random, space) = (Random::new(numbers[0]), space(20));
    let mut out = io::stdout().lock();
    loop {
        let key = random.below(30);
        let bytes = key.to_le_bytes();
        writeln!(out, "get {key}").expect("a pipe");
        let ticket = match store.get(&space, &bytes).expect("the store works") {
            Found::Miss(ticket) => Some(ticket),
            Found::Hit(_) => None,
        };
        if ticket.is_some() || random.below(2) == 0 {
            writeln!(out, "store {key}").expect("a pipe");
            let value = vec![key as u8; 30_000];
            let entry = Entry {
                value: &value,
                weight: 1,
                computed_since: ticket,
                replace: ticket.is_none(),
                age: Duration::ZERO,
            };
            store.store(&space, &bytes, entry).expect("the store works");
        }
        writeln!(out, ".").expect("a pipe");
    }
}

/// Numbers: threads, additions of each. Adds to the number in `sum`, which only leases protect.
fn add(store: &dyn Store, directory: &Path, numbers: &[u64]) {
    let space = &space(1);
    thread::scope(|scope| {
        for _ in 0..numbers[0] {
            scope.spawn(move || {
                for _ in 0..numbers[1] {
                    let _turn = store.lease(space, b"sum").expect("the store works");
                    let mut file =
                        OpenOptions::new().read(true).write(true).open(directory.join("sum")).expect("sum");
                    let mut text = String::new();
                    file.read_to_string(&mut text).expect("sum");
                    file.seek(SeekFrom::Start(0)).expect("sum");
                    write!(file, "{}", text.parse::<u64>().expect("a number") + 1).expect("sum");
                }
            });
        }
    });
}

/// Numbers: days, a name. Uses a namespace so many days from now, and prints the names of all: the last digits.
fn later(store: &dyn Store, numbers: &[u64]) {
    lru_memo::clock::advance(Duration::from_secs(numbers[0] * 24 * 3600));
    let name = (numbers[1] % 10).to_string();
    call(store, &Namespace::new(&name, fingerprint(&[&numbers[1].to_le_bytes()])), 1);
    let mut names: Vec<String> =
        store.namespaces().expect("the store works").into_iter().map(|s| s.name).collect();
    names.sort();
    println!("{}", names.join(" "));
}

/// Numbers: keys. Calls with them a function whose entries expire, and prints hits and misses.
fn aging(store: &dyn Store, numbers: &[u64]) {
    let space = aging_space();
    let hits = (0..numbers[0]).filter(|&key| call(store, &space, key)).count() as u64;
    println!("{hits} {}", numbers[0] - hits);
}

fn aging_space() -> Namespace {
    let space = Namespace::new("aging", fingerprint(&[b"aging"])).with_maxsize(Some(10));
    space.with_ttl(Some(Duration::from_secs(1000)))
}

/// Numbers: a key, and how many seconds old its entry counts as.
fn older(store: &dyn Store, numbers: &[u64]) {
    let age = Duration::from_secs(numbers[1]);
    let entry = Entry { value: b"older", weight: 1, computed_since: None, replace: true, age };
    assert!(store.store(&aging_space(), &numbers[0].to_le_bytes(), entry).expect("the store works"));
}

/// Takes a lease, says so, and keeps it until it is killed, or is told to go on.
fn hold(store: &dyn Store) {
    let _turn = store.lease(&space(1), b"held").expect("the store works");
    println!("held");
    io::stdin().lock().lines().next();
}

/// Uses the store before a fork, and after it on both sides.
fn fork(store: &dyn Store) {
    let space = space(100);
    for key in 0..10 {
        call(store, &space, key);
    }
    let _turn = store.lease(&space, b"turn").expect("the store works");
    // SAFETY: the only other thread renews the lease. The child may use the store all the same, and start threads.
    let child = unsafe { libc::fork() };
    assert!(child >= 0, "fork");
    if child == 0 {
        for key in 0..20 {
            assert_eq!(call(store, &space, key), key < 10);
        }
        // Also threads of the child work.
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..20).for_each(|key| assert!(call(store, &space, key))));
            }
        });
        thread::sleep(Duration::from_millis(1));
        std::process::exit(0);
    }
    for key in (0..10).cycle().take(10_000) {
        assert!(call(store, &space, key));
    }
    let mut status = 0;
    // SAFETY: `status` is an integer to be written to.
    assert_eq!(unsafe { libc::waitpid(child, &mut status, 0) }, child);
    assert_eq!(status, 0, "the child has failed");
    for key in 0..20 {
        assert!(call(store, &space, key));
    }
    let info = store.info(&space).expect("the store works");
    assert_eq!((info.hits, info.misses, info.currsize), (10 + 80 + 10_000 + 20, 20, 20));
}
