//! The embedded store when there is no room: its size is reached, the disk is full, files may not grow.

use std::env;
use std::fs::{self, File};
use std::ops::Range;
use std::path::Path;
use std::process::Command;
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use lru_memo::shared::{Embedded, Entry, Kind, Namespace, Options, Store, health};
use lru_memo_tests::assert_one_passed;

use crate::shared::{Scratch, peek, put, space};

/// A value whose length depends on its number: up to twice this, with some that are much longer.
fn value(number: u64, mean: usize) -> Vec<u8> {
    let random = (number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 33) as usize;
    let length = if random % 50 == 0 { mean * 8 } else { random % (2 * mean) };
    vec![number as u8; length]
}

#[test]
fn a_store_that_reaches_its_size_keeps_it_over_many_turnovers() {
    let scratch = Scratch::new();
    let store = scratch.store_of(4 << 20);
    let space = space("f", None);
    for number in 0..20_000_u64 {
        assert!(put(&store, &space, &number.to_le_bytes(), &value(number, 1000), 1));
        if number > 4000 && number % 500 == 0 {
            let kept = store.info(&space).expect("it works").currsize;
            assert!(kept > 1000, "{kept} entries of 1,140 bytes in 4 MiB, after {number}");
            for recent in number - 500..=number {
                let found = peek(&store, &space, &recent.to_le_bytes());
                assert!(found == Some(value(recent, 1000)), "{recent} of {number}");
            }
        }
    }
}

/// Runs a test again in a process with mounts of its own; there, `body` gets file systems in memory of several sizes.
fn on_disks(test: &str, mebibytes: &[usize], body: fn(&Path, usize)) {
    if env::var_os("OWN_MOUNTS").is_some() {
        let scratch = Scratch::new();
        for &size in mebibytes {
            let disk = scratch.path().join(format!("{size}"));
            fs::create_dir(&disk).expect("a directory");
            let options = format!("size={size}m,mode=0700");
            let mount =
                Command::new("mount").args(["-t", "tmpfs", "-o", &options, "tmpfs"]).arg(&disk).status();
            assert!(mount.is_ok_and(|status| status.success()), "a file system is mounted");
            body(&disk, size);
            let _ = Command::new("umount").arg("--lazy").arg(&disk).status();
        }
        return;
    }
    let may_mount = Command::new("unshare").args(["-m", "mount", "-t", "tmpfs", "tmpfs", "/mnt"]).output();
    if !may_mount.is_ok_and(|output| output.status.success()) {
        eprintln!("NOT TESTED: `{test}` on full file systems, because this user may not mount any");
        return;
    }
    let mut child = Command::new("unshare");
    child.arg("-m").arg(env::current_exe().expect("this program")).args([
        "--exact",
        &format!("full::{test}"),
        "--nocapture",
    ]);
    let output = child.env("OWN_MOUNTS", "1").output().expect("it starts");
    assert_one_passed(&output, test);
}

/// Has another process take all the room that there is.
fn fill(disk: &Path) {
    let script = "cat /dev/zero > \"$0\" 2>/dev/null; true";
    let filled = Command::new("sh").args(["-c", script]).arg(disk.join("others")).status();
    assert!(filled.is_ok_and(|status| status.success()));
}

fn free(disk: &Path) {
    fs::remove_file(disk.join("others")).expect("it is removed");
}

/// Stores these numbers; says how many could be. What is found is what was stored.
fn store_all(store: &Embedded, space: &Namespace, numbers: Range<u64>) -> usize {
    let stored = numbers.filter(|number| {
        let (key, value) = (number.to_le_bytes(), value(*number, 300));
        let entry =
            Entry { value: &value, weight: 1, computed_since: None, replace: true, age: Duration::ZERO };
        let stored = store.store(space, &key, entry);
        if let Err(error) = &stored {
            assert_eq!(error.kind(), Kind::Full, "{error}");
        }
        let found = peek(store, space, &key);
        assert!(found == stored.is_ok().then_some(value), "{number}");
        stored.is_ok()
    });
    stored.count()
}

