//! The embedded store in a container with a memory limit: a control group of its own. The kernel charges the pages of a
//! file system in memory to the group, also after the process has ended, and kills a process for whose pages there is
//! no room.

use std::env;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{self, Command, Output};

use lru_memo::{lru_cache, shared as stores};
use lru_memo_tests::assert_one_passed;
use lru_memo_tests::forks::in_fresh_processes;

use crate::shared::Scratch;

const LIMIT: u64 = 48 << 20;

/// A control group with the limit; it is removed in the end.
struct Group(PathBuf);

impl Group {
    /// None where this user may not make one, or the system has no controller of memory.
    fn new(test: &str) -> Option<Self> {
        let own = fs::read_to_string("/proc/self/cgroup").ok()?;
        let of = |line: &str| {
            let (controllers, group) = line.split_once(':')?.1.split_once(':')?;
            match controllers {
                "memory" => Some((format!("/sys/fs/cgroup/memory{group}"), "memory.limit_in_bytes")),
                "" => Some((format!("/sys/fs/cgroup{group}"), "memory.max")),
                _ => None,
            }
        };
        let made = |(above, limit): (String, &str)| {
            let group = Self(Path::new(&above).join(format!("lru-memo-{}-{test}", process::id())));
            fs::create_dir(&group.0).ok()?;
            fs::write(group.0.join(limit), LIMIT.to_string()).ok().map(|()| group)
        };
        own.lines().filter_map(of).find_map(made)
    }

    /// Runs a test of this program in it, with this store.
    fn run(&self, test: &str, url: &str) -> Output {
        let enter = "echo $$ > \"$0/cgroup.procs\" && exec \"$@\"";
        let mut child = Command::new("sh");
        child.args(["-c", enter]).arg(&self.0).arg(env::current_exe().expect("this program"));
        child.args(["--exact", &format!("limited::{test}"), "--nocapture"]);
        child.env("IN_GROUP", "1").env("LRU_MEMO_STORE", url).output().expect("it starts")
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        let _ = fs::remove_dir(&self.0);
    }
}

#[lru_cache(maxsize = None, scope = shared)]
fn block(number: u64) -> Vec<u8> {
    vec![number as u8; 1 << 20]
}

/// Stores twice as much as the limit.
fn fill() {
    for number in 0..(2 * LIMIT) >> 20 {
        assert_eq!(block(number).len(), 1 << 20);
    }
    assert_eq!(block(0)[0], 0);
    assert_eq!(stores::health().last_error, None);
}

/// The memory that the files of a store take.
fn taken(directory: &Path) -> u64 {
    let inside = fs::read_dir(directory).expect("a directory").flatten().map(|entry| {
        let about = entry.metadata().expect("it is there");
        if about.is_dir() { taken(&entry.path()) } else { 512 * about.blocks() }
    });
    inside.sum()
}

/// Runs a test in a control group again and again, which shares a store that `before` may have used.
fn again_and_again(test: &str, before: fn(&str)) {
    if env::var_os("IN_GROUP").is_some() {
        return fill();
    }
    let Some(group) = Group::new(test) else {
        eprintln!("NOT TESTED: `{test}`, because this user may not limit the memory of a process");
        return;
    };
    let scratch = Scratch::new();
    let url = scratch.plain_url();
    before(&url);
    for run in 1..=3 {
        let output = group.run(test, &url);
        assert_one_passed(&output, format_args!("run {run} of `{test}`"));
        let taken = taken(scratch.path());
        assert!(taken <= LIMIT / 3, "run {run}: {taken} bytes");
    }
}

#[test]
fn a_process_that_fills_its_store_is_not_killed_for_memory() {
    again_and_again("a_process_that_fills_its_store_is_not_killed_for_memory", |_| {});
}

#[test]
fn a_store_that_grew_without_a_limit_kills_nobody_who_has_one() {
    let grow = |url: &str| {
        stores::configure(url).expect("a store");
        (0..60).for_each(|number| assert_eq!(block(number).len(), 1 << 20));
    };
    let name = "a_store_that_grew_without_a_limit_kills_nobody_who_has_one";
    in_fresh_processes(1, &format!("limited::{name}"), "", || again_and_again(name, grow));
}
