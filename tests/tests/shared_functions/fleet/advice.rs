//! `advise = true` with `scope = shared`: the advice is on the calls of all workers together.

use std::thread;
use std::time::Duration;

use super::{Place, in_every_place};
use crate::exact::{Exact, Numbers, generated, recorded};
use crate::shared::function_worker::Worker;

in_every_place! {
    every_worker_is_told_the_ratios_of_all_calls
    tasks_and_errors_are_counted
    an_old_value_that_could_not_be_renewed_is_a_hit_of_all_sizes
    the_ratios_of_a_long_sequence_are_those_of_all_workers_together
    the_advice_outlives_the_workers
}

/// Asks for the ratios of small sizes, until the store has the calls of all workers.
fn told(workers: &mut [Worker], command: &str, observed: u64) -> Vec<String> {
    let suffix = format!(" of {observed}");
    let ask = |worker: &mut Worker| loop {
        let answer = worker.ask(command);
        match answer.strip_suffix(&suffix) {
            Some(ratios) => break ratios.to_owned(),
            None => thread::sleep(Duration::from_millis(10)),
        }
    };
    workers.iter_mut().map(ask).collect()
}

fn ratios(exact: &Exact) -> String {
    let ratios: Vec<_> = (1..5).map(|size| format!("{:.3}", exact.hit_ratio(size))).collect();
    ratios.join(" ")
}

fn every_worker_is_told_the_ratios_of_all_calls(place: Place) {
    let mut workers = [Worker::start(&place.url), Worker::start(&place.url)];
    let (mut numbers, mut exact) = (Numbers(1), Exact::default());
    for call in 1..=90_u64 {
        let key = numbers.skewed(8);
        let worker = numbers.below(2) as usize;
        workers[worker].ask(&format!("advised {key}"));
        exact.call(key);
        if call == 50 {
            workers[0].ask("advised_clear");
            exact.clear();
        }
        if call % 30 == 0 {
            let right = ratios(&exact);
            assert_eq!(told(&mut workers, "advised_told", call), [right.clone(), right]);
        }
    }
    workers[0].ask("advised_resize 2");
    assert!(workers[1].ask("advised_table").contains("     2   "), "{}", workers[1].ask("advised_table"));
    assert_eq!((workers[0].ask("health"), workers[1].ask("health")), ("[]".to_owned(), "[]".to_owned()));
}

fn tasks_and_errors_are_counted(place: Place) {
    let mut workers = [Worker::start(&place.url), Worker::start(&place.url)];
    for (worker, key) in [(0, 1), (1, 1), (0, 13), (1, 13), (0, 2), (1, 1)] {
        workers[worker].ask(&format!("advised_task {key}"));
    }
    let right = || "0.167 0.333 0.333 0.333".to_owned();
    assert_eq!(told(&mut workers, "advised_task_told", 6), [right(), right()]);
}

fn an_old_value_that_could_not_be_renewed_is_a_hit_of_all_sizes(place: Place) {
    let mut workers = [Worker::start(&place.url), Worker::start(&place.url)];
    workers[0].ask("advised_old 1");
    for worker in &mut workers {
        worker.ask("later 11");
        worker.ask("advised_old_fails 1");
    }
    // The first one tries to renew the value, which is a miss; the others have to wait for the next try.
    for worker in [0, 1, 0] {
        assert_eq!(workers[worker].ask("advised_old 1"), "Ok(1)");
    }
    let right = || "0.500 0.500 0.500 0.500".to_owned();
    assert_eq!(told(&mut workers, "advised_old_told", 4), [right(), right()]);
    // A failed try uses the old value: another key leaves for the next one.
    workers[1].ask("advised_old_fails 0");
    workers[1].ask("advised_old 2");
    workers.iter_mut().for_each(|worker| _ = worker.ask("later 2"));
    assert_eq!(workers[0].ask("advised_old 1"), "Ok(1)");
    workers[1].ask("advised_old 3");
    assert_eq!(workers[0].ask("advised_old 1"), "Ok(1)");
    let right = || "0.250 0.375 0.375 0.375".to_owned();
    assert_eq!(told(&mut workers, "advised_old_told", 8), [right(), right()]);
}

fn the_advice_outlives_the_workers(place: Place) {
    let mut exact = Exact::default();
    for round in 1..=3 {
        let mut workers = [Worker::start(&place.url)];
        for key in [1, 2, 1, 3, 2] {
            workers[0].ask(&format!("advised {key}"));
            exact.call(key);
        }
        assert_eq!(told(&mut workers, "advised_told", 5 * round), [ratios(&exact)]);
    }
}

/// Two workers call by turns, and are told the ratios of the sequence.
fn play(url: &str, keys: &[u64], of: &str) {
    let mut workers = [Worker::start(url), Worker::start(url)];
    for (call, key) in keys.iter().enumerate() {
        // Each is given its call as soon as the other one has answered.
        assert_eq!(workers[call % 2].ask(&format!("advised {key}")), key.to_string());
    }
    let observed = keys.len().to_string();
    while workers[0].ask("advised_observed") != observed {
        thread::sleep(Duration::from_millis(10));
    }
    let exact = Exact::of(keys);
    for worker in &mut workers {
        let ratios = worker.ask("advised_ratios");
        for (size, told) in
            [64, 125, 250, 500, 1_000, 2_000, 4_000, 8_000, 16_000].into_iter().zip(ratios.split(' '))
        {
            let (right, told) = (exact.hit_ratio(size), told.parse::<f64>().expect("a number"));
            assert!((told - right).abs() < 0.02, "{of}: {told:.4} instead of {right:.4} for {size}");
        }
    }
    assert_eq!((workers[0].ask("health"), workers[1].ask("health")), ("[]".to_owned(), "[]".to_owned()));
}

fn the_ratios_of_a_long_sequence_are_those_of_all_workers_together(place: Place) {
    let (name, keys) = generated().swap_remove(3);
    // The model is the same on each kind of store, and a server takes longer for a call.
    let calls = if place.url.starts_with("file:") { keys.len() } else { 10_000 };
    play(&place.url, &keys[..calls], name);
}

#[test]
fn the_ratios_of_recorded_sequences_are_those_of_all_workers_together() {
    for (name, keys) in recorded() {
        play(&Place::embedded().url, &keys, &name);
    }
}

#[test]
fn a_store_of_one_process_advises_as_well() {
    let mut workers = [Worker::start("memory://")];
    [1, 2, 1, 1].into_iter().for_each(|key| _ = workers[0].ask(&format!("advised {key}")));
    assert_eq!(told(&mut workers, "advised_told", 4), ["0.250 0.500 0.500 0.500"]);
}

/// The function runs, and the advice says that it has seen nothing.
#[cfg(feature = "redis")]
#[test]
fn without_its_server_the_advice_says_that_it_has_seen_nothing() {
    let place = Place::redis();
    let mut worker = Worker::start(&place.url);
    worker.ask("advised 1");
    drop(place);
    for key in 0..20 {
        assert_eq!(worker.ask(&format!("advised {key}")), key.to_string());
    }
    let told = worker.ask("advised_told");
    assert_eq!(told, "0.000 0.000 0.000 0.000 of 0");
}
