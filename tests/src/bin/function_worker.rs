//! A worker process with memoized functions on a shared store, for `tests/shared_functions`: it is told on its
//! standard input what to call, a line for each call, and answers with a line. `LRU_MEMO_STORE` says which store.

use std::env;
use std::ffi::{CStr, CString, c_void};
use std::future::{Future, poll_fn};
use std::io::{BufRead, Write, stdin, stdout};
use std::mem::transmute;
use std::pin::pin;
use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::{Duration, Instant};

use lru_memo::{lru_cache, shared};

#[path = "function_worker/advised.rs"]
mod advised;
#[path = "function_worker/fleet.rs"]
mod fleet;
#[path = "function_worker/old.rs"]
mod old;

mod first {
    type Price = u64;

    #[lru_memo::lru_cache(maxsize = 8, scope = shared, name = "price")]
    pub fn price(item: u64) -> Price {
        (item * 10) as Price
    }
}

mod the_same_elsewhere {
    type Price = u64;

    // Neither this nor documentation matters.
    /// The price.
    #[lru_memo::lru_cache(maxsize = 8, scope = shared, name = "price")]
    pub fn price(item: u64) -> Price {
        // Nor this.
        (item * 10) as Price
    }
}

mod with_another_body {
    type Price = u64;

    #[lru_memo::lru_cache(maxsize = 8, scope = shared, name = "price")]
    pub fn price(item: u64) -> Price {
        (item * 11) as Price
    }
}

mod with_another_version {
    type Price = u64;

    #[lru_memo::lru_cache(maxsize = 8, scope = shared, name = "price", version = 2)]
    pub fn price(item: u64) -> Price {
        (item * 10) as Price
    }
}

mod with_another_type {
    type Price = u32;

    #[lru_memo::lru_cache(maxsize = 8, scope = shared, name = "price")]
    pub fn price(item: u64) -> Price {
        (item * 10) as Price
    }
}

#[lru_cache(maxsize = 3, scope = shared)]
fn double(x: u64) -> u64 {
    2 * x
}

#[lru_cache(scope = shared, single_flight = true)]
fn slow(x: u64, milliseconds: u64) -> u64 {
    println!("runs {x}");
    thread::sleep(Duration::from_millis(milliseconds));
    3 * x
}

#[lru_cache(scope = shared, single_flight = "50ms", key = x)]
fn impatient(x: u64, waits: bool) -> u64 {
    println!("runs {x}");
    if waits {
        thread::sleep(Duration::MAX);
    }
    x + 1
}

#[lru_cache(scope = shared, single_flight = "50ms", key = x)]
async fn impatient_task(x: u64, waits: bool) -> u64 {
    println!("runs {x}");
    if waits {
        std::future::pending::<()>().await;
    }
    x + 1
}

/// An error that those who wait for a run cannot get a copy of.
struct Failed(String);

#[lru_cache(scope = shared, single_flight = true)]
fn failing(x: u64) -> Result<u64, Failed> {
    println!("runs {x}");
    thread::sleep(Duration::from_millis(20));
    Err(Failed(format!("{x} failed")))
}

#[lru_cache(scope = shared, skip(f))]
fn applied<F: Fn(u64) -> u64 + 'static>(f: F, x: u64) -> u64 {
    f(x)
}

mod shelves {
    use lru_memo::lru_cache;

    pub struct Shelf;

    pub trait Twice {
        fn twice(&self, x: u64) -> u64;
    }

    impl Shelf {
        #[lru_cache(scope = shared, skip(self))]
        pub fn once(&self, x: u64) -> u64 {
            x
        }
    }

    #[lru_cache]
    impl Twice for Shelf {
        #[lru_cache(scope = shared, skip(self))]
        fn twice(&self, x: u64) -> u64 {
            2 * x
        }
    }
}

mod beside_shelves {
    use lru_memo::lru_cache;

    use super::shelves::Shelf;

    impl Shelf {
        #[lru_cache(scope = shared, skip(self))]
        pub fn thrice(&self, x: u64) -> u64 {
            3 * x
        }
    }
}

#[lru_cache(scope = shared)]
fn shown<T: Default + ToString + 'static>(x: u64) -> String {
    T::default().to_string() + &x.to_string()
}

/// A function of its own wherever it is written.
macro_rules! times {
    ($factor:expr, $x:expr) => {{
        const FACTOR: u64 = $factor;
        #[lru_cache(scope = shared)]
        fn times(x: u64) -> u64 {
            x * FACTOR
        }
        times($x)
    }};
}

/// What the functions below return.
static SOURCE: AtomicU64 = AtomicU64::new(0);

#[lru_cache(scope = shared)]
fn row(_x: u64) -> u64 {
    SOURCE.load(SeqCst)
}

#[lru_cache(scope = shared, near = "1h")]
fn near_row(_x: u64) -> u64 {
    SOURCE.load(SeqCst)
}

