//! Shared stores against a naive model, and against CPython's `functools.lru_cache`. `LRU_MEMO_SEED` and
//! `LRU_MEMO_OPERATIONS` say which random operations, and how many.

use std::cell::RefCell;
use std::collections::hash_map::RandomState;
use std::env;
use std::fs;
use std::hash::BuildHasher;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

#[cfg(feature = "memcached")]
use lru_memo::shared::Memcached;
use lru_memo::shared::{Entry, Found, Memory, Namespace, Store, Ticket};
use serde_json::Value;

use crate::shared::{Scratch, info, peek, space};

fn number(variable: &str) -> Option<u64> {
    let text = env::var(variable).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{variable} is not a number: {text:?}")))
}

struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % end
    }
}

/// A cache as simple as can be: the most recent entry is the last.
#[derive(Default)]
struct Model {
    /// The present bound.
    maxsize: Option<usize>,
    entries: Vec<(u64, Vec<u8>, u64)>,
    hits: u64,
    misses: u64,
    /// What happened to each key, and to all: numbers that tickets are compared with.
    clears: usize,
    invalidated: Vec<u64>,
}

impl Model {
    fn find(&self, key: u64) -> Option<usize> {
        self.entries.iter().position(|(other, ..)| *other == key)
    }

    fn get(&mut self, key: u64) -> Option<Vec<u8>> {
        let Some(at) = self.find(key) else {
            self.misses += 1;
            return None;
        };
        self.hits += 1;
        let entry = self.entries.remove(at);
        self.entries.push(entry);
        self.entries.last().map(|(_, value, _)| value.clone())
    }

    fn store(
        &mut self,
        space: &Namespace,
        key: u64,
        value: &[u8],
        weight: u64,
        since: Option<Since>,
        replace: bool,
    ) {
        let stale = since.is_some_and(|since| {
            since.clears != self.clears || self.invalidated[since.invalidated..].contains(&key)
        });
        let found = self.find(key);
        if stale || self.maxsize == Some(0) || (found.is_some() && !replace) {
            return;
        }
        found.map(|at| self.entries.remove(at));
        if space.max_weight().is_some_and(|max| weight > max) {
            return;
        }
        self.entries.push((key, value.to_vec(), weight));
        self.evict(space);
    }

    fn evict(&mut self, space: &Namespace) {
        let is_over = |model: &Self| {
            model.maxsize.is_some_and(|max| model.entries.len() > max)
                || space
                    .max_weight()
                    .is_some_and(|max| model.entries.iter().map(|entry| entry.2).sum::<u64>() > max)
        };
        while is_over(self) {
            self.entries.remove(0);
        }
    }
}

/// What the model's tickets are.
#[derive(Clone, Copy)]
struct Since {
    clears: usize,
    invalidated: usize,
}

