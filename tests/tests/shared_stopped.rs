//! The embedded store when a process that uses it is stopped, by a debugger or in a frozen container: nobody waits for it
//! longer than the timeout, and nothing that was removed is seen again.

mod shared;

use std::fs::{self, File, OpenOptions};
use std::os::fd::AsRawFd;
use std::thread;
use std::time::{Duration, Instant};

use lru_memo_tests::without_hanging;
use shared::Scratch;
use shared::function_worker::Worker;

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
    let mut writer = Worker::start(url);
    writer.tell("write_on");
    let mut pause = 1;
    loop {
        thread::sleep(Duration::from_micros(pause));
        writer.stop(true);
        let mut other = Worker::start(url);
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
        let url = scratch.embedded_url();
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
            let expected = [value; 4].map(|value| value.to_string()).join(" ");
            soon("many calls", || {
                for _ in 0..100 {
                    assert_eq!(first.ask("rows 1"), expected);
                    assert_eq!(first.ask(&format!("double {value}")), (2 * value).to_string());
                }
            });
            assert_ne!(first.ask("undelivered"), "0");
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
        let url = scratch.embedded_url();
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
            let url = scratch.embedded_url();
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

#[test]
fn processes_that_are_stopped_at_any_moment_of_opening_or_calling_delay_nobody() {
    without_hanging(
        || "a call waits for a stopped process".to_owned(),
        || {
            let scratch = Scratch::new();
            let url = scratch.embedded_url();
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
        let mut worker = Worker::start(&format!("{}?{options}", scratch.embedded_url()));
        worker.ask("double 1");
        assert_eq!(worker.ask("health") == "[]", is_fine, "{options}: {}", worker.ask("told"));
    }
}