#[lru_cache(scope = shared, near = "1h")]
async fn task_row(_x: u64) -> u64 {
    SOURCE.load(SeqCst)
}

#[lru_cache(scope = shared, tags = [format!("source:{x}"), "source"])]
fn tagged(x: u64) -> u64 {
    SOURCE.load(SeqCst) + x
}

#[lru_cache(scope = shared, tags = [format!("source:{x}")], single_flight = true)]
async fn tagged_task(x: u64) -> u64 {
    SOURCE.load(SeqCst) + x
}

#[lru_cache(scope = shared)]
fn table(_x: u64) -> u64 {
    SOURCE.load(SeqCst)
}

/// Waits for a task.
fn wait<F: Future>(future: F) -> F::Output {
    struct Thread(thread::Thread);
    impl Wake for Thread {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Thread(thread::current())));
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park(),
        }
    }
}

/// Begins something, and gives it up.
fn give_up<F: Future>(future: F) {
    let _ = pin!(future).poll(&mut Context::from_waker(Waker::noop()));
}

/// Something long, so that a process is writing it most of the time.
#[lru_cache(maxsize = 4, scope = shared)]
fn long(x: u64) -> Vec<u8> {
    vec![x as u8; 4 << 20]
}

/// Long enough that who looks it up is at it most of the time.
#[lru_cache(maxsize = 4, scope = shared)]
fn wide(x: u64) -> Vec<u8> {
    vec![x as u8; 100_000]
}

/// A function of a library that is loaded now, if it was not before.
fn plugin(name: &CStr) -> NonNull<c_void> {
    let path = env::current_exe().expect("this program").with_file_name("deps/libplugin.so");
    let path = CString::new(path.into_os_string().into_encoded_bytes()).expect("a path");
    // SAFETY: what the library does when it is loaded is what each program in Rust does when it begins.
    let library = unsafe { libc::dlopen(path.as_ptr(), libc::RTLD_NOW) };
    assert!(!library.is_null(), "{path:?} is loaded");
    // SAFETY: the library was loaded, and stays.
    NonNull::new(unsafe { libc::dlsym(library, name.as_ptr()) }).expect("it is in the library")
}

fn plugin_triple(x: u64) -> u64 {
    // SAFETY: `plugin.rs` declares it so.
    let call: extern "C" fn(u64) -> u64 = unsafe { transmute(plugin(c"plugin_triple")) };
    call(x)
}

fn plugin_health() -> String {
    let mut text = vec![0; 4096];
    // SAFETY: as above.
    let call: unsafe extern "C" fn(*mut u8, usize) -> usize = unsafe { transmute(plugin(c"plugin_health")) };
    // SAFETY: so many bytes are there.
    let length = unsafe { call(text.as_mut_ptr(), text.len()) };
    String::from_utf8(text[..length].to_vec()).expect("a text")
}

/// The longest time that one poll of a task takes, in milliseconds.
fn longest_poll<F: Future>(future: F) -> u128 {
    let mut longest = Duration::ZERO;
    let mut future = pin!(future);
    wait(poll_fn(|context| {
        let start = Instant::now();
        let polled = future.as_mut().poll(context);
        longest = longest.max(start.elapsed());
        polled
    }));
    longest.as_millis()
}

/// All that may be the value of 1 in some function.
fn rows(x: u64) -> String {
    format!("{} {} {} {}", row(x), near_row(x), wait(task_row(x)), table(x))
}

fn in_threads(threads: u64, call: impl Fn() -> String + Sync) -> String {
    let answers: Vec<String> = thread::scope(|scope| {
        let started: Vec<_> = (0..threads).map(|_| scope.spawn(&call)).collect();
        started.into_iter().map(|thread| thread.join().expect("a thread")).collect()
    });
    answers.join(" ")
}

