//! What `workers` shows when it is started without a command.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};

use rustix::process::Signal;
use serde_json::Value;

use super::workers::{Directory, called, kill, uncalled};
use super::{WATCHDOG, built, printed_by, within};

/// The workers and their answers about their counters, in the lines from one that begins so to the next `=>`.
fn answers(printed: &str, start: &str) -> Vec<(u32, Value)> {
    let lines = printed.lines().skip_while(|line| !line.trim_start().starts_with(start));
    let rows = lines.take_while(|line| !line.starts_with("=>"));
    let answers = rows.filter_map(|row| {
        let (worker, answer) = row.trim().strip_prefix("GET /get_cache_info")?.trim().split_once("  ")?;
        Some((worker.parse().expect("a pid"), serde_json::from_str(answer).expect("the answer is JSON")))
    });
    answers.collect()
}

fn pids_of(answers: &[(u32, Value)]) -> BTreeSet<u32> {
    answers.iter().map(|(pid, _)| *pid).collect()
}

/// Whether the demonstration tells its story.
pub(super) fn tells_the_story(printed: &str) {
    let (called, uncalled) = (called(), uncalled());
    let one = answers(printed, "1. One worker process, one cache (scope = process)");
    assert_eq!((pids_of(&one).len(), one.len()), (1, 2), "{printed}");
    assert!(one.iter().all(|row| row.1 == called), "{printed}");

    let two = answers(printed, "2. Two worker processes, a cache in each (scope = process)");
    let pids = pids_of(&two);
    assert!(pids.len() == 2 && two.len() >= 4, "{printed}");
    let of_call: Vec<_> = pids.iter().filter(|pid| two.contains(&(**pid, called.clone()))).collect();
    let [knowing] = of_call[..] else { panic!("one of them knows: {printed}") };
    let expected = |pid| if pid == knowing { &called } else { &uncalled };
    assert!(two.iter().all(|(pid, answer)| answer == expected(pid)), "{printed}");
    let conclusion = format!("=> Worker {knowing} reports the call. Worker ");
    assert!(printed.contains(&conclusion), "{printed}");

    let both = answers(printed, "3. Two worker processes, one cache for both (scope = shared)");
    let workers = pids_of(&both);
    assert!(workers.len() == 2 && both.len() >= 4, "{printed}");
    assert!(both.iter().all(|row| row.1 == called), "{printed}");
    assert!(printed.contains("they share one cache"), "{printed}");

    let (_, killing) = printed.split_once("kill -9 ").expect("a worker is killed");
    let killed = killing.lines().next().and_then(|pid| pid.parse().ok()).expect("a pid");
    let replaced = answers(printed, "kill -9 ");
    assert!(replaced.iter().all(|row| row.1 == called), "{printed}");
    let after = pids_of(&replaced);
    assert_eq!((after.len(), after.intersection(&workers).count()), (2, 1), "{printed}");
    assert!(workers.contains(&killed) && !after.contains(&killed), "{printed}");
    assert!(printed.contains("the cache\n   outlives its workers."), "{printed}");
    assert!(printed.contains("\nTry next\n"), "{printed}");
}

#[test]
fn the_demonstration_tells_its_story_on_one_screen_of_80_columns() {
    let printed = printed_by("workers");
    tells_the_story(&printed);
    assert!(printed.lines().all(|line| line.chars().count() <= 80), "{printed}");
    assert!(printed.lines().count() <= 48, "{printed}");
}

#[test]
fn the_demonstration_leaves_no_files_and_no_workers_also_when_it_is_interrupted() {
    for is_interrupted in [false, true] {
        let directory = Directory::new();
        let mut demonstration = Command::new(built("workers"));
        demonstration.env("TMPDIR", directory.path()).stdin(Stdio::null());
        let mut child =
            demonstration.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
        let mut stdout = BufReader::new(child.stdout.take().expect("it is piped"));
        let mut stderr = child.stderr.take().expect("it is piped");
        let pid = child.id();
        let (status, log) = within(WATCHDOG, "the demonstration", move || {
            let mut lines = String::new();
            while is_interrupted && !lines.contains("scope = shared") {
                assert_ne!(stdout.read_line(&mut lines).expect("it prints text"), 0, "{lines}");
            }
            if is_interrupted {
                kill(pid, Signal::INT);
            }
            stdout.read_to_string(&mut lines).expect("it prints text");
            // The log ends when the last worker does.
            let mut log = String::new();
            stderr.read_to_string(&mut log).expect("the log is text");
            (child.wait().expect("it can be waited for"), log)
        });
        let expected = if is_interrupted { (Some(2), true) } else { (Some(0), false) };
        assert_eq!((status.code(), log.contains("interrupted")), expected, "{log}");
        let left: Vec<_> = fs::read_dir(directory.path()).expect("a directory").flatten().collect();
        assert!(left.is_empty(), "{left:?}");
    }
}