/// Does random operations on a store and on the model, and compares all results.
fn compare(store: &dyn Store, space: &Namespace, collide: bool, seed: u64, operations: u64) {
    let (mut random, mut model) = (Random(seed | 1), Model { maxsize: space.maxsize(), ..Model::default() });
    if let Some(maxsize) = space.maxsize() {
        // As it was in another comparison.
        store.resize(space, maxsize).expect("it works");
    }
    // What is being computed, and ends later.
    let mut running: Vec<(u64, Ticket, Since)> = Vec::new();
    let keys = 2 * space.maxsize().unwrap_or(20) as u64 + 3;
    for at in 0..operations {
        let key = random.below(keys);
        let bytes = key.to_le_bytes();
        let weight = random.below(14);
        let value = vec![at as u8; random.below(60) as usize];
        let since = Since { clears: model.clears, invalidated: model.invalidated.len() };
        match random.below(200) {
            0 => {
                store.clear(space).expect("it works");
                model.entries.clear();
                (model.hits, model.misses, model.clears) = (0, 0, model.clears + 1);
            }
            // Where keys collide, an invalidation of one forbids to store the other.
            1..10 if !collide || running.is_empty() => {
                let removed = model.find(key).map(|at| model.entries.remove(at));
                model.invalidated.push(key);
                assert_eq!(store.invalidate(space, &bytes), Ok(removed.is_some()));
            }
            10..30 => {
                let entry =
                    Entry { value: &value, weight, computed_since: None, replace: true, age: Duration::ZERO };
                store.store(space, &bytes, entry).expect("it works");
                model.store(space, key, &value, weight, None, true);
            }
            30..50 => {
                let expected = model.find(key).map(|at| model.entries[at].1.clone());
                assert_eq!(store.peek(space, &bytes), Ok(expected), "{at}");
            }
            60 if space.maxsize().is_some() => {
                let maxsize = random.below(keys) as usize;
                model.maxsize = Some(maxsize);
                model.evict(space);
                store.resize(space, maxsize).expect("it works");
            }
            50..60 => running.push((key, store.ticket(space).expect("it works"), since)),
            _ => match (store.get(space, &bytes).expect("it works"), model.get(key)) {
                (Found::Hit(value), expected) => assert_eq!(Some(value), expected, "{at}"),
                (Found::Miss(ticket), expected) => {
                    assert_eq!(expected, None, "{at}");
                    running.push((key, ticket, since));
                }
            },
        }
        // Most end at once, some only after invalidations; more of these than are remembered are forbidden to be
        // stored, so none may be left for that long.
        while !running.is_empty() && (running.len() > 3 || random.below(3) > 0) {
            let (key, ticket, since) = running.remove(0);
            let replace = random.below(2) == 0;
            let entry =
                Entry { value: &value, weight, computed_since: Some(ticket), replace, age: Duration::ZERO };
            store.store(space, &key.to_le_bytes(), entry).expect("it works");
            model.store(space, key, &value, weight, Some(since), replace);
        }
        assert_eq!(info(store, space), (model.hits, model.misses, model.entries.len()), "{at}");
        assert_eq!(store.summary(space).expect("it works").maxsize, model.maxsize, "{at}");
    }
    for key in 0..keys {
        let expected = model.find(key).map(|at| model.entries[at].1.clone());
        assert_eq!(peek(store, space, &key.to_le_bytes()), expected);
    }
}

/// Compares in namespaces with all kinds of limits.
fn compare_all(store: &dyn Store, collide: bool, operations: u64) {
    let seed = number("LRU_MEMO_SEED").unwrap_or_else(|| RandomState::new().hash_one(()));
    println!("LRU_MEMO_SEED={seed}");
    let sizes = [None, Some(0), Some(1), Some(2), Some(3), Some(16), Some(40), Some(150)];
    for (at, maxsize) in (0..).zip(sizes) {
        for max_weight in [None, Some(12), Some(100)] {
            let space = space("compared", maxsize).with_max_weight(max_weight);
            compare(store, &space, collide, seed.wrapping_add(at), operations / 24);
        }
    }
}

#[test]
fn a_store_in_memory_does_what_a_naive_model_does() {
    compare_all(&Memory::new(), false, number("LRU_MEMO_OPERATIONS").unwrap_or(100_000));
}

#[test]
fn an_embedded_store_does_what_a_naive_model_does() {
    compare_all(&Scratch::new().store(), false, number("LRU_MEMO_OPERATIONS").unwrap_or(100_000));
}

#[cfg(feature = "redis")]
#[test]
fn a_redis_server_does_what_a_naive_model_does() {
    let server = crate::shared::RedisServer::start();
    compare_all(&server.store(), false, number("LRU_MEMO_OPERATIONS").unwrap_or(10_000));
}

#[test]
fn an_embedded_store_with_few_hashes_does_what_a_naive_model_does() {
    compare_all(&Scratch::new().colliding_store(3), true, number("LRU_MEMO_OPERATIONS").unwrap_or(30_000));
}

/// A real server, and that nothing depends on the time that anything takes.
#[cfg(feature = "memcached")]
fn on_memcached(check: impl FnOnce(&dyn Store)) {
    let scratch = Scratch::new();
    let server = crate::shared::memcached_server::Server::on_socket(&scratch, &["-m", "256"]);
    check(
        &Memcached::new(&format!("{}?timeout=60s&connect_timeout=60s", server.url())).expect("it is a URL"),
    );
}

#[cfg(feature = "memcached")]
#[test]
fn a_store_on_memcached_does_what_a_naive_model_does() {
    let operations = number("LRU_MEMO_OPERATIONS").unwrap_or(30_000);
    on_memcached(|store| compare_all(store, false, operations));
}

#[cfg(feature = "memcached")]
#[test]
fn programs_run_on_memcached_as_they_did_in_cpython() {
    on_memcached(|store| {
        let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("oracle/golden");
        let mut operations = 0;
        for file in fs::read_dir(golden).expect("the golden traces") {
            let programs = fs::read_to_string(file.expect("a golden trace").path()).expect("a golden trace");
            operations += replay(store, &programs);
        }
        assert!(operations >= 4_000, "only {operations} recorded operations");
    });
}

