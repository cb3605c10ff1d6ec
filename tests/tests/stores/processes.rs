//! Many processes on one store: the same counters and survivors as one process would have, whoever is
//! killed at whatever moment. `LRU_MEMO_STORM` is for how many seconds processes are killed.

use std::any::Any;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use lru_memo::shared::{Embedded, Memory, Namespace, Options, Store, attach, fingerprint};
use lru_memo_tests::forks::in_fresh_processes;
use lru_memo_tests::without_hanging;

use crate::shared::{Scratch, call, info, peek, put};

/// Where a store is, and files of workers.
struct Place {
    scratch: Scratch,
    /// Unless the store is embedded.
    url: Option<String>,
    /// What ends when the check does.
    _server: Option<Box<dyn Any>>,
}

impl Place {
    fn embedded() -> Self {
        Self { scratch: Scratch::new(), url: None, _server: None }
    }

    #[cfg(feature = "redis")]
    fn redis() -> Self {
        let server = crate::shared::RedisServer::start();
        Self {
            url: Some(format!("{}&lease=1s", server.url())),
            _server: Some(Box::new(server)),
            ..Self::embedded()
        }
    }

    #[cfg(feature = "memcached")]
    fn memcached() -> Self {
        let place = Self::embedded();
        let server = crate::shared::memcached_server::Server::on_socket(&place.scratch, &[]);
        let url = format!("{}?lease=2s&timeout=60s", server.url());
        Self { url: Some(url), _server: Some(Box::new(server)), ..place }
    }

    fn path(&self) -> &Path {
        self.scratch.path()
    }

    /// The store that workers use, in this process.
    fn store(&self) -> Box<dyn Store> {
        match &self.url {
            Some(url) => attach(url).expect("the store opens"),
            None => {
                let mut options = Options::default();
                options.size = 64 << 20;
                Box::new(Embedded::open(self.path().join("store"), options).expect("the store opens"))
            }
        }
    }
}

