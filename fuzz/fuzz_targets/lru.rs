//! Arbitrary operations on memoized functions of many configurations, each step compared with a naive model.
//!
//! A step may have a hook of the user's (`Hash`, `Eq`, `Clone`, `Drop`) panic when it is reached for the n-th time.
//! Then the operation must have been done, or not, or only have been counted as a miss.

#![no_main]

#[path = "lru/program.rs"]
mod program;
#[path = "lru/subjects.rs"]
mod subjects;
#[path = "../../tests/tests/calls/user_code/trap.rs"]
#[allow(dead_code)]
mod trap;

use std::time::{Duration, Instant};

use libfuzzer_sys::fuzz_target;
use lru_memo_tests::model::{Given, Model, Operation};
use lru_memo_tests::subject::{self, Subject, numbers, seen};
use program::{KEYS, Program, Step};
use subjects::SUBJECTS;
use trap::{Hook, alive, arm, disarm, excuse_one_leak};

fuzz_target!(|program: Program| {
    let (subject, counts) = SUBJECTS[program.subject];
    let start = Instant::now();
    let compared = compare(subject, counts, &program.steps);
    (subject.clear)();
    match compared {
        // The model counts in seconds and knows only of those it was told.
        Err(difference) if start.elapsed() < Duration::from_secs(1) => {
            panic!("{difference}\nmaxsize and so on: {:?}", (subject.parameters)());
        }
        _ => {}
    }
});

/// Runs a program on a subject and on the model of it. `counts` says whether its keys and values are counted.
fn compare(subject: Subject, counts: bool, steps: &[Step]) -> Result<(), String> {
    subject.reset();
    let mut model = subject.model();
    for (number, Step { operation, trap }) in steps.iter().enumerate() {
        match trap {
            Some((hook, passes)) => trapped(subject, &mut model, operation, *hook, *passes),
            None => plain(subject, &mut model, operation),
        }
        .map_err(|difference| format!("step {number}, {operation:?}, {trap:?}: {difference}"))?;
        let entries = (subject.info)().currsize as isize;
        if counts && alive() != (entries, entries) {
            let alive = alive();
            return Err(format!(
                "step {number}, {operation:?}, {trap:?}: {entries} entries, alive: {alive:?}"
            ));
        }
    }
    agree(subject, &mut model)
}

/// A step that does exactly what the model does.
fn plain(subject: Subject, model: &mut Model, operation: &Operation) -> Result<(), String> {
    subject.apply(operation);
    model.apply(operation);
    let (seen, expected) = (seen(), std::mem::take(&mut model.trace));
    if seen == expected { Ok(()) } else { Err(format!("gave {seen:?} instead of {expected:?}")) }
}

/// A step in which a hook panics if it is reached.
fn trapped(
    subject: Subject,
    model: &mut Model,
    operation: &Operation,
    hook: Hook,
    passes: u32,
) -> Result<(), String> {
    arm(hook, passes, || subject::panic());
    subject.apply(operation);
    let (is_sprung, seen) = (disarm(), seen());
    let mut done = model.clone();
    done.apply(operation);
    let expected = std::mem::take(&mut done.trace);
    if !is_sprung {
        *model = done;
        return if seen == expected { Ok(()) } else { Err(format!("gave {seen:?} instead of {expected:?}")) };
    }
    if seen.iter().any(|(given, _)| *given != Given::Panic) {
        return Err(format!("the panic was swallowed: {seen:?}"));
    }
    if matches!(hook, Hook::DropKey | Hook::DropValue) {
        // When dropping an argument panics, Rust itself leaks what the function returns.
        excuse_one_leak((subject.info)().currsize as isize);
    }
    let mut counted = model.clone();
    counted.miss();
    let mut states = [model.clone(), counted, done].into_iter();
    let state = states.find_map(|mut state| agree(subject, &mut state).is_ok().then_some(state));
    *model = state.ok_or_else(|| format!("is half done: {}, before: {model:?}", (subject.info)()))?;
    model.numbers = numbers();
    Ok(())
}

/// Compares the counters, and what is stored under every key.
fn agree(subject: Subject, model: &mut Model) -> Result<(), String> {
    for key in 0..KEYS {
        let (found, expected) = ((subject.peek)(key), model.peek(key));
        if found != expected {
            return Err(format!("holds {found:?} for {key} instead of {expected:?}"));
        }
    }
    let (info, expected) = ((subject.info)(), model.info());
    if info == expected { Ok(()) } else { Err(format!("{info} instead of {expected}")) }
}
