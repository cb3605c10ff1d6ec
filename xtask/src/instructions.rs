//! Instructions per call, counted by callgrind. They show the cost of a change even on a busy machine.
//!
//! The counts in `benches/instructions.toml` are those of one compiler. Another compiler may give different counts.

use std::collections::BTreeMap;
use std::fs;

use crate::Failure;
use crate::command::{cargo, program, read, run, succeeds};

const RECORD: &str = "benches/instructions.toml";
const HEAD: &str = "\
# Instructions per call, the loop around the calls included; counted by callgrind on x86-64.
# `cargo xtask bench --check` compares, `cargo xtask bench --bless` writes this.
";
/// The relative difference from the record that is allowed.
const TOLERANCE: f64 = 0.05;
/// The numbers of calls in two runs. The difference between the runs is due to the additional calls.
const FEW: u64 = 20_000;
const MANY: u64 = 120_000;

/// Instructions per call, by the name of the case.
type Counts = BTreeMap<String, f64>;

pub(crate) fn check() -> Result<(), Failure> {
    let text = fs::read_to_string(RECORD).map_err(|error| format!("{RECORD}: {error}"))?;
    let recorded = parse(&text)?;
    let counted = count()?;
    println!("\ninstructions per call:");
    for (name, count) in &counted {
        let before = recorded.get(name).map_or("not on record".to_owned(), |before| format!("{before:.1}"));
        println!("  {name:<48} {count:>8.1}   before: {before}");
    }
    let moved = moved(&recorded, &counted);
    if moved.is_empty() {
        println!("none moved by more than {:.0} %", 100.0 * TOLERANCE);
        return Ok(());
    }
    Err(format!("{}; if that is meant: `cargo xtask bench --bless`", moved.join("; ")))
}

pub(crate) fn bless() -> Result<(), Failure> {
    let text = show(&count()?);
    print!("\n{text}");
    fs::write(RECORD, text).map_err(|error| format!("{RECORD}: {error}"))
}

fn count() -> Result<Counts, Failure> {
    if !succeeds(&mut program("valgrind", "--version")) {
        return Err("there is no valgrind; on Debian: `apt-get install valgrind`".to_owned());
    }
    run(&mut cargo("build --profile bench -p lru-memo-benches --bin instructions"))?;
    let binary = binary()?;
    let cases = read(&mut program(&binary, ""))?;
    cases.lines().map(|case| Ok((case.to_owned(), per_call(&binary, case)?))).collect()
}

fn binary() -> Result<String, Failure> {
    let metadata = read(&mut cargo("metadata --no-deps --offline --format-version 1"))?;
    let (_, rest) =
        metadata.split_once("\"target_directory\":\"").ok_or("cargo names no target directory")?;
    let (target, _) = rest.split_once('"').ok_or("cargo names no target directory")?;
    Ok(format!("{target}/release/instructions"))
}

fn per_call(binary: &str, case: &str) -> Result<f64, Failure> {
    let run = |calls: u64| -> Result<u64, Failure> {
        let out = format!("{binary}.callgrind");
        let mut command = program("valgrind", "--quiet --tool=callgrind");
        command.arg(format!("--callgrind-out-file={out}")).args([binary, case, &calls.to_string()]);
        read(&mut command)?;
        let text = fs::read_to_string(&out).map_err(|error| format!("{out}: {error}"))?;
        total(&text).ok_or_else(|| format!("{out} has no total"))
    };
    Ok((run(MANY)? - run(FEW)?) as f64 / (MANY - FEW) as f64)
}

/// Returns the number of all instructions in callgrind's output.
fn total(output: &str) -> Option<u64> {
    output.lines().find_map(|line| line.strip_prefix("totals: "))?.trim().parse().ok()
}

/// Lists the cases whose counts differ from the record.
fn moved(recorded: &Counts, counted: &Counts) -> Vec<String> {
    let names = recorded.keys().chain(counted.keys().filter(|name| !recorded.contains_key(*name)));
    let judge = |name: &String| match (recorded.get(name), counted.get(name)) {
        (Some(before), Some(now)) => {
            let change = now / before - 1.0;
            let moved = format!("`{name}` moved by {:+.1} %", 100.0 * change);
            (change.abs() > TOLERANCE).then_some(moved)
        }
        (None, _) => Some(format!("`{name}` is not on record")),
        (_, None) => Some(format!("`{name}` is on record, but there is no such case")),
    };
    names.filter_map(judge).collect()
}

fn parse(text: &str) -> Result<Counts, Failure> {
    let lines = text.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    let entry = |line: &str| {
        let (name, count) = line.strip_prefix('"')?.split_once("\" = ")?;
        Some((name.to_owned(), count.parse().ok()?))
    };
    lines.map(|line| entry(line).ok_or_else(|| format!("{RECORD}: not understood: {line}"))).collect()
}

fn show(counts: &Counts) -> String {
    counts.iter().fold(HEAD.to_owned(), |text, (name, count)| format!("{text}\"{name}\" = {count:.1}\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts<const N: usize>(counts: [(&str, f64); N]) -> Counts {
        counts.map(|(name, count)| (name.to_owned(), count)).into()
    }

    #[test]
    fn counts_are_read_as_they_are_written() {
        let written = counts([("hit, (&str, u32)", 93.5), ("miss", 412.0)]);
        assert_eq!(parse(&show(&written)), Ok(written));
        assert!(parse("miss = 3").is_err());
    }

    #[test]
    fn the_total_is_found_in_the_output_of_callgrind() {
        assert_eq!(total("events: Ir\nfn=(1) main\n3 17\ntotals: 25067\n"), Some(25067));
        assert_eq!(total("events: Ir\n"), None);
    }

    #[test]
    fn counts_may_differ_a_little() {
        let recorded = counts([("a", 100.0), ("b", 100.0), ("gone", 1.0)]);
        let counted = counts([("a", 104.9), ("b", 94.9), ("new", 1.0)]);
        let expected = [
            "`b` moved by -5.1 %",
            "`gone` is on record, but there is no such case",
            "`new` is not on record",
        ];
        assert_eq!(moved(&recorded, &counted), expected);
        assert!(moved(&recorded, &recorded).is_empty());
    }
}
