//! CPython's `functools.lru_cache` is the oracle: random programs must give the same results and the same
//! `cache_info` after every operation here as there, in every scope; the shared one on every store.
//!
//! `oracle/replay.py` invents the programs, runs them and describes the format. What it once recorded lies in
//! `oracle/golden` and is always compared; new programs are compared where there is a `python3`.
//! `LRU_MEMO_SEED` and `LRU_MEMO_OPERATIONS` say which and how many; with `LRU_MEMO_REQUIRE_PYTHON` in the
//! environment a missing `python3` is a failure.

use std::cell::RefCell;
use std::collections::hash_map::RandomState;
use std::env;
use std::fs;
use std::hash::BuildHasher;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use lru_memo::{CacheInfo, CacheTotals, Memo, lru_cache};
use serde_json::Value;

/// Equal to the constants of `replay.py`.
const PRIME: u64 = 1_000_003;
const FIBONACCI: u64 = 10_000;

/// What a run returns; the error is the number of the failing run.
type Outcome = Result<u64, u64>;

/// What the runs of the function follow.
#[derive(Default)]
struct Script {
    steps: Vec<u8>,
    runs: u64,
}

thread_local! {
    static SCRIPT: RefCell<Script> = RefCell::default();
}

/// The function that is memoized, calling itself through `call`: `run` of `replay.py`.
fn run(n: u64, call: fn(u64) -> Outcome) -> Outcome {
    if let Some(index) = n.checked_sub(FIBONACCI) {
        return if index < 2 { Ok(index) } else { Ok((call(n - 1)? + call(n - 2)?) % PRIME) };
    }
    let (ticket, step) = SCRIPT.with_borrow_mut(|script| {
        script.runs += 1;
        let at = script.runs as usize % script.steps.len();
        (script.runs, script.steps[at])
    });
    let value = match step {
        b'f' => return Err(ticket),
        b'd' if n >= 2 => call(n - 1)? + call(n - 2)? + ticket,
        b's' => call(n).unwrap_or(7) + ticket,
        b'n' => call(n + 1).unwrap_or(7) + ticket,
        _ => return Ok(ticket),
    };
    Ok(value % PRIME)
}

/// An object, and the one whose function is called.
struct Owner(Memo);

static OWNER: RwLock<Option<Arc<Owner>>> = RwLock::new(None);

fn owner() -> Arc<Owner> {
    Arc::clone(OWNER.read().unwrap().as_ref().expect("a program begins by clearing"))
}

/// A memoized function, and the `maxsize` of the programs it is for.
struct Subject {
    options: &'static str,
    maxsize: &'static str,
    call: fn(u64) -> Outcome,
    info: fn() -> CacheInfo,
    clear: fn(),
}

macro_rules! subjects {
    ($SUBJECTS:ident; $($maxsize:literal: $(($($options:tt)*))*;)*) => {
        static $SUBJECTS: &[Subject] = &[$($({
            #[lru_cache($($options)*)]
            fn function(n: u64) -> Outcome {
                run(n, function)
            }
            Subject {
                options: stringify!($($options)*),
                maxsize: $maxsize,
                call: function,
                info: function_cache_info,
                clear: function_cache_clear,
            }
        }),*),*];
    };
}

subjects! { SUBJECTS;
    "null": (maxsize = None) (maxsize = None, scope = thread);
    "0": (maxsize = 0) (maxsize = 0, scope = thread);
    "1": (maxsize = 1) (maxsize = 1, scope = thread);
    "2": (maxsize = 2) (maxsize = 2, scope = thread);
    "3": (maxsize = 3) (maxsize = 3, scope = thread);
    "16": (maxsize = 16) (maxsize = 16, scope = thread);
    "128": (maxsize = 128) (maxsize = 128, scope = thread);
    "\"default\"": () (scope = thread);
}

