//! Runs steps one after the other, and reports the progress.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use crate::Failure;

/// One check.
pub(crate) struct Step {
    /// The name in `cargo xtask NAME`.
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    pub(crate) run: fn() -> Result<(), Failure>,
}

/// Runs all steps up to the first that fails. At the end it prints the time that each step took, and which steps did
/// not run. The file `record` holds the times from one run to the next.
///
/// # Errors
/// The failure of a step, with the command that repeats this step alone.
pub(crate) fn run(steps: &[Step], record: &Path) -> Result<(), Failure> {
    let mut times = Times::read(record);
    let mut passed: Vec<(&Step, Duration)> = Vec::new();
    let mut failure = None;
    let begun = Instant::now();
    for (number, step) in steps.iter().enumerate() {
        let last = times.of(step.name).map_or(String::new(), |time| format!(" (last time {time} s)"));
        println!("\n=== step {} of {}, {}: {}{last}", number + 1, steps.len(), step.name, step.about);
        // Flushed, so that in a pipe it comes before the output of the step's programs.
        let _ = io::stdout().flush();
        let start = Instant::now();
        if let Err(why) = (step.run)() {
            failure = Some((step, why));
            break;
        }
        times.note(step.name, start.elapsed());
        passed.push((step, start.elapsed()));
    }
    times.write(record);
    println!("\n=== summary");
    for (step, time) in &passed {
        println!("passed   {:<10} {:>7.1} s", step.name, time.as_secs_f64());
    }
    println!("{:<19} {:>7.1} s", "in all", begun.elapsed().as_secs_f64());
    let Some((step, why)) = failure else { return Ok(()) };
    println!("FAILED   {}", step.name);
    for step in &steps[passed.len() + 1..] {
        println!("not run  {}", step.name);
    }
    let name = step.name;
    Err(format!("step `{name}` failed: {why}\nto run this step again: cargo xtask {name}"))
}

/// The seconds that each step took when it last passed, by its name.
#[derive(Debug, Default, PartialEq, Eq)]
struct Times(BTreeMap<String, u64>);

impl Times {
    /// Reads the record. Lines that cannot be read are ignored.
    fn read(path: &Path) -> Self {
        Self::parse(&fs::read_to_string(path).unwrap_or_default())
    }

    fn parse(text: &str) -> Self {
        let entry = |line: &str| {
            let (name, seconds) = line.split_once(' ')?;
            Some((name.to_owned(), seconds.parse().ok()?))
        };
        Self(text.lines().filter_map(entry).collect())
    }

    fn of(&self, step: &str) -> Option<u64> {
        self.0.get(step).copied()
    }

    fn note(&mut self, step: &str, time: Duration) {
        self.0.insert(step.to_owned(), time.as_secs());
    }

    /// Writes the record. A failure only costs the times in the next run's output.
    fn write(&self, path: &Path) {
        let _ = fs::write(path, self.show());
    }

    fn show(&self) -> String {
        self.0.iter().map(|(name, seconds)| format!("{name} {seconds}\n")).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_they_are_written_and_nonsense_is_passed_over() {
        let mut times = Times::default();
        times.note("lint", Duration::from_millis(12_300));
        times.note("docs", Duration::from_secs(4));
        let text = times.show();
        assert_eq!(Times::parse(&text), times);
        assert_eq!(Times::parse(&format!("nonsense\nlint soon\n{text}")), times);
        assert_eq!((times.of("lint"), times.of("fmt")), (Some(12), None));
    }

    #[test]
    fn steps_run_in_order_up_to_the_first_that_fails_and_leave_their_times() {
        let works = |name| Step { name, about: "", run: || Ok(()) };
        let fails = |name| Step { name, about: "", run: || Err("no".to_owned()) };
        let record = std::env::temp_dir().join(format!("xtask-times-{}", std::process::id()));
        let outcomes =
            [run(&[works("one"), works("two")], &record), run(&[fails("two"), fails("three")], &record)];
        let times = Times::read(&record);
        fs::remove_file(&record).unwrap();
        let failure = "step `two` failed: no\nto run this step again: cargo xtask two";
        assert_eq!(outcomes, [Ok(()), Err(failure.to_owned())]);
        assert_eq!((times.of("one"), times.of("two"), times.of("three")), (Some(0), Some(0), None));
    }
}
