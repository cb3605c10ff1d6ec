//! Calls whose instructions are counted: `cargo xtask bench --check` runs this program under callgrind.
//!
//! `instructions CASE CALLS` makes so many calls. Without arguments, the program prints the names of the cases.

use std::hint::black_box;
use std::process::ExitCode;
use std::sync::{Arc, LazyLock, mpsc};
use std::thread;

// The default hasher has a new seed in each process, so counts would differ between runs.
use foldhash::fast::FixedState;
use lru_memo::{Memo, lru_cache};

const CAPACITY: usize = 128;

/// A case: a function and its keys. Hits repeat a few keys, and misses never use a key twice.
struct Case {
    name: &'static str,
    hits: bool,
    call: fn(usize) -> u64,
}

/// Further functions with the same types, as most programs have them. The compiler may generate different code for a
/// single one.
const CASES: &[Case] = &[
    Case { name: "hit, u64", hits: true, call: number },
    Case { name: "hit, u64, in another function", hits: true, call: other_number },
    Case { name: "hit, i64, in the only function of its types", hits: true, call: only_number },
    Case { name: "hit, (&str, u32)", hits: true, call: text },
    Case { name: "hit, u64, scope = thread", hits: true, call: number_per_thread },
    Case { name: "hit, u64, scope = thread, in another function", hits: true, call: other_number_per_thread },
    Case { name: "hit, u64, beside an idle thread", hits: true, call: number_beside_another },
    Case { name: "hit, u64, after another thread", hits: true, call: number_after_another },
    Case { name: "hit, u64, ttl", hits: true, call: aging },
    Case { name: "hit, u64, idle", hits: true, call: idling },
    Case { name: "hit, u64, advise", hits: true, call: advising },
    Case { name: "hit, u64, in a method that skips self", hits: true, call: number_of_all },
    Case { name: "hit, u64, scope = self.memo", hits: true, call: number_of_object },
    Case { name: "hit, u64, scope = self.memo, in another method", hits: true, call: other_number_of_object },
    Case { name: "hit, u64, scope = owner.memo, in a function", hits: true, call: number_of_owner },
    Case { name: "hit, u64, scope = self.memo, self: Arc<Self>", hits: true, call: number_of_arc },
    Case {
        name: "make and drop a cache with one entry, scope = self.memo",
        hits: false,
        call: of_new_object,
    },
    Case { name: "make and drop an object without a cache", hits: false, call: of_unused_object },
    Case { name: "miss and evict, u64", hits: false, call: number },
    Case { name: "miss and evict, u64, beside an idle thread", hits: false, call: number_beside_another },
    Case { name: "miss and evict, u64, after another thread", hits: false, call: number_after_another },
    Case { name: "miss and evict, u64, advise", hits: false, call: advising },
    Case { name: "miss and evict, (&str, u32)", hits: false, call: text },
    Case { name: "miss and evict, u64, scope = thread", hits: false, call: number_per_thread },
];

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args[..] {
        [] => CASES.iter().for_each(|case| println!("{}", case.name)),
        [name, calls] => match (CASES.iter().find(|case| case.name == name), calls.parse()) {
            (Some(case), Ok(calls)) => case.run(calls),
            _ => return ExitCode::FAILURE,
        },
        _ => return ExitCode::FAILURE,
    }
    ExitCode::SUCCESS
}

impl Case {
    fn run(&self, calls: usize) {
        for rank in 0..calls {
            let rank = if self.hits { rank % CAPACITY } else { rank };
            black_box((self.call)(black_box(rank)));
        }
    }
}

fn number(rank: usize) -> u64 {
    of_number(mixed(rank))
}

fn other_number(rank: usize) -> u64 {
    of_other_number(mixed(rank))
}

fn only_number(rank: usize) -> u64 {
    of_only_number(mixed(rank).cast_signed())
}

fn number_per_thread(rank: usize) -> u64 {
    of_number_per_thread(mixed(rank))
}

fn other_number_per_thread(rank: usize) -> u64 {
    of_other_number_per_thread(mixed(rank))
}

fn aging(rank: usize) -> u64 {
    of_age(mixed(rank))
}

fn idling(rank: usize) -> u64 {
    of_idle(mixed(rank))
}

fn advising(rank: usize) -> u64 {
    /// So many calls later, one key in 256 is recorded, as most of the time.
    static SOME_TIME: LazyLock<()> =
        LazyLock::new(|| (0..4_000_000).for_each(|rank| _ = of_advice(mixed(rank % CAPACITY))));
    *SOME_TIME;
    of_advice(mixed(rank))
}

