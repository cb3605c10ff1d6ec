//! Random programs, in which the bound changes, do the same as on an `OrderedDict` of CPython: see `oracle/resize.py`.
//! `LRU_MEMO_SEED`, `LRU_MEMO_OPERATIONS` and `LRU_MEMO_REQUIRE_PYTHON` mean what they mean to the test `cpython`.

use std::cell::Cell;
use std::collections::hash_map::RandomState;
use std::env;
use std::hash::BuildHasher;
use std::io;
use std::path::Path;
use std::process::Command;

use lru_memo::{CacheInfo, Memo, lru_cache};
use serde_json::Value;

thread_local! {
    static RUNS: Cell<u64> = const { Cell::new(0) };
}

/// The function that is memoized, calling itself through `call`.
fn run(n: u64, call: fn(u64) -> u64) -> u64 {
    RUNS.set(RUNS.get() + 1);
    let number = RUNS.get();
    if n % 5 == 4 {
        call(n - 1);
    }
    number
}

#[lru_cache(maxsize = 0)]
fn from_zero(n: u64) -> u64 {
    run(n, from_zero)
}

#[lru_cache]
fn from_many(n: u64) -> u64 {
    run(n, from_many)
}

#[lru_cache(maxsize = 1, scope = thread)]
fn of_thread(n: u64) -> u64 {
    run(n, of_thread)
}

static OWNER: Memo = Memo::new();

#[lru_cache(maxsize = 1, scope = owner)]
fn of_object(owner: &Memo, n: u64) -> u64 {
    let _ = owner;
    run(n, |n| of_object(&OWNER, n))
}

struct Subject {
    name: &'static str,
    call: fn(u64) -> u64,
    info: fn() -> CacheInfo,
    clear: fn(),
    resize: fn(usize),
}

macro_rules! subject {
    ($name:ident, $info:ident, $clear:ident, $resize:ident $(, $owner:expr)?) => {
        Subject {
            name: stringify!($name),
            call: |n| $name($($owner,)? n),
            info: || $info($($owner)?),
            clear: || $clear($($owner)?),
            resize: |maxsize| $resize($($owner,)? maxsize),
        }
    };
}

const SUBJECTS: [Subject; 4] = [
    subject!(from_zero, from_zero_cache_info, from_zero_cache_clear, from_zero_cache_resize),
    subject!(from_many, from_many_cache_info, from_many_cache_clear, from_many_cache_resize),
    subject!(of_thread, of_thread_cache_info, of_thread_cache_clear, of_thread_cache_resize),
    subject!(of_object, of_object_cache_info, of_object_cache_clear, of_object_cache_resize, &OWNER),
];

fn replay(program: &Value, subject: &Subject) -> usize {
    let numbers = |name: &str| -> Vec<u64> {
        program[name]
            .as_array()
            .expect("an array")
            .iter()
            .map(|number| number.as_u64().expect("a number"))
            .collect()
    };
    let size = |value: &Value| usize::try_from(value.as_u64().expect("a bound")).expect("a small one");
    (subject.clear)();
    (subject.resize)(size(&program["maxsize"]));
    RUNS.set(0);
    let operations = program["operations"].as_array().expect("operations");
    let (trace, runs) = (numbers("trace"), numbers("runs"));
    assert_eq!((trace.len(), runs.len()), (4 * operations.len(), operations.len()));
    for ((operation, expected), run) in operations.iter().zip(trace.chunks(4)).zip(runs) {
        let found = match operation {
            Value::Number(n) => (subject.call)(n.as_u64().expect("a key")),
            Value::Array(resize) => {
                (subject.resize)(size(&resize[0]));
                0
            }
            _ => {
                (subject.clear)();
                0
            }
        };
        let CacheInfo { hits, misses, maxsize, currsize } = (subject.info)();
        let seen = [hits, misses, maxsize.expect("a bound") as u64, currsize as u64];
        assert_eq!((found, &seen[..]), (run, expected), "{operation} of {}: {program}", subject.name);
    }
    operations.len()
}

#[test]
fn random_programs_with_resizes_run_as_on_an_ordered_dict() {
    let number = |name: &str| env::var(name).ok().map(|text| text.parse::<u64>().expect("a number"));
    let seed = number("LRU_MEMO_SEED").unwrap_or_else(|| RandomState::new().hash_one(()));
    let least = number("LRU_MEMO_OPERATIONS").unwrap_or(10_000);
    println!("LRU_MEMO_SEED={seed} LRU_MEMO_OPERATIONS={least}");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("oracle/resize.py");
    let output = match Command::new("python3")
        .arg(script)
        .args([seed, least].map(|number| number.to_string()))
        .output()
    {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            assert!(env::var_os("LRU_MEMO_REQUIRE_PYTHON").is_none(), "there is no python3");
            return eprintln!("NOT TESTED: random programs with resizes, because there is no python3");
        }
        output => output.expect("python3 can be started"),
    };
    assert!(output.status.success(), "resize.py: {}", String::from_utf8_lossy(&output.stderr));
    let programs = String::from_utf8(output.stdout).expect("programs in UTF-8");
    for subject in &SUBJECTS {
        let programs = programs.lines().map(|line| serde_json::from_str(line).expect("an object in JSON"));
        let operations: usize = programs.map(|program| replay(&program, subject)).sum();
        assert!(operations as u64 >= least, "only {operations} operations");
    }
}
