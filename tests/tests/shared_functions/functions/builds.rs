//! What outlives a build of a program, and what lives as long as the build. Another build is the same program with
//! another build id here; so all its functions are as they were, and nothing but that tells them apart.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use crate::shared::Scratch;
use crate::shared::function_worker::Worker;

/// A worker program whose build id was changed, or taken away.
fn another_build(scratch: &Scratch, has_id: bool) -> PathBuf {
    let mut program = fs::read(env!("CARGO_BIN_EXE_function-worker")).expect("the worker's program");
    // A name of 4 bytes, an id of 20, in a note of type 3.
    let head = [4_u32, 20, 3].map(u32::to_ne_bytes).concat();
    let head = [&head[..], b"GNU\0"].concat();
    let at = program.windows(head.len()).position(|bytes| bytes == head).expect("a build id");
    let changed = if has_id { at + head.len() } else { at + 8 };
    program[changed] ^= 0x80;
    let path = scratch.path().join(if has_id { "another-build" } else { "without-build-id" });
    fs::write(&path, program).expect("room for a program");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).expect("it is ours");
    path
}

const ORDINARY: [&str; 3] = ["double 1", "first 1", "methods 1"];
const OTHERS: [&str; 4] = ["applied_to_one_more 5", "applied_to_twice 5", "three_times 5", "four_times 5"];

#[test]
fn workers_that_see_one_closure_each_or_one_function_of_a_name_each_get_its_own_values() {
    let scratch = Scratch::new();
    for _ in 0..2 {
        let answers = OTHERS.map(|command| Worker::start(&scratch.embedded_url()).ask(command));
        assert_eq!(answers, ["6", "10", "15", "20"]);
    }
    let mut last = Worker::start(&scratch.embedded_url());
    let _ = OTHERS.map(|command| last.ask(command));
    assert_eq!(last.ask("applied_and_times"), "2/1 2/1 2/1 2/1");
    assert_eq!(last.ask("health"), "[]");
}

#[test]
fn entries_of_functions_of_modules_outlive_a_build_and_those_of_closures_and_of_bodies_do_not() {
    let scratch = Scratch::new();
    let mut old = Worker::start(&scratch.embedded_url());
    for command in ORDINARY.into_iter().chain(OTHERS) {
        old.ask(command);
    }
    let mut new = Worker::start_program(&another_build(&scratch, true), &scratch.embedded_url());
    assert_eq!(ORDINARY.map(|command| new.ask(command)), ["2", "10", "1 2 3 1"]);
    assert_eq!(new.ask("double_info"), "CacheInfo(hits=1, misses=1, maxsize=3, currsize=1)");
    assert_eq!(OTHERS.map(|command| new.ask(command)), ["6", "10", "15", "20"]);
    assert_eq!(OTHERS.map(|command| new.ask(command)), ["6", "10", "15", "20"]);
    assert_eq!(new.ask("applied_and_times"), "1/1 1/1 1/1 1/1 1/1 1/1 1/1 1/1 1/1");
    assert_eq!(new.ask("health"), "[]");
}

#[test]
fn without_a_build_id_closures_and_functions_of_bodies_are_not_cached_and_health_says_so() {
    let scratch = Scratch::new();
    let mut worker = Worker::start_program(&another_build(&scratch, false), &scratch.embedded_url());
    for _ in 0..2 {
        assert_eq!(ORDINARY.map(|command| worker.ask(command)), ["2", "10", "1 2 3 1"]);
        assert_eq!(OTHERS.map(|command| worker.ask(command)), ["6", "10", "15", "20"]);
    }
    assert_eq!(worker.ask("applied_and_times"), "1/1 1/1 1/1 1/1 1/1 0/0 0/0 0/0 0/0");
    assert_eq!(worker.ask("health"), "[(Identity, 4)]");
}