fn number_beside_another(rank: usize) -> u64 {
    static ANOTHER: LazyLock<()> = LazyLock::new(|| {
        let (used, is_used) = mpsc::channel();
        thread::spawn(move || {
            number(1);
            used.send(()).expect("the caller waits");
            loop {
                thread::park();
            }
        });
        is_used.recv().expect("it was used");
    });
    *ANOTHER;
    number(rank)
}

fn number_after_another(rank: usize) -> u64 {
    static ANOTHER: LazyLock<()> = LazyLock::new(|| {
        number(0);
        thread::spawn(|| number(1)).join().expect("it ends");
    });
    *ANOTHER;
    number(rank)
}

fn number_of_all(rank: usize) -> u64 {
    Owner::shared().of_all(mixed(rank))
}

fn number_of_object(rank: usize) -> u64 {
    Owner::shared().of_number(mixed(rank))
}

fn other_number_of_object(rank: usize) -> u64 {
    Owner::shared().of_other_number(mixed(rank))
}

fn number_of_owner(rank: usize) -> u64 {
    of_owner(Owner::shared(), mixed(rank))
}

fn number_of_arc(rank: usize) -> u64 {
    Arc::clone(Owner::shared()).of_arc(mixed(rank))
}

fn of_new_object(rank: usize) -> u64 {
    Owner::default().of_number(mixed(rank))
}

fn of_unused_object(rank: usize) -> u64 {
    drop(black_box(Owner::default()));
    mixed(rank)
}

fn text(rank: usize) -> u64 {
    of_text("sixteen letters.", rank as u32)
}

/// Returns a different large number for each number.
fn mixed(rank: usize) -> u64 {
    (rank as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

#[lru_cache(maxsize = CAPACITY, hasher = FixedState)]
fn of_number(number: u64) -> u64 {
    number.wrapping_mul(3)
}

#[lru_cache(maxsize = CAPACITY, hasher = FixedState, scope = thread)]
fn of_number_per_thread(number: u64) -> u64 {
    number.wrapping_mul(3)
}

#[lru_cache(maxsize = CAPACITY, hasher = FixedState)]
fn of_other_number(number: u64) -> u64 {
    number.wrapping_mul(5)
}

#[lru_cache(maxsize = CAPACITY, hasher = FixedState, scope = thread)]
fn of_other_number_per_thread(number: u64) -> u64 {
    number.wrapping_mul(5)
}

#[lru_cache(maxsize = CAPACITY, hasher = FixedState)]
fn of_only_number(number: i64) -> u64 {
    number.cast_unsigned()
}

#[lru_cache(maxsize = CAPACITY, hasher = FixedState, ttl = "1h")]
fn of_age(number: u64) -> u64 {
    number.wrapping_mul(3)
}

#[lru_cache(maxsize = CAPACITY, hasher = FixedState, idle = "1h")]
fn of_idle(number: u64) -> u64 {
    number.wrapping_mul(3)
}

#[lru_cache(maxsize = CAPACITY, hasher = FixedState, advise = true)]
fn of_advice(number: u64) -> u64 {
    number.wrapping_mul(3)
}

#[lru_cache(maxsize = CAPACITY, hasher = FixedState)]
fn of_text(_text: &str, number: u32) -> u64 {
    u64::from(number)
}

#[derive(Default)]
struct Owner {
    memo: Memo,
}

impl Owner {
    /// Makes an object that has used all of its caches.
    fn shared() -> &'static Arc<Self> {
        static SHARED: LazyLock<Arc<Owner>> = LazyLock::new(|| {
            let owner = Arc::new(Owner::default());
            owner.of_number(0);
            owner.of_other_number(0);
            of_owner(&owner, 0);
            owner
        });
        &SHARED
    }

    #[lru_cache(maxsize = CAPACITY, hasher = FixedState, skip(self))]
    fn of_all(&self, number: u64) -> u64 {
        number.wrapping_mul(3)
    }

    #[lru_cache(maxsize = CAPACITY, hasher = FixedState, scope = self.memo)]
    fn of_number(&self, number: u64) -> u64 {
        number.wrapping_mul(3)
    }

    #[lru_cache(maxsize = CAPACITY, hasher = FixedState, scope = self.memo)]
    fn of_other_number(&self, number: u64) -> u64 {
        number.wrapping_mul(5)
    }

    #[lru_cache(maxsize = CAPACITY, hasher = FixedState, scope = self.memo)]
    fn of_arc(self: Arc<Self>, number: u64) -> u64 {
        number.wrapping_mul(3)
    }
}

#[lru_cache(maxsize = CAPACITY, hasher = FixedState, scope = owner.memo)]
fn of_owner(owner: &Owner, number: u64) -> u64 {
    number.wrapping_mul(3)
}