fn answer(command: &str, number: u64) -> String {
    match command {
        "double" => double(number).to_string(),
        "double_info" => double_cache_info().to_string(),
        "double_clear" => {
            double_cache_clear();
            String::new()
        }
        "first" => first::price(number).to_string(),
        "the_same_elsewhere" => the_same_elsewhere::price(number).to_string(),
        "with_another_body" => with_another_body::price(number).to_string(),
        "with_another_version" => with_another_version::price(number).to_string(),
        "with_another_type" => with_another_type::price(number).to_string(),
        "infos" => {
            let infos = [
                first::price_cache_info(),
                the_same_elsewhere::price_cache_info(),
                with_another_body::price_cache_info(),
                with_another_version::price_cache_info(),
                with_another_type::price_cache_info(),
            ];
            infos.map(|info| format!("{}/{}", info.hits, info.misses)).join(" ")
        }
        "slow" => in_threads(number, || slow(1, 300).to_string()),
        "slow_alone" => slow(number, 1_000_000).to_string(),
        "impatient_for_ever" => impatient(number, true).to_string(),
        "impatient" => impatient(number, false).to_string(),
        "impatient_info" => impatient_cache_info().to_string(),
        "impatient_task_for_ever" => wait(impatient_task(number, true)).to_string(),
        "impatient_task" => wait(impatient_task(number, false)).to_string(),
        "tagged" => format!("{} {}", tagged(number), wait(tagged_task(number))),
        "tagged_info" => tagged_cache_info().to_string(),
        "tagged_peek" => {
            format!("{:?} {:?}", tagged_cache_peek(number), wait(tagged_task_cache_peek(number)))
        }
        "tagged_put" => {
            tagged_cache_put(number, 1);
            wait(tagged_task_cache_put(number, 1));
            String::new()
        }
        "tagged_refresh" => {
            format!("{} {}", tagged_cache_refresh(number), wait(tagged_task_cache_refresh(number)))
        }
        "invalidate_tag" => {
            lru_memo::invalidate_tag(&format!("source:{number}"));
            String::new()
        }
        "invalidate_tag_as_task" => {
            wait(lru_memo::invalidate_tag_async(&format!("source:{number}")));
            String::new()
        }
        "slow_info" => slow_cache_info().to_string(),
        "failing" => in_threads(number, || failing(1).unwrap_err().0),
        "failing_info" => failing_cache_info().to_string(),
        "methods" => {
            use shelves::{Shelf, Twice};
            let (once, twice, thrice) = (Shelf.once(number), Shelf.twice(number), Shelf.thrice(number));
            format!("{once} {twice} {thrice} {}", shown::<String>(number))
        }
        "applied_to_one_more" => applied(|x| x + 1, number).to_string(),
        "applied_to_twice" => applied(|x| x * 2, number).to_string(),
        "three_times" => times!(3, number).to_string(),
        "four_times" => times!(4, number).to_string(),
        "applied_and_times" => {
            let caches = lru_memo::caches().filter(|cache| !cache.name().ends_with("::double"));
            let infos: Vec<_> = caches.map(|cache| cache.info()).collect();
            infos.iter().map(|info| format!("{}/{}", info.hits, info.misses)).collect::<Vec<_>>().join(" ")
        }
        "source" => SOURCE.swap(number, SeqCst).to_string(),
        "rows" => rows(number),
        "remove_rows" => {
            row_cache_invalidate(number);
            near_row_cache_invalidate(number);
            give_up(task_row_cache_invalidate(number));
            table_cache_clear();
            String::new()
        }
        "clear_rows" => {
            row_cache_clear();
            near_row_cache_clear();
            wait(task_row_cache_clear());
            table_cache_clear();
            String::new()
        }
        "put_rows" => {
            row_cache_put(number, SOURCE.load(SeqCst));
            near_row_cache_put(number, SOURCE.load(SeqCst));
            wait(task_row_cache_put(number, SOURCE.load(SeqCst)));
            table_cache_put(number, SOURCE.load(SeqCst));
            String::new()
        }
        "refresh_rows" => {
            row_cache_refresh(number);
            near_row_cache_refresh(number);
            wait(task_row_cache_refresh(number));
            table_cache_refresh(number);
            String::new()
        }
        "write_on" => loop {
            for x in 0..8 {
                long_cache_put(x, long_uncached(x));
                long(x);
            }
        },
        "read_on" => {
            wide(0);
            println!("reads");
            loop {
                assert_eq!(wide(0), wide_uncached(0));
            }
        }
        // How many values could be stored.
        "store" => {
            let store = |_: &u64| {
                let x = SOURCE.fetch_add(1, SeqCst);
                wide(x);
                wide_cache_peek(x).is_some()
            };
            (0..number).filter(store).count().to_string()
        }
        "plugin_triple" => plugin_triple(number).to_string(),
        "plugin_health" => plugin_health(),
        // SAFETY: takes a number.
        "become_user" => unsafe { libc::setuid(number as libc::uid_t) }.to_string(),
        "slow_for" => slow(2, number).to_string(),
        "failing_again" => failing(2).unwrap_err().0,
        "polls" => longest_poll(async {
            let value = task_row(number).await;
            task_row_cache_put(number, value).await;
            task_row_cache_invalidate(number).await;
            task_row_cache_clear().await;
            task_row_cache_info().await;
        })
        .to_string(),
        "undelivered" => shared::health().undelivered.to_string(),
        "told" => format!("{:?}", shared::health()),
        "health" => format!("{:?}", shared::health().errors),
        _ => fleet::answer(command, number)
            .or_else(|| advised::answer(command, number))
            .or_else(|| old::answer(command, number))
            .unwrap_or_else(|| panic!("there is no command {command}")),
    }
}

fn main() {
    for line in stdin().lock().lines() {
        let line = line.expect("a line");
        let (command, number) = line.split_once(' ').unwrap_or((&line, "0"));
        println!("{}", answer(command, number.parse().expect("a number")));
        stdout().flush().expect("standard output");
    }
}
