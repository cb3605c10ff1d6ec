//! The embedded store when a process that uses it is stopped, by a debugger or in a frozen container: nobody waits for it
//! longer than the timeout, and nothing that was removed is seen again.

use std::fs::{self, File, OpenOptions};
use std::os::fd::AsRawFd;
use std::thread;
use std::time::{Duration, Instant};

use lru_memo_tests::without_hanging;

use crate::shared::Scratch;
use crate::shared::function_worker::Worker;

/// What calls take at most that are not to wait: loaded machines are slow.
const SOON: Duration = Duration::from_secs(3);

/// Does something, which is not to wait for others.
fn soon<R: Send>(what: &str, act: impl FnOnce() -> R) -> R {
    let start = Instant::now();
    let result = act();
    assert!(start.elapsed() < SOON, "{what} takes {:?}", start.elapsed());
    result
}

/// A worker that is stopped while it writes, so that others cannot write.
fn stopped_writer(url: &str) -> Worker {
    let (mut writer, mut other) = (Worker::start(url), Worker::start(url));
    // Both have opened the store: who is stopped while it opens it keeps nobody from writing.
    for worker in [&mut writer, &mut other] {
        worker.ask("double 1");
    }
    writer.tell("write_on");
    let mut pause = 1;
    loop {
        thread::sleep(Duration::from_micros(pause));
        writer.stop(true);
        other.ask("double_clear");
        if other.ask("health").contains("Unavailable") {
            return writer;
        }
        writer.stop(false);
        pause = (pause * 7) % 10_007;
    }
}

#[test]
fn a_stopped_writer_delays_nobody_and_what_is_removed_meanwhile_is_not_seen_again() {
    let stage = || "a call waits for a stopped writer".to_owned();
    without_hanging(stage, || {
        let scratch = Scratch::new();
        let url = scratch.plain_url();
        let mut first = Worker::start(&url);
        first.ask("source 1");
        assert_eq!([first.ask("rows 1"), first.ask("rows 1")], ["1 1 1 1"; 2]);
        for (round, command) in
            ["remove_rows 1", "clear_rows", "put_rows 1", "refresh_rows 1"].into_iter().enumerate()
        {
            let writer = stopped_writer(&url);
            let value = round as u64 + 2;
            first.ask(&format!("source {value}"));
            soon(command, || first.ask(command));
            // What a task has given up is done by another thread.
            let end = Instant::now() + SOON;
            while first.ask("undelivered") != "4" {
                assert!(Instant::now() < end, "not all removals are remembered: {}", first.ask("told"));
            }
            let expected = [value; 4].map(|value| value.to_string()).join(" ");
            soon("many calls", || {
                for _ in 0..100 {
                    assert_eq!(first.ask("rows 1"), expected);
                    assert_eq!(first.ask(&format!("double {value}")), (2 * value).to_string());
                }
            });
            assert_eq!(first.ask("undelivered"), "4");
            assert!(first.ask("health").contains("Unavailable"), "it is counted");
            writer.stop(false);
            first.sees_nothing_but(value);
            drop(writer);
            // A process that would compute another value finds this one.
            let end = Instant::now() + Duration::from_secs(60);
            while first.ask("rows 1") == expected {
                let mut other = Worker::start(&url);
                other.ask("source 99");
                if other.ask("rows 1") == expected {
                    break;
                }
                assert!(Instant::now() < end, "nothing is stored: {}", first.ask("told"));
                other.ask("clear_rows");
            }
        }
    });
}

#[test]
fn a_stopped_writer_does_not_hold_the_executors_of_others() {
    let stage = || "a task waits for a stopped writer".to_owned();
    without_hanging(stage, || {
        let scratch = Scratch::new();
        let url = scratch.plain_url();
        let mut first = Worker::start(&url);
        first.ask("rows 1");
        let _writer = stopped_writer(&url);
        let longest: u128 = first.ask("polls 1").parse().expect("milliseconds");
        assert!(longest < 250, "a poll took {longest} ms: half of the timeout");
        // One that does not have the store open.
        let longest: u128 = Worker::start(&url).ask("polls 1").parse().expect("milliseconds");
        assert!(longest < 250, "a poll took {longest} ms: half of the timeout");
    });
}

/// Takes the lock that is held while a store is opened, until the file is closed.
fn as_if_opening(scratch: &Scratch) -> File {
    let gate = OpenOptions::new().write(true).open(scratch.path().join("store/v1/gate")).expect("the gate");
    // SAFETY: a `flock` consists of integers, for which zero is a value.
    let mut range: libc::flock = unsafe { std::mem::zeroed() };
    (range.l_type, range.l_len) = (libc::F_WRLCK as libc::c_short, 1);
    // SAFETY: `range` is a `flock`, as this command takes.
    assert_eq!(unsafe { libc::fcntl(gate.as_raw_fd(), libc::F_OFD_SETLK, &range) }, 0);
    gate
}

