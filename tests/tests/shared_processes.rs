//! Many processes on one embedded store: the same counters and survivors as one process would have, whoever is
//! killed at whatever moment. `LRU_MEMO_STORM` is for how many seconds processes are killed.

mod shared;

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use lru_memo::shared::{Embedded, Memory, Namespace, Options, Store, fingerprint};
use lru_memo_tests::without_hanging;
use shared::{Scratch, call, info, peek, put};

fn worker(scratch: &Scratch, task: &str, numbers: &[u64]) -> Child {
    Command::new(env!("CARGO_BIN_EXE_shared-worker"))
        .arg(scratch.path())
        .arg(task)
        .args(numbers.iter().map(u64::to_string))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the worker starts")
}

/// Waits for a worker that is to succeed, and returns what it has printed.
fn finish(worker: Child) -> String {
    let output = worker.wait_with_output().expect("the worker ends");
    assert!(output.status.success(), "the worker has failed: {}", output.status);
    String::from_utf8(output.stdout).expect("text")
}

/// The store that workers use, in this process.
fn store(scratch: &Scratch) -> Embedded {
    let mut options = Options::default();
    options.size = 64 << 20;
    Embedded::open(scratch.path().join("store"), options).expect("the store opens")
}

/// The namespace that workers use.
fn space(maxsize: usize) -> Namespace {
    Namespace::new("shared", fingerprint(&[b"shared"])).with_maxsize(Some(maxsize))
}

/// Equal to that of the worker.
fn value_of(key: u64) -> Vec<u8> {
    (0..8 + key * key % 6000).map(|at| (key.wrapping_mul(31).wrapping_add(at)) as u8).collect()
}

#[test]
fn all_processes_count_in_the_same_counters() {
    let scratch = Scratch::new();
    let workers: Vec<Child> = (0..8).map(|seed| worker(&scratch, "calls", &[seed, 2000, 30, 16])).collect();
    let mut sums = [0, 0];
    for worker in workers {
        let printed = finish(worker);
        for (sum, number) in sums.iter_mut().zip(printed.split_whitespace()) {
            *sum += number.parse::<u64>().expect("a number");
        }
    }
    assert_eq!(info(&store(&scratch), &space(16)), (sums[0], sums[1], 16));
    assert_eq!(sums[0] + sums[1], 16_000);
}

#[test]
fn processes_in_turn_do_what_one_process_would_do() {
    let scratch = Scratch::new();
    let workers: Vec<Child> = (0..8).map(|seed| worker(&scratch, "logged", &[seed, 1000, 25, 12])).collect();
    workers.into_iter().for_each(|worker| drop(finish(worker)));
    let (model, space) = (Memory::new(), space(12));
    let log = fs::read_to_string(scratch.path().join("log")).expect("the log");
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
    let store = store(&scratch);
    let kept = |store: &dyn Store| -> Vec<u64> {
        (0..25).filter(|key: &u64| peek(store, &space, &key.to_le_bytes()).is_some()).collect()
    };
    assert_eq!(kept(&store), kept(&model));
}

#[test]
fn one_thread_of_all_processes_has_the_lease() {
    let scratch = Scratch::new();
    fs::write(scratch.path().join("sum"), "0").expect("the sum");
    let workers: Vec<Child> = (0..8).map(|_| worker(&scratch, "add", &[8, 25])).collect();
    workers.into_iter().for_each(|worker| drop(finish(worker)));
    assert_eq!(fs::read_to_string(scratch.path().join("sum")).expect("the sum"), "1600");
}

#[test]
fn the_lease_of_a_killed_process_goes_to_who_waits() {
    let scratch = Scratch::new();
    let mut holder = worker(&scratch, "hold", &[]);
    let mut line = String::new();
    BufReader::new(holder.stdout.take().expect("a pipe")).read_line(&mut line).expect("a line");
    assert_eq!(line, "held\n");
    let store = store(&scratch);
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

#[test]
fn a_forked_process_goes_on_with_the_same_store() {
    let scratch = Scratch::new();
    finish(worker(&scratch, "fork", &[]));
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
        let scratch = Scratch::new();
        let mut worker = worker(&scratch, "told", &[round]);
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
        let store = store(&scratch);
        let (hits, misses, currsize) = info(&store, &space);
        let order_found = order(&store, &space);
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
    let seconds =
        std::env::var("LRU_MEMO_STORM").map_or(10, |text| text.parse().expect("a number of seconds"));
    let scratch = Scratch::new();
    let store = store(&scratch);
    let end = Instant::now() + Duration::from_secs(seconds);
    let mut seed = 0;
    let mut start = || {
        seed += 1;
        let mut worker = worker(&scratch, "storm", &[seed]);
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
        check_whole(&store, &space(maxsize), maxsize);
    }
    assert_eq!(lru_memo::shared::health().rebuilt, 0);
}

/// Counts and entries agree, values are right, and new entries evict the old ones, one by one.
fn check_whole(store: &Embedded, space: &Namespace, maxsize: usize) {
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