/// Runs each of these checks in each place.
macro_rules! in_every_place {
    ($($check:ident)*) => {
        mod embedded {
            $(#[test] fn $check() { super::$check(&super::Place::embedded()); })*
        }
        #[cfg(feature = "memcached")]
        mod memcached {
            $(#[test] fn $check() { super::$check(&super::Place::memcached()); })*
        }
        #[cfg(feature = "redis")]
        mod redis {
            $(#[test] fn $check() { super::$check(&super::Place::redis()); })*
        }
    };
}

in_every_place! {
    all_processes_count_in_the_same_counters
    processes_in_turn_do_what_one_process_would_do
    one_thread_of_all_processes_has_the_lease
    the_lease_of_a_killed_process_goes_to_who_waits
    a_forked_process_goes_on_with_the_same_store
}

fn worker(place: &Place, task: &str, numbers: &[u64]) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_shared-worker"));
    command.arg(place.path()).arg(task).args(numbers.iter().map(u64::to_string));
    command.env_remove("LRU_MEMO_STORE").envs(place.url.as_ref().map(|url| ("LRU_MEMO_STORE", url)));
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("the worker starts")
}

/// Waits for a worker that is to succeed, and returns what it has printed.
fn finish(worker: Child) -> String {
    let output = worker.wait_with_output().expect("the worker ends");
    assert!(output.status.success(), "the worker has failed: {}", output.status);
    String::from_utf8(output.stdout).expect("text")
}

/// The namespace that workers use.
fn space(maxsize: usize) -> Namespace {
    Namespace::new("shared", fingerprint(&[b"shared"])).with_maxsize(Some(maxsize))
}

/// Equal to that of the worker.
fn value_of(key: u64) -> Vec<u8> {
    (0..8 + key * key % 6000).map(|at| (key.wrapping_mul(31).wrapping_add(at)) as u8).collect()
}

fn all_processes_count_in_the_same_counters(place: &Place) {
    let workers: Vec<Child> = (0..8).map(|seed| worker(place, "calls", &[seed, 2000, 30, 16])).collect();
    let mut sums = [0, 0];
    for worker in workers {
        let printed = finish(worker);
        for (sum, number) in sums.iter_mut().zip(printed.split_whitespace()) {
            *sum += number.parse::<u64>().expect("a number");
        }
    }
    assert_eq!(info(&*place.store(), &space(16)), (sums[0], sums[1], 16));
    assert_eq!(sums[0] + sums[1], 16_000);
}

fn processes_in_turn_do_what_one_process_would_do(place: &Place) {
    let workers: Vec<Child> = (0..8).map(|seed| worker(place, "logged", &[seed, 1000, 25, 12])).collect();
    workers.into_iter().for_each(|worker| drop(finish(worker)));
    let (model, space) = (Memory::new(), space(12));
    let log = fs::read_to_string(place.path().join("log")).expect("the log");
    for (at, line) in log.lines().enumerate() {
        let words: Vec<&str> = line.split(' ').collect();
        let key: u64 = words[1].parse().expect("a number");
        let bytes = key.to_le_bytes();
        let result = match words[0] {
            "clear" => {
                model.clear(&space).expect("it works");
                false
            }
            "invalidate" => model.invalidate(&space, &bytes).expect("it works"),
            "peek" => peek(&model, &space, &bytes).is_some(),
            "put" => put(&model, &space, &bytes, &value_of(key), 1),
            "call" => call(&model, &space, &bytes, || value_of(key)).0,
            other => panic!("there is no operation {other}"),
        };
        let (hits, misses, currsize) = info(&model, &space);
        let expected = format!("{} {key} {result} {hits} {misses} {currsize}", words[0]);
        assert_eq!(line, expected, "operation {at}");
    }
    assert_eq!(log.lines().count(), 8000);
    let store = place.store();
    let kept = |store: &dyn Store| -> Vec<u64> {
        (0..25).filter(|key: &u64| peek(store, &space, &key.to_le_bytes()).is_some()).collect()
    };
    assert_eq!(kept(&*store), kept(&model));
}

fn one_thread_of_all_processes_has_the_lease(place: &Place) {
    fs::write(place.path().join("sum"), "0").expect("the sum");
    let workers: Vec<Child> = (0..8).map(|_| worker(place, "add", &[8, 25])).collect();
    workers.into_iter().for_each(|worker| drop(finish(worker)));
    assert_eq!(fs::read_to_string(place.path().join("sum")).expect("the sum"), "1600");
}

fn the_lease_of_a_killed_process_goes_to_who_waits(place: &Place) {
    let mut holder = worker(place, "hold", &[]);
    let mut line = String::new();
    BufReader::new(holder.stdout.take().expect("a pipe")).read_line(&mut line).expect("a line");
    assert_eq!(line, "held\n");
    let store = place.store();
    assert!(store.try_lease(&space(1), b"held").expect("it works").is_none());
    without_hanging(
        || "waiting for the lease of a killed process".to_owned(),
        move || {
            thread::scope(|scope| {
                let waiting = scope.spawn(|| drop(store.lease(&space(1), b"held").expect("it works")));
                thread::sleep(Duration::from_millis(50));
                assert!(!waiting.is_finished());
                holder.kill().expect("it is killed");
                waiting.join().expect("the lease is free");
            });
            holder.wait().expect("it is dead");
        },
    );
}

fn a_forked_process_goes_on_with_the_same_store(place: &Place) {
    finish(worker(place, "fork", &[]));
}

/// Does on a model what a worker has told.
fn replay(model: &Memory, space: &Namespace, told: &[&str]) {
    for line in told {
        match line.split_once(' ') {
            Some(("get", key)) => {
                let key: u64 = key.parse().expect("a number");
                model.get(space, &key.to_le_bytes()).expect("it works");
            }
            Some((_, key)) => {
                let key: u64 = key.parse().expect("a number");
                put(model, space, &key.to_le_bytes(), &vec![key as u8; 30_000], 1);
            }
            None => {}
        }
    }
}

/// The keys in a cache of 20 in their order of use; they are evicted in this.
fn order(store: &dyn Store, space: &Namespace) -> Vec<u64> {
    let kept =
        || (0..30_u64).filter(|key| peek(store, space, &key.to_le_bytes()).is_some()).collect::<Vec<_>>();
    let (mut order, mut before) = (Vec::new(), kept());
    for key in 100..120_u64 {
        put(store, space, &key.to_le_bytes(), b"", 1);
        let after = kept();
        order.extend(before.iter().filter(|key| !after.contains(key)));
        before = after;
    }
    order
}

#[test]
fn what_a_killed_process_was_doing_is_done_or_not_done() {
    let space = space(20);
    for round in 0..40 {
        let place = &Place::embedded();
        let mut worker = worker(place, "told", &[round]);
        let out = worker.stdout.take().expect("a pipe");
        let reader = thread::spawn(move || {
            let lines = BufReader::new(out).lines().map(|line| line.expect("text"));
            lines.collect::<Vec<String>>()
        });
        thread::sleep(Duration::from_millis(10 + round % 20));
        worker.kill().expect("it is killed");
        worker.wait().expect("it is dead");
        let told = reader.join().expect("the reader");
        let told: Vec<&str> = told.iter().map(String::as_str).collect();
        let store = place.store();
        let (hits, misses, currsize) = info(&*store, &space);
        let order_found = order(&*store, &space);
        // The last line may have happened, or may not.
        let is_possible = [0, 1].into_iter().any(|without| {
            let model = Memory::new();
            replay(&model, &space, &told[..told.len().saturating_sub(without)]);
            let expected = info(&model, &space);
            // Of a hit, the entry may have been made recent, but the hit not yet counted.
            let counts = hits == expected.0 || (without == 0 && hits + 1 == expected.0);
            counts && (misses, currsize) == (expected.1, expected.2) && order(&model, &space) == order_found
        });
        assert!(is_possible, "round {round}: {hits} hits, {misses} misses, {order_found:?} after {told:?}");
    }
}

#[test]
fn killed_processes_leave_a_store_that_is_whole() {
    in_fresh_processes(1, "processes::killed_processes_leave_a_store_that_is_whole", "", kill_processes);
}

/// In a process in which no other test rebuilds a store.
fn kill_processes() {
    let seconds =
        std::env::var("LRU_MEMO_STORM").map_or(10, |text| text.parse().expect("a number of seconds"));
    let place = &Place::embedded();
    let store = place.store();
    let end = Instant::now() + Duration::from_secs(seconds);
    let mut seed = 0;
    let mut start = || {
        seed += 1;
        let mut worker = worker(place, "storm", &[seed]);
        let mut line = String::new();
        BufReader::new(worker.stdout.take().expect("a pipe")).read_line(&mut line).expect("a line");
        assert_eq!(line, "begun\n");
        worker
    };
    let mut workers: Vec<Child> = (0..4).map(|_| start()).collect();
    let mut killed = 0;
    while Instant::now() < end {
        thread::sleep(Duration::from_millis(5 + killed * 7 % 40));
        let at = killed as usize % workers.len();
        let mut victim = std::mem::replace(&mut workers[at], start());
        assert!(victim.try_wait().expect("a worker").is_none(), "a worker has failed by itself");
        victim.kill().expect("it is killed");
        victim.wait().expect("it is dead");
        killed += 1;
    }
    for worker in &mut workers {
        worker.kill().expect("it is killed");
        worker.wait().expect("it is dead");
    }
    // Not `println!`, which the test harness keeps to itself when a test passes.
    writeln!(std::io::stderr(), "{killed} processes were killed").expect("standard error");
    for maxsize in [3, 10, 100] {
        check_whole(&*store, &space(maxsize), maxsize);
    }
    assert_eq!(lru_memo::shared::health().rebuilt, 0);
}

/// Counts and entries agree, values are right, and new entries evict the old ones, one by one.
fn check_whole(store: &dyn Store, space: &Namespace, maxsize: usize) {
    let kept = || {
        (0..150_u64)
            .filter(|key| {
                let value = peek(store, space, &key.to_le_bytes());
                assert!(value.as_ref().is_none_or(|value| *value == value_of(*key)));
                value.is_some()
            })
            .count()
    };
    let (hits, misses, currsize) = info(store, space);
    assert_eq!(kept(), currsize);
    assert!(currsize <= maxsize);
    for at in 1..=maxsize {
        let key = 1000 + at as u64;
        assert!(!call(store, space, &key.to_le_bytes(), || value_of(key)).0);
        assert_eq!(kept(), currsize.min(maxsize - at));
    }
    assert_eq!(info(store, space), (hits, misses + maxsize as u64, maxsize));
}

#[test]
fn what_another_process_stored_as_the_first_to_expire_goes_first() {
    let name = "processes::what_another_process_stored_as_the_first_to_expire_goes_first";
    in_fresh_processes(1, name, "", look_for_the_first_to_expire);
}

/// In a process whose clock no other test has moved: the other process has another clock.
fn look_for_the_first_to_expire() {
    let place = Place::embedded();
    let store = place.store();
    let space = crate::shared::space("aging", Some(10)).with_ttl(Some(Duration::from_secs(1000)));
    // The last one makes this process look for what is the oldest.
    (0..=10).for_each(|x| _ = crate::shared::square(&*store, &space, x));
    finish(worker(&place, "older", &[20, 1000]));
    let there = || [1, 2, 21].map(|x: u64| peek(&*store, &space, &x.to_le_bytes()).is_some());
    assert_eq!(there(), [false, true, false]);
    crate::shared::square(&*store, &space, 21);
    assert_eq!((there(), info(&*store, &space).2), ([false, true, true], 10));
}