#[test]
fn a_process_that_is_stopped_while_it_opens_the_store_delays_nobody() {
    without_hanging(
        || "a process waits for one that opens the store".to_owned(),
        || {
            let scratch = Scratch::new();
            let url = scratch.plain_url();
            let mut first = Worker::start(&url);
            first.ask("source 1");
            first.ask("rows 1");
            let gate = as_if_opening(&scratch);
            let mut second = Worker::start(&url);
            second.ask("source 2");
            soon("a process that begins", || assert_eq!(second.ask("rows 1"), "2 2 2 2"));
            soon("tasks of a process that begins", || {
                let longest: u128 = Worker::start(&url).ask("polls 7").parse().expect("milliseconds");
                assert!(longest < 250, "a poll took {longest} ms: half of the timeout");
            });
            assert_eq!(first.ask("rows 1"), "1 1 1 1", "one that has it open goes on");
            assert!(second.ask("health").contains("Unavailable"), "it is counted");
            drop(gate);
            let end = Instant::now() + Duration::from_secs(60);
            while second.ask("rows 1") != "1 1 1 1" {
                assert!(Instant::now() < end, "it is never opened: {}", second.ask("told"));
                thread::sleep(Duration::from_millis(50));
            }
        },
    );
}

/// Does something while LMDB's table of readers is locked, as by a thread that is stopped as it gets its place there.
fn while_readers_are_locked(scratch: &Scratch, act: impl FnOnce()) {
    const LOCK_AT: usize = 1088;
    let base = scratch.path().join("store/v1");
    let instance = fs::read_to_string(base.join("current")).expect("the instance");
    let table = OpenOptions::new().read(true).write(true).open(base.join(instance).join("table"));
    let table = table.expect("the table");
    let protection = libc::PROT_READ | libc::PROT_WRITE;
    // SAFETY: a new mapping, at an address of the kernel's choice, takes no memory from anybody.
    let page =
        unsafe { libc::mmap(std::ptr::null_mut(), 4096, protection, libc::MAP_SHARED, table.as_raw_fd(), 0) };
    assert_ne!(page, libc::MAP_FAILED);
    // SAFETY: it is on the page.
    let lock: *mut libc::pthread_mutex_t = unsafe { page.byte_add(LOCK_AT) }.cast();
    // SAFETY: the store has made a lock there.
    assert_eq!(unsafe { libc::pthread_mutex_lock(lock) }, 0);
    act();
    // SAFETY: this thread has locked it, and nobody here uses the page any more.
    unsafe {
        libc::pthread_mutex_unlock(lock);
        libc::munmap(page, 4096);
    }
}

#[test]
fn a_thread_that_is_stopped_as_it_begins_to_read_delays_nobody() {
    let stage = || "a thread waits for one that begins to read".to_owned();
    without_hanging(stage, || {
        let scratch = Scratch::new();
        let url = scratch.plain_url();
        let mut first = Worker::start(&url);
        first.tell("slow 1");
        assert_eq!(first.answer_and_runs(), ("3".to_owned(), 1));
        while_readers_are_locked(&scratch, || {
            for _ in 0..3 {
                first.tell("slow 4");
                let hits = soon("new threads", || first.answer_and_runs());
                assert_eq!(hits, ("3 3 3 3".to_owned(), 0), "they read as writers");
            }
            let mut second = Worker::start(&url);
            soon("a process that begins", || assert_eq!(second.ask("double 1"), "2"));
            assert!(second.ask("health").contains("Unavailable"), "it is counted");
        });
        first.tell("slow 4");
        assert_eq!(first.answer_and_runs(), ("3 3 3 3".to_owned(), 0));
        assert_eq!(first.ask("slow_info"), "CacheInfo(hits=16, misses=1, maxsize=128, currsize=1)");
    });
}

#[test]
fn processes_that_are_stopped_at_any_moment_of_opening_or_calling_delay_nobody() {
    without_hanging(
        || "a call waits for a stopped process".to_owned(),
        || {
            let scratch = Scratch::new();
            let url = scratch.plain_url();
            let mut first = Worker::start(&url);
            first.ask("source 1");
            for round in 0..40_u64 {
                if round % 8 == 0 {
                    // It is made anew.
                    let _ = fs::write(scratch.path().join("store/v1/current"), "broken");
                }
                let mut other = Worker::start(&url);
                for command in ["source 1", "rows 1", "put_rows 1", "slow_alone 0", "double 1"] {
                    other.tell(command);
                }
                thread::sleep(Duration::from_micros(round * 311 % 9000));
                other.stop(true);
                soon("a call", || assert_eq!(first.ask("rows 1"), "1 1 1 1"));
                soon("a write", || first.ask("put_rows 1"));
            }
            assert_eq!(first.ask("rows 1"), "1 1 1 1");
        },
    );
}