/// With `scope = owner.0`. An object that is replaced is to Python what a cleared cache is.
macro_rules! object_subjects {
    ($($maxsize:literal: ($($options:tt)*);)*) => {
        static OBJECT_SUBJECTS: &[Subject] = &[$({
            #[lru_cache($($options)* scope = owner.0)]
            fn function(owner: &Owner, n: u64) -> Outcome {
                run(n, |n| function(&crate::cpython::owner(), n))
            }
            Subject {
                options: stringify!($($options)* scope = owner.0),
                maxsize: $maxsize,
                call: |n| function(&owner(), n),
                info: || function_cache_info(&owner()),
                clear: || *OWNER.write().unwrap() = Some(Arc::new(Owner(Memo::new()))),
            }
        }),*];
    };
}

object_subjects! {
    "null": (maxsize = None,);
    "0": (maxsize = 0,);
    "1": (maxsize = 1,);
    "2": (maxsize = 2,);
    "3": (maxsize = 3,);
    "16": (maxsize = 16,);
    "128": (maxsize = 128,);
    "\"default\"": ();
}

/// With `advise = true`. The advice for the bound that the cache has is what it has counted, of all programs together.
macro_rules! advised_subjects {
    ($($maxsize:literal: ($($options:tt)*);)*) => {
        static ADVISED_SUBJECTS: &[Subject] = &[$({
            #[lru_cache($($options)* advise = true)]
            fn function(n: u64) -> Outcome {
                run(n, function)
            }
            Subject {
                options: stringify!($($options)* advise = true),
                maxsize: $maxsize,
                call: function,
                info: || {
                    let (info, CacheTotals { hits, misses, .. }) = (function_cache_info(), function_cache_totals());
                    // Later ones are not all looked at.
                    if (1..100_000).contains(&(hits + misses)) {
                        let told = function_cache_advice().hit_ratio(info.maxsize.unwrap_or(usize::MAX));
                        assert_eq!(told, hits as f64 / (hits + misses) as f64, "{}", stringify!($($options)*));
                    }
                    info
                },
                clear: function_cache_clear,
            }
        }),*];
    };
}

advised_subjects! {
    "null": (maxsize = None,);
    "0": (maxsize = 0,);
    "1": (maxsize = 1,);
    "2": (maxsize = 2,);
    "3": (maxsize = 3,);
    "16": (maxsize = 16,);
    "128": (maxsize = 128,);
    "\"default\"": ();
}

#[cfg(feature = "shared")]
subjects! { SHARED_SUBJECTS;
    "null": (maxsize = None, scope = shared);
    "0": (maxsize = 0, scope = shared);
    "1": (maxsize = 1, scope = shared);
    "2": (maxsize = 2, scope = shared);
    "3": (maxsize = 3, scope = shared);
    "16": (maxsize = 16, scope = shared);
    "128": (maxsize = 128, scope = shared);
    "\"default\"": (scope = shared);
}

/// The subjects on the shared store, which is in memory unless the environment says another one.
#[cfg(feature = "shared")]
fn shared_subjects() -> &'static [Subject] {
    lru_memo_tests::in_memory_or_chosen();
    SHARED_SUBJECTS
}

#[cfg(not(feature = "shared"))]
fn shared_subjects() -> &'static [Subject] {
    &[]
}

/// Runs a program on a subject, comparing every operation with the trace; returns how many there were.
fn replay(program: &Value, subject: &Subject) -> usize {
    (subject.clear)();
    let script = program["script"].as_str().expect("a script");
    SCRIPT.set(Script { steps: script.into(), runs: 0 });
    let operations = program["operations"].as_array().expect("operations");
    let trace = program["trace"].as_array().expect("a trace");
    assert_eq!(trace.len(), 4 * operations.len());
    let maxsize = match &program["maxsize"] {
        Value::String(_) => Some(128),
        maxsize => maxsize.as_u64(),
    };
    for (at, (operation, expected)) in operations.iter().zip(trace.chunks(4)).enumerate() {
        let result = match operation.as_u64() {
            Some(n) => match (subject.call)(n) {
                Ok(value) => value as i64,
                Err(run) => -1 - run as i64,
            },
            None => {
                (subject.clear)();
                0
            }
        };
        let info = (subject.info)();
        assert_eq!(info.maxsize.map(|maxsize| maxsize as u64), maxsize);
        let found = [result, info.hits as i64, info.misses as i64, info.currsize as i64];
        assert_eq!(
            found.map(Value::from),
            expected,
            "result, hits, misses, currsize after operation {at}, {operation}, of ({}):\n{program}",
            subject.options,
        );
    }
    operations.len()
}

