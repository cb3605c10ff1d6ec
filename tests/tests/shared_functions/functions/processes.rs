//! Worker processes on one embedded store.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use lru_memo_tests::without_hanging;

use crate::shared::Scratch;
use crate::shared::function_worker::{
    Worker, a_tag_that_one_worker_invalidates_is_seen_by_all,
    a_worker_waits_for_another_one_no_longer_than_its_limit, workers_meet_with_the_same_prefix_only,
};

/// A worker on the store in a directory.
fn start(scratch: &Scratch) -> Worker {
    Worker::start(&scratch.embedded_url())
}

#[test]
fn workers_share_entries_and_counters() {
    let scratch = Scratch::new();
    let mut workers = [start(&scratch), start(&scratch)];
    assert_eq!(workers[0].ask("double 1"), "2");
    assert_eq!(workers[1].ask("double 1"), "2");
    assert_eq!(workers[1].ask("double 2"), "4");
    for worker in &mut workers {
        assert_eq!(worker.ask("double_info"), "CacheInfo(hits=1, misses=2, maxsize=3, currsize=2)");
    }
    // One is replaced.
    workers[0] = start(&scratch);
    assert_eq!(workers[0].ask("double_info"), "CacheInfo(hits=1, misses=2, maxsize=3, currsize=2)");
    for x in [1, 3, 4] {
        workers[0].ask(&format!("double {x}"));
    }
    assert_eq!(workers[1].ask("double 2"), "4", "it was the least recent, and is computed again");
    assert_eq!(workers[1].ask("double_info"), "CacheInfo(hits=2, misses=5, maxsize=3, currsize=3)");
    workers[0].ask("double_clear");
    assert_eq!(workers[1].ask("double_info"), "CacheInfo(hits=0, misses=0, maxsize=3, currsize=0)");
    assert_eq!(workers[1].ask("health"), "[]");
}

#[test]
fn a_function_that_was_changed_does_not_read_what_it_stored_before() {
    let scratch = Scratch::new();
    let mut worker = start(&scratch);
    assert_eq!(
        (worker.ask("first 1"), worker.ask("the_same_elsewhere 1")),
        ("10".to_owned(), "10".to_owned())
    );
    assert_eq!(worker.ask("infos"), "1/1 1/1 0/0 0/0 0/0");
    assert_eq!(worker.ask("with_another_body 1"), "11");
    assert_eq!(worker.ask("with_another_version 1"), "10");
    assert_eq!(worker.ask("with_another_type 1"), "10");
    assert_eq!(worker.ask("infos"), "1/1 1/1 0/1 0/1 0/1");
}

#[test]
fn eight_processes_with_eight_threads_on_one_key_make_one_run() {
    let scratch = Scratch::new();
    without_hanging(
        || "single flight of processes".to_owned(),
        move || {
            let mut workers: Vec<Worker> = (0..8).map(|_| start(&scratch)).collect();
            workers.iter_mut().for_each(|worker| worker.tell("slow 8"));
            let mut runs = 0;
            for worker in &mut workers {
                let (answer, ran) = worker.answer_and_runs();
                assert_eq!(answer, ["3"; 8].join(" "));
                runs += ran;
            }
            assert_eq!(runs, 1);
            assert_eq!(workers[0].ask("slow_info"), "CacheInfo(hits=63, misses=1, maxsize=128, currsize=1)");
        },
    );
}

#[test]
fn who_waits_takes_over_from_a_runner_that_was_killed() {
    let scratch = Scratch::new();
    without_hanging(
        || "a killed runner".to_owned(),
        move || {
            let mut runner = start(&scratch);
            runner.tell("slow_alone 1");
            assert_eq!(runner.line(), "runs 1");
            let mut waiter = start(&scratch);
            // Another key does not wait.
            waiter.tell("failing 1");
            assert_eq!(waiter.answer_and_runs(), ("1 failed".to_owned(), 1));
            waiter.tell("slow_alone 1");
            drop(runner);
            assert_eq!(waiter.line(), "runs 1");
        },
    );
}

#[test]
fn the_turn_of_a_process_that_fails_passes_to_another() {
    let scratch = Scratch::new();
    without_hanging(
        || "failing processes".to_owned(),
        move || {
            let mut workers: Vec<Worker> = (0..3).map(|_| start(&scratch)).collect();
            workers.iter_mut().for_each(|worker| worker.tell("failing 2"));
            let answers: Vec<_> = workers.iter_mut().map(Worker::answer_and_runs).collect();
            assert!(
                answers.iter().all(|answer| *answer == ("1 failed 1 failed".to_owned(), 2)),
                "{answers:?}"
            );
            assert_eq!(
                workers[0].ask("failing_info"),
                "CacheInfo(hits=0, misses=6, maxsize=128, currsize=0)"
            );
        },
    );
}

#[test]
fn without_a_store_that_works_the_functions_run() {
    let scratch = Scratch::new();
    fs::create_dir(scratch.path().join("store")).expect("a directory");
    let open_to_all = fs::Permissions::from_mode(0o777);
    fs::set_permissions(scratch.path().join("store"), open_to_all).expect("permissions");
    let mut worker = start(&scratch);
    assert_eq!((worker.ask("double 1"), worker.ask("double 1")), ("2".to_owned(), "2".to_owned()));
    assert_eq!(worker.ask("double_info"), "CacheInfo(hits=0, misses=0, maxsize=3, currsize=0)");
    worker.tell("slow 3");
    assert_eq!(worker.answer_and_runs(), ("3 3 3".to_owned(), 1), "this process has one run even so");
    assert!(worker.ask("health").contains("Directory"));
}

#[test]
fn two_deployments_in_one_directory_meet_only_if_they_have_the_same_prefix() {
    let scratch = Scratch::new();
    workers_meet_with_the_same_prefix_only(&scratch.embedded_url());
    let stores = fs::read_dir(scratch.path().join("store")).expect("a directory");
    let mut names: Vec<_> = stores.map(|entry| entry.expect("an entry").file_name()).collect();
    names.sort();
    assert_eq!(names, ["prefix-shop1", "prefix-shop2"]);
}

#[test]
fn a_worker_waits_no_longer_than_its_limit() {
    let scratch = Scratch::new();
    let url = scratch.embedded_url();
    without_hanging(
        || "a worker that waits".to_owned(),
        move || a_worker_waits_for_another_one_no_longer_than_its_limit(&url),
    );
    drop(scratch);
}

#[test]
fn a_tag_is_invalidated_for_all_workers() {
    let scratch = Scratch::new();
    a_tag_that_one_worker_invalidates_is_seen_by_all(&scratch.embedded_url());
}
