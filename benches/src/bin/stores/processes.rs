//! Measures several processes on one store at the same time, and one process whose server hangs.

use std::collections::BTreeSet;
use std::hint::black_box;
use std::io::{BufRead, BufReader, Lines, Read, Write};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Barrier;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use lru_memo::lru_cache;

use crate::calls::on_store;
use crate::servers::Store;
use crate::statistics::{median, quantile};

const ROUNDS: usize = 5;
const HITS: u64 = 4096;
const KEYS: u64 = 64;

/// The numbers of processes, and of threads in each, that wait for one run.
const WAITING: usize = 8;
/// The time of the run.
const BODY: Duration = Duration::from_millis(300);
/// For how long the hanging server is used.
const ASKED: Duration = Duration::from_secs(5);

/// A process that runs commands from its standard input.
struct Worker {
    process: Child,
    orders: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
}

impl Worker {
    fn new(mut command: Command) -> Self {
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("it starts");
        let orders = process.stdin.take().expect("it is piped");
        let answers = BufReader::new(process.stdout.take().expect("it is piped")).lines();
        Self { process, orders, answers }
    }

    fn order(&mut self, number: usize) {
        writeln!(self.orders, "{number}").expect("it is there");
    }

    fn answer(&mut self) -> String {
        self.answers.next().expect("it answers").expect("it answers")
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The loop of a worker: prints a line for each number that it reads.
pub(crate) fn work(mut answer: impl FnMut(u64) -> String) {
    for line in std::io::stdin().lines() {
        let number = line.expect("it can be read").parse().expect("a number");
        println!("{}", answer(number));
    }
}

/// Makes hits, and returns the microseconds per call.
pub(crate) fn hits(_: u64) -> String {
    let begun = Instant::now();
    (0..HITS).for_each(|number| _ = black_box(on_store((number * 7 % KEYS, 64))));
    (begun.elapsed().as_secs_f64() * 1e6 / HITS as f64).to_string()
}

/// Prints the time of hits in one process, and in each of two processes at the same time.
pub(crate) fn scaling(store: &Store) {
    let mut workers: Vec<Worker> = (0..2).map(|_| Worker::new(store.user(&["hits"]))).collect();
    let mut times = [Vec::new(), Vec::new()];
    for round in 0..=ROUNDS {
        for (many, times) in times.iter_mut().enumerate() {
            let workers = &mut workers[..=many];
            workers.iter_mut().for_each(|worker| worker.order(round));
            for worker in workers {
                let time: f64 = worker.answer().parse().expect("a number");
                if round > 0 {
                    times.push(time);
                }
            }
        }
    }
    let [one, two] = times.map(|times| median(&times));
    println!("| {} | {one:.2} | {two:.2} | {:.2} |", store.name, 2.0 * one / two);
}

#[lru_cache(maxsize = 128, scope = shared, single_flight = true)]
fn slow(_number: u64) -> String {
    static RUNS: AtomicU64 = AtomicU64::new(0);
    std::thread::sleep(BODY);
    format!("{}.{}", std::process::id(), RUNS.fetch_add(1, Relaxed))
}

/// Calls with all threads at once. Returns the microseconds of each call, and the runs whose values they got.
pub(crate) fn flight(number: u64) -> String {
    let together = Barrier::new(WAITING);
    let call = || {
        together.wait();
        let begun = Instant::now();
        let run = slow(number);
        format!("{}:{run}", begun.elapsed().as_micros())
    };
    std::thread::scope(|scope| {
        let calls: Vec<_> = (0..WAITING).map(|_| scope.spawn(call)).collect();
        calls.into_iter().map(|call| call.join().expect("it does not panic")).collect::<Vec<_>>().join(" ")
    })
}

/// Prints how long callers wait for one run, by the time of the run.
pub(crate) fn single_flight(store: &Store) {
    let mut workers: Vec<Worker> = (0..WAITING).map(|_| Worker::new(store.user(&["flight"]))).collect();
    let (mut times, mut runs) = (Vec::new(), 0);
    for round in 0..=ROUNDS {
        workers.iter_mut().for_each(|worker| worker.order(round));
        let mut seen = BTreeSet::new();
        for worker in &mut workers {
            for call in worker.answer().split(' ') {
                let (micros, run) = call.split_once(':').expect("a time and a run");
                seen.insert(run.to_owned());
                if round > 0 {
                    times.push(micros.parse::<f64>().expect("a number") / BODY.as_micros() as f64);
                }
            }
        }
        runs += if round > 0 { seen.len() } else { 0 };
    }
    let (half, most) = (median(&times), quantile(&times, 1.0));
    println!("| {} | {:.1} | {half:.3} | {most:.3} |", store.name, runs as f64 / ROUNDS as f64);
}

/// Prints the microseconds of calls while the server accepts connections and never answers.
pub(crate) fn hung(store: &Store, directory: &Path) {
    let (scheme, _) = store.url.split_once("://").expect("a URL");
    let path = directory.join(format!("{scheme}-hung"));
    let listener = UnixListener::bind(&path).expect("a socket");
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            // Reads, and never answers.
            std::thread::spawn(move || _ = stream.expect("it connects").read_to_end(&mut Vec::new()));
        }
    });
    let output = store
        .user(&["ask-hung"])
        .env("LRU_MEMO_STORE", format!("{scheme}://{}", path.display()))
        .output()
        .expect("it starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    println!("| {} | {}", store.name, String::from_utf8_lossy(&output.stdout).trim());
}

/// Calls for a while, and prints the times of the calls.
pub(crate) fn ask_hung() {
    let mut times = Vec::new();
    let begun = Instant::now();
    while begun.elapsed() < ASKED {
        let called = Instant::now();
        black_box(on_store((times.len() as u64 % KEYS, 64)));
        times.push(called.elapsed().as_secs_f64() * 1e6);
    }
    let waited = times.iter().filter(|&&time| time > 1e5).count();
    let [half, high, most] = [0.5, 0.999, 1.0].map(|part| quantile(&times, part));
    println!("{} | {waited} | {half:.1} | {high:.1} | {most:.0} |", times.len());
}

/// Prints the bytes that a hit sends and receives. A GET of the same value takes some 100 bytes.
pub(crate) fn wire(store: &Store) {
    let Some(asking) = store.bytes().zip(store.bytes()).map(|(before, after)| difference(after, before))
    else {
        return;
    };
    let mut worker = Worker::new(store.user(&["hits"]));
    // Stores the value that it then hits.
    let mut used = || {
        worker.order(0);
        worker.answer();
        store.bytes().expect("there is a server")
    };
    let (before, after) = (used(), used());
    let [to, back] = difference(difference(after, before), asking).map(|bytes| bytes as f64 / HITS as f64);
    println!("| {} | {to:.0} | {back:.0} |", store.name);
}

fn difference(after: [u64; 2], before: [u64; 2]) -> [u64; 2] {
    [0, 1].map(|at| after[at].saturating_sub(before[at]))
}