/// Replays every program on all subjects with its maxsize; returns the number of operations in the programs.
fn replay_all(programs: &str) -> usize {
    // Caches other than those of threads are everybody's.
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _one = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let mut operations = 0;
    for line in programs.lines() {
        let program: Value = serde_json::from_str(line).expect("a program is an object in JSON");
        let maxsize = program["maxsize"].to_string();
        let subjects =
            SUBJECTS.iter().chain(OBJECT_SUBJECTS).chain(ADVISED_SUBJECTS).chain(shared_subjects());
        let subjects = subjects.filter(|subject| subject.maxsize == maxsize);
        let counts: Vec<usize> = subjects.map(|subject| replay(&program, subject)).collect();
        let scopes = 4 + usize::from(cfg!(feature = "shared"));
        assert_eq!(
            counts.len(),
            scopes,
            "one subject for each scope, and one with advice, with maxsize {maxsize}"
        );
        operations += counts[0];
    }
    operations
}

fn oracle() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("oracle")
}

fn number(variable: &str) -> Option<u64> {
    let text = env::var(variable).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{variable} is not a number: {text:?}")))
}

#[test]
fn recorded_programs_run_as_they_did_in_cpython() {
    let files = fs::read_dir(oracle().join("golden")).expect("the golden traces");
    let operations: usize = files
        .map(|file| fs::read_to_string(file.expect("a golden trace").path()).expect("a golden trace"))
        .map(|programs| replay_all(&programs))
        .sum();
    assert!(operations >= 4_000, "only {operations} recorded operations");
}

#[test]
fn random_programs_run_as_they_do_in_cpython() {
    let seed = number("LRU_MEMO_SEED").unwrap_or_else(|| RandomState::new().hash_one(()));
    let least = number("LRU_MEMO_OPERATIONS").unwrap_or(10_000);
    println!("LRU_MEMO_SEED={seed} LRU_MEMO_OPERATIONS={least}");
    let arguments = [seed.to_string(), least.to_string()];
    let output = Command::new("python3").arg(oracle().join("replay.py")).args(arguments).output();
    let output = match output {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return python_is_missing(),
        output => output.expect("python3 can be started"),
    };
    assert!(output.status.success(), "replay.py: {}", String::from_utf8_lossy(&output.stderr));
    let programs = String::from_utf8(output.stdout).expect("programs in UTF-8");
    let operations = replay_all(&programs);
    assert!(operations as u64 >= least, "only {operations} operations");
}

fn python_is_missing() {
    let message = "NOT TESTED: random programs against CPython's functools.lru_cache, because there is no \
                   python3; the recorded ones were";
    assert!(env::var_os("LRU_MEMO_REQUIRE_PYTHON").is_none(), "{message}");
    // Not `eprintln!`, which the test harness keeps to itself when a test passes.
    writeln!(io::stderr(), "{message}").expect("standard error");
}

#[cfg(feature = "shared")]
#[test]
fn programs_run_on_the_embedded_store_as_they_do_in_cpython() {
    let scratch = crate::shared::Scratch::new();
    lru_memo_tests::again_with_store(
        &scratch.embedded_url(),
        &["cpython::recorded_programs", "cpython::random_programs"],
    );
}

#[cfg(feature = "redis")]
#[test]
fn programs_run_on_redis_as_they_did_in_cpython() {
    let server = crate::shared::RedisServer::start();
    lru_memo_tests::again_with_store(&server.url(), &["cpython::recorded_programs"]);
}

#[cfg(feature = "memcached")]
#[test]
fn programs_run_on_memcached_as_they_did_in_cpython() {
    let scratch = crate::shared::Scratch::new();
    let server = crate::shared::memcached_server::Server::on_socket(&scratch, &["-m", "256"]);
    let url = server.patient_url();
    lru_memo_tests::again_with_store(&url, &["cpython::recorded_programs"]);
}