#[test]
fn the_timeout_is_an_option_of_the_url() {
    for (options, is_fine) in
        [("timeout=2s", true), ("timeout=0ms", false), ("timeout=2", false), ("timeout=9d", false)]
    {
        let scratch = Scratch::new();
        let mut worker = Worker::start(&format!("{}?{options}", scratch.plain_url()));
        worker.ask("double 1");
        assert_eq!(worker.ask("health") == "[]", is_fine, "{options}: {}", worker.ask("told"));
    }
}

#[test]
fn a_run_whose_process_is_stopped_is_taken_over_by_one_who_waits() {
    let stage = || "a caller waits for a stopped run".to_owned();
    without_hanging(stage, || {
        let scratch = Scratch::new();
        let url = scratch.plain_url();
        let [mut stopped, mut first, mut second] = [(); 3].map(|()| Worker::start(&url));
        for worker in [&mut first, &mut second] {
            worker.ask("double 1");
        }
        stopped.tell("slow 1");
        assert_eq!(stopped.line(), "runs 1");
        stopped.stop(true);
        let start = Instant::now();
        first.tell("slow 2");
        second.tell("slow 2");
        let (one, other) = (first.answer_and_runs(), second.answer_and_runs());
        assert!(start.elapsed() < 4 * SOON, "it is waited {:?} for a stopped run", start.elapsed());
        assert_eq!((one.0.as_str(), other.0.as_str()), ("3 3", "3 3"));
        assert_eq!(one.1 + other.1, 1, "one of those who waited runs");
        assert_eq!([first.ask("health"), second.ask("health")], ["[]"; 2]);
        stopped.stop(false);
        assert_eq!(stopped.answer_and_runs(), ("3".to_owned(), 0));
        let info = "CacheInfo(hits=3, misses=2, maxsize=128, currsize=1)";
        assert_eq!([stopped.ask("slow_info"), first.ask("slow_info")], [info; 2]);

        // What is not stored is run by each caller, and waited for once.
        stopped.tell("failing_again");
        assert_eq!(stopped.line(), "runs 2");
        stopped.stop(true);
        first.tell("failing_again");
        assert_eq!(first.answer_and_runs().1, 1);
        soon("many calls", || {
            for _ in 0..10 {
                second.tell("failing_again");
                assert_eq!(second.answer_and_runs().1, 1);
            }
        });
    });
}

#[test]
fn a_run_that_takes_long_is_waited_for() {
    let scratch = Scratch::new();
    let url = format!("{}?timeout=4s", scratch.plain_url());
    let [mut first, mut second] = [(); 2].map(|()| Worker::start(&url));
    second.ask("double 1");
    // A stopped run would be waited for five seconds.
    first.tell("slow_for 7000");
    assert_eq!(first.line(), "runs 2");
    second.tell("slow_for 7000");
    assert_eq!(second.answer_and_runs(), ("6".to_owned(), 0));
    assert_eq!(first.answer_and_runs(), ("6".to_owned(), 0));
}

#[test]
fn who_may_not_open_files_any_more_still_gets_its_turn() {
    let scratch = Scratch::new();
    let mut worker = Worker::start(&scratch.plain_url());
    worker.ask("double 1");
    if worker.ask("become_user 65534") != "0" {
        eprintln!("NOT TESTED: a process that gives its privileges up, because it has none");
        return;
    }
    worker.tell("slow 4");
    assert_eq!(worker.answer_and_runs(), ("3 3 3 3".to_owned(), 1));
    worker.tell("failing_again");
    assert_eq!(worker.answer_and_runs().1, 1);
    assert_eq!(worker.ask("health"), "[]");
    let mut other = Worker::start(&scratch.plain_url());
    assert_eq!(other.ask("slow_info"), "CacheInfo(hits=3, misses=1, maxsize=128, currsize=1)");
}

#[test]
fn a_stopped_reader_does_not_keep_the_store_full() {
    let stage = || "the store stays full".to_owned();
    without_hanging(stage, || {
        let scratch = Scratch::new();
        let url = format!("{}?size=2MiB", scratch.plain_url());
        let mut writer = Worker::start(&url);
        writer.ask("source 1");
        let mut pause = 1;
        let reader = loop {
            let mut reader = Worker::start(&url);
            reader.tell("read_on");
            assert_eq!(reader.line(), "reads");
            thread::sleep(Duration::from_micros(pause));
            reader.stop(true);
            writer.ask("store 100");
            // Stopped in the middle of a lookup, it keeps what LMDB would use again.
            if writer.ask("health").contains("Full") {
                break reader;
            }
            pause = (pause * 7) % 10_007;
        };
        let end = Instant::now() + Duration::from_secs(20);
        while writer.ask("store 3") != "3" {
            assert!(Instant::now() < end, "it stays full: {}", writer.ask("told"));
        }
        assert!(writer.ask("told").contains("rebuilt: 1"), "it is counted: {}", writer.ask("told"));
        assert_eq!(writer.ask("store 100"), "100");
        reader.stop(false);
        assert_eq!(writer.ask("store 100"), "100");
        assert!(writer.ask("told").contains("rebuilt: 1"), "{}", writer.ask("told"));
    });
}
