//! Who cannot share a store's files is told so, and computes: another copy of the crate in one process, and processes of
//! another PID namespace.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown};
use std::process::Command;

use lru_memo_tests::without_hanging;

use crate::shared::Scratch;
use crate::shared::function_worker::Worker;

/// A user that nobody is.
const USER: u32 = 12_345;

/// How many instances of the store there are.
fn instances(scratch: &Scratch) -> usize {
    let base = scratch.path().join("store/v1");
    let entries = fs::read_dir(base).expect("the store").flatten();
    entries.filter(|entry| entry.path().is_dir()).count()
}

#[test]
fn a_second_copy_of_the_crate_in_a_process_is_told_so_and_computes() {
    let scratch = Scratch::new();
    let mut worker = Worker::start(&scratch.embedded_url());
    assert_eq!(worker.ask("double 1"), "2");
    for x in 0..100 {
        assert_eq!(worker.ask(&format!("plugin_triple {x}")), (3 * x).to_string());
        assert_eq!(worker.ask("double 1"), "2");
    }
    let told = worker.ask("plugin_health");
    assert!(told.contains("InUse") && told.contains("another copy of lru-memo in this process"), "{told}");
    assert_eq!(worker.ask("double_info"), "CacheInfo(hits=100, misses=1, maxsize=3, currsize=1)");
    assert_eq!(worker.ask("health"), "[]");
    // Whichever comes first has the store.
    let mut other = Worker::start(&scratch.embedded_url());
    for x in 0..100 {
        assert_eq!(other.ask(&format!("plugin_triple {x}")), (3 * x).to_string());
        assert_eq!(other.ask("double 1"), "2");
    }
    assert!(other.ask("plugin_health").contains("errors: []"), "{}", other.ask("plugin_health"));
    let told = other.ask("told");
    assert!(told.contains("another copy of lru-memo in this process"), "{told}");
    assert_eq!(instances(&scratch), 1);
}

#[test]
fn processes_of_another_pid_namespace_are_told_so_and_compute() {
    let may_unshare = Command::new("unshare").args(["--pid", "--fork", "--mount-proc", "true"]).output();
    if !may_unshare.is_ok_and(|output| output.status.success()) {
        eprintln!("NOT TESTED: PID namespaces, because this user may not make any");
        return;
    }
    let stage = || "two PID namespaces on one store".to_owned();
    without_hanging(stage, || {
        let scratch = Scratch::new();
        let url = scratch.embedded_url();
        let mut outside = Worker::start(&url);
        assert_eq!(outside.ask("double 1"), "2");
        let mut inside = [Worker::start_in_container(&url), Worker::start_in_container(&url)];
        for x in 0..100_u64 {
            for worker in &mut inside {
                assert_eq!(worker.ask(&format!("double {x}")), (2 * x).to_string());
            }
            assert_eq!(outside.ask("double 1"), "2");
        }
        for worker in &mut inside {
            let told = worker.ask("told");
            assert!(told.contains("InUse") && told.contains("another PID namespace"), "{told}");
            assert!(told.contains("rebuilt: 0"), "{told}");
        }
        assert_eq!(outside.ask("double_info"), "CacheInfo(hits=100, misses=1, maxsize=3, currsize=1)");
        assert_eq!((outside.ask("health").as_str(), instances(&scratch)), ("[]", 1));
        // When the last of the others has gone, as when a container is started again, it is theirs.
        drop(outside);
        let mut next = Worker::start_in_container(&url);
        assert_eq!(next.ask("double 1"), "2");
        assert_eq!(next.ask("double_info"), "CacheInfo(hits=101, misses=1, maxsize=3, currsize=1)");
        assert_eq!(next.ask("health"), "[]");
        assert!(Worker::start(&url).ask("told").contains("undelivered: 0"));
    });
}

#[test]
fn who_starts_a_program_with_privileges_of_its_own_does_not_choose_its_store() {
    let scratch = Scratch::new();
    let directory = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a directory");
    let program = directory.path().join("worker");
    fs::copy(env!("CARGO_BIN_EXE_function-worker"), &program).expect("a copy");
    if chown(&program, Some(USER), None).is_err() {
        return eprintln!("NOT TESTED: a program of another user, for want of privileges");
    }
    fs::set_permissions(&program, Permissions::from_mode(0o4755)).expect("it is ours");
    let mut worker = Worker::start_program(&program, &scratch.embedded_url());
    assert_eq!([worker.ask("double 4"), worker.ask("double 4")], ["8", "8"]);
    assert_eq!(worker.ask("double_info"), "CacheInfo(hits=1, misses=1, maxsize=3, currsize=1)");
    let told = worker.ask("told");
    assert!(told.contains("memory://") && told.contains("shared::configure"), "{told}");
    assert!(!scratch.path().join("store").exists());
}

#[test]
fn a_rootless_container_in_which_the_system_belongs_to_nobody_has_a_store() {
    let directory = tempfile::tempdir().expect("a directory");
    let (program, mine) = (directory.path().join("worker"), directory.path().join("mine"));
    fs::copy(env!("CARGO_BIN_EXE_function-worker"), &program).expect("a copy");
    fs::create_dir(&mine).expect("a directory");
    if chown(directory.path(), Some(USER), Some(USER)).is_err() {
        return eprintln!("NOT TESTED: a rootless container, for want of another user");
    }
    chown(&mine, Some(USER), Some(USER)).expect("as above");
    fs::set_permissions(&mine, Permissions::from_mode(0o700)).expect("it is ours");
    let url = format!("file://{}/store?timeout=60s", mine.display());
    let mut workers = [(); 2].map(|()| Worker::start_rootless(&program, USER, &url));
    assert_eq!(workers.each_mut().map(|worker| worker.ask("double 4")), ["8", "8"]);
    let told = workers[0].ask("told");
    assert_eq!(workers[0].ask("double_info"), "CacheInfo(hits=1, misses=1, maxsize=3, currsize=1)", "{told}");
}