/// A function of `oracle/replay.py` on a shared store; see there.
struct Program<'a> {
    store: &'a dyn Store,
    space: Namespace,
    script: &'a [u8],
    runs: RefCell<u64>,
}

const PRIME: u64 = 1_000_003;
const FIBONACCI: u64 = 10_000;

impl Program<'_> {
    fn call(&self, n: u64) -> Result<u64, u64> {
        let key = n.to_le_bytes();
        let ticket = match self.store.get(&self.space, &key).expect("it works") {
            Found::Hit(value) => return Ok(u64::from_le_bytes(value.try_into().expect("eight bytes"))),
            Found::Miss(ticket) => ticket,
        };
        let value = self.run(n)?;
        let replace = self.space.maxsize().is_none();
        let entry = Entry {
            value: &value.to_le_bytes(),
            weight: 1,
            computed_since: Some(ticket),
            replace,
            age: Duration::ZERO,
        };
        self.store.store(&self.space, &key, entry).expect("it works");
        Ok(value)
    }

    fn run(&self, n: u64) -> Result<u64, u64> {
        if let Some(index) = n.checked_sub(FIBONACCI) {
            return if index < 2 { Ok(index) } else { Ok((self.call(n - 1)? + self.call(n - 2)?) % PRIME) };
        }
        let ticket = {
            let mut runs = self.runs.borrow_mut();
            *runs += 1;
            *runs
        };
        let value = match self.script[ticket as usize % self.script.len()] {
            b'f' => return Err(ticket),
            b'd' if n >= 2 => self.call(n - 1)? + self.call(n - 2)? + ticket,
            b's' => self.call(n).unwrap_or(7) + ticket,
            b'n' => self.call(n + 1).unwrap_or(7) + ticket,
            _ => return Ok(ticket),
        };
        Ok(value % PRIME)
    }
}

/// Runs programs on a store, comparing with their traces; returns the number of operations.
fn replay(store: &dyn Store, programs: &str) -> usize {
    let mut count = 0;
    for line in programs.lines() {
        let program: Value = serde_json::from_str(line).expect("a program is an object in JSON");
        let maxsize = match &program["maxsize"] {
            Value::String(_) => Some(128),
            maxsize => maxsize.as_u64().map(|maxsize| maxsize as usize),
        };
        let script = program["script"].as_str().expect("a script").as_bytes();
        let running = Program { store, space: space("replayed", maxsize), script, runs: RefCell::new(0) };
        store.clear(&running.space).expect("it works");
        let operations = program["operations"].as_array().expect("operations");
        let trace = program["trace"].as_array().expect("a trace");
        for (operation, expected) in operations.iter().zip(trace.chunks(4)) {
            let result = match operation.as_u64() {
                Some(n) => running.call(n).map_or_else(|run| -1 - run as i64, |value| value as i64),
                None => {
                    store.clear(&running.space).expect("it works");
                    0
                }
            };
            let (hits, misses, currsize) = info(store, &running.space);
            let found = [result, hits as i64, misses as i64, currsize as i64];
            // A clear while a call computes is the one thing that is done otherwise; no program does it.
            assert_eq!(found.map(Value::from), expected, "after {operation} of {program}");
        }
        count += operations.len();
    }
    count
}

#[test]
fn programs_run_on_shared_stores_as_they_did_in_cpython() {
    let oracle = Path::new(env!("CARGO_MANIFEST_DIR")).join("oracle");
    let scratch = Scratch::new();
    let (memory, embedded) = (Memory::new(), scratch.store());
    let mut operations = 0;
    for file in fs::read_dir(oracle.join("golden")).expect("the golden traces") {
        let programs = fs::read_to_string(file.expect("a golden trace").path()).expect("a golden trace");
        operations += replay(&memory, &programs);
        replay(&embedded, &programs);
    }
    assert!(operations >= 4_000, "only {operations} recorded operations");
    // New programs, where there is a Python.
    let seed = RandomState::new().hash_one(()).to_string();
    let output = Command::new("python3").arg(oracle.join("replay.py")).args([&seed, "10000"]).output();
    if let Ok(output) = output {
        assert!(output.status.success(), "replay.py: {}", String::from_utf8_lossy(&output.stderr));
        let programs = String::from_utf8(output.stdout).expect("programs in UTF-8");
        assert!(replay(&embedded, &programs) >= 10_000);
    }
}