#[test]
fn on_a_full_disk_the_cache_goes_on_within_what_it_has() {
    on_disks("on_a_full_disk_the_cache_goes_on_within_what_it_has", &[1, 2, 4, 8, 64], |disk, size| {
        let store = Embedded::open(disk.join("store"), Options::default()).expect("the store opens");
        let space = space("f", None);
        let kept = || store.info(&space).expect("it works").currsize;
        // What the store needs for itself leaves little of 1 MiB.
        let least = if size == 1 { 250 } else { 500 * size.min(8) };
        assert_eq!(store_all(&store, &space, 0..15_000), 15_000);
        let before = kept();
        assert!(before >= least, "{before} entries in {size} MiB");
        for round in 1..3_u64 {
            fill(disk);
            let first = round * 40_000;
            let stored = store_all(&store, &space, first..first + 3000);
            assert!(stored > 2900, "{stored} of 3000 stored on a full disk of {size} MiB");
            assert!(kept() >= before / 3, "{} of {before} left on a full disk of {size} MiB", kept());
            free(disk);
            store_all(&store, &space, first + 10_000..first + 20_000);
            assert!(kept() >= before * 3 / 4, "{} of {before} in {size} MiB again", kept());
        }
    });
}

#[test]
fn on_a_full_disk_what_is_removed_is_gone() {
    on_disks("on_a_full_disk_what_is_removed_is_gone", &[1, 2, 8], |disk, size| {
        let store = Embedded::open(disk.join("store"), Options::default()).expect("the store opens");
        let (one, other) = (space("one", None), space("other", None));
        store_all(&store, &other, 0..100);
        store_all(&store, &one, 0..2000);
        fill(disk);
        store_all(&store, &one, 2000..4000);
        for number in 2000..4000_u64 {
            let key = number.to_le_bytes();
            store.invalidate(&one, &key).expect("it is removed");
            assert_eq!(peek(&store, &one, &key), None, "{number} in {size} MiB");
        }
        let (key, long) = (1_u64.to_le_bytes(), vec![1; size << 20]);
        store_all(&store, &one, 1..2);
        let entry =
            Entry { value: &long, weight: 1, computed_since: None, replace: true, age: Duration::ZERO };
        assert_eq!(store.store(&one, &key, entry).map_err(|error| error.kind()), Err(Kind::Full));
        assert_eq!(peek(&store, &one, &key), None);
        store.clear(&other).expect("it is cleared");
        assert_eq!(peek(&store, &other, &key), None);
        assert_eq!(store.info(&other).expect("it works").currsize, 0);
    });
}

#[test]
fn on_a_full_disk_many_threads_read_and_nobody_is_killed() {
    on_disks("on_a_full_disk_many_threads_read_and_nobody_is_killed", &[1, 4], |disk, _| {
        let store = Embedded::open(disk.join("store"), Options::default()).expect("the store opens");
        let space = space("f", None);
        store_all(&store, &space, 0..100);
        fill(disk);
        let all = Barrier::new(300);
        thread::scope(|scope| {
            for number in 0..300 {
                let (store, space, all) = (&store, &space, &all);
                scope.spawn(move || {
                    let key = (number % 100_u64).to_le_bytes();
                    assert_eq!(peek(store, space, &key), Some(value(number % 100, 300)));
                    all.wait();
                });
            }
        });
        // What others left there, unfinished: a hole in the place of books.
        let left = disk.join("store/v1/0123456789abcdef");
        fs::create_dir(&left).expect("a directory");
        File::create(left.join("table")).and_then(|file| file.set_len(32 << 20)).expect("a hole");
        drop(store);
        fs::write(disk.join("store/v1/current"), "broken").expect("a page that is there");
        let opened = Embedded::open(disk.join("store"), Options::default());
        assert!(opened.is_ok() || opened.is_err_and(|error| error.kind() == Kind::Full));
    });
}

#[test]
fn a_limit_for_files_kills_nobody() {
    const TEST: &str = "full::a_limit_for_files_kills_nobody";
    let Some(kibibytes) = env::var_os("LIMIT_FOR_FILES").and_then(|text| text.to_str()?.parse::<u64>().ok())
    else {
        for limit in [1, 64, 1024, 20_000] {
            let script = format!("ulimit -f $((2 * {limit})); exec \"$0\" --exact {TEST} --nocapture");
            let mut child = Command::new("sh");
            child.args(["-c", &script]).arg(env::current_exe().expect("this program"));
            let output = child.env("LIMIT_FOR_FILES", limit.to_string()).output().expect("it starts");
            assert_one_passed(&output, limit);
        }
        return;
    };
    let scratch = Scratch::new();
    let mut options = Options::default();
    options.size = 64 << 20;
    match Embedded::open(scratch.path(), options) {
        Ok(store) => {
            assert!(kibibytes > 1024);
            assert_eq!(store_all(&store, &space("f", None), 0..60_000), 60_000);
        }
        Err(error) => assert_eq!((error.kind(), kibibytes <= 1024), (Kind::Full, true), "{error}"),
    }
}

#[test]
fn a_store_that_cannot_remove_answers_nobody_any_more() {
    const TEST: &str = "full::a_store_that_cannot_remove_answers_nobody_any_more";
    let Some(directory) = env::var_os("NO_WRITES_IN") else {
        let scratch = Scratch::new();
        let store = scratch.store();
        let space = space("f", None);
        store_all(&store, &space, 0..100);
        // Without the signal, a write beyond the limit fails, as on a disk that has failed.
        let mut child = Command::new("sh");
        child.args(["-c", "trap '' XFSZ; exec \"$0\" --exact \"$1\" --nocapture"]);
        child.arg(env::current_exe().expect("this program")).arg(TEST).env("NO_WRITES_IN", scratch.path());
        let output = child.output().expect("it starts");
        assert_one_passed(&output, TEST);
        // This process finds what the other could not remove neither.
        assert_eq!(peek(&store, &space, &1_u64.to_le_bytes()), None);
        assert_eq!(store_all(&store, &space, 0..10), 10);
        return;
    };
    let store = Embedded::open(directory, Options::default()).expect("the store opens");
    let space = space("f", None);
    assert!(peek(&store, &space, &1_u64.to_le_bytes()).is_some());
    let process = std::process::id().to_string();
    let limited = Command::new("prlimit").args(["--pid", &process, "--fsize=0"]).status();
    assert!(limited.is_ok_and(|status| status.success()), "`prlimit` is installed");
    let error = store.invalidate(&space, &1_u64.to_le_bytes()).expect_err("nothing can be written");
    assert!(error.to_string().contains("given up"), "{error}");
    for number in 0..100_u64 {
        let found = store.peek(&space, &number.to_le_bytes());
        assert!(!matches!(found, Ok(Some(_))), "{number} {found:?}");
    }
}

/// Asks the store, as calls do, until this holds.
fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(60);
    while !holds() {
        assert!(Instant::now() < end, "in vain: {what}");
        thread::sleep(Duration::from_millis(20));
    }
}

/// Removes something of a store in use. What is left may tell its users, when another process makes a new store.
fn is_noticed(what: &str, is_told: bool, remove: fn(&Path)) {
    let scratch = Scratch::new();
    let directory = scratch.path().join("store");
    let old = Embedded::open(&directory, Options::default()).expect("the store opens");
    let space = space("f", None);
    store_all(&old, &space, 0..10);
    remove(&directory);
    let rebuilt = health().rebuilt;
    // A process that begins later has the directory.
    let key = 77_u64.to_le_bytes();
    let mut worker = Command::new(env!("CARGO_BIN_EXE_shared-worker"));
    let output =
        worker.arg(scratch.path()).args(["calls", "1", "5", "5", "5"]).output().expect("the worker starts");
    assert!(output.status.success(), "{output:?}");
    until(what, || matches!(old.peek(&space, &1_u64.to_le_bytes()), Ok(None)));
    // What lay elsewhere already, nobody could tell this process.
    assert!(is_told || health().rebuilt > rebuilt, "{what} is counted");
    assert!(put(&old, &space, &key, b"new", 1));
    let mut options = Options::default();
    options.create = false;
    drop(old);
    let new = Embedded::open(&directory, options).expect("it is in its place again");
    assert_eq!(peek(&new, &space, &key).as_deref(), Some(&b"new"[..]), "{what}");
}

#[test]
fn a_directory_that_is_removed_under_a_running_worker_is_made_again() {
    is_noticed("the directory", false, |directory| fs::remove_dir_all(directory).expect("it is removed"));
    is_noticed("its files", false, |directory| {
        fs::remove_dir_all(directory.join("v1")).expect("they are removed")
    });
    is_noticed("renamed", false, |directory| {
        fs::rename(directory, directory.with_extension("old")).expect("it is renamed");
    });
    is_noticed("the name of the instance", true, |directory| {
        fs::remove_file(directory.join("v1/current")).expect("it is removed");
    });
    is_noticed("the data", true, |directory| {
        let name = fs::read_to_string(directory.join("v1/current")).expect("the name");
        fs::remove_file(directory.join("v1").join(name).join("data.mdb")).expect("it is removed");
    });
}
