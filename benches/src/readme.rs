//! Writes the table of benches/README.md from a run.

use crate::contenders::{Kind, PROCESS, SCHNELLRU, THREAD, UNBOUNDED};
use crate::report::{line, table};
use crate::results::{Figures, Measured, Results};
use crate::rows;

const PATH: &str = "benches/README.md";
const BEGIN: &str = "<!-- begin: written by `cargo xtask bench pictures` -->\n";
const END: &str = "<!-- end -->\n";

const HEAD: [&str; 8] = [
    "1 / 2 threads",
    "baseline",
    PROCESS,
    UNBOUNDED,
    THREAD,
    "next exact LRU",
    "next other crate",
    "CPython",
];

/// Replaces the table by that of this run.
pub(crate) fn update(results: &Results) -> Result<(), String> {
    let readme = std::fs::read_to_string(PATH).map_err(|error| format!("{PATH}: {error}"))?;
    let updated = replaced(&readme, &section(results)?).ok_or_else(|| format!("{PATH} has no `{BEGIN}`"))?;
    std::fs::write(PATH, updated).map_err(|error| format!("{PATH}: {error}"))?;
    println!("{PATH}");
    Ok(())
}

fn replaced(readme: &str, section: &str) -> Option<String> {
    let (before, rest) = readme.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{BEGIN}{section}{END}{after}"))
}

fn section(results: &Results) -> Result<String, String> {
    let mut lines = vec![line(HEAD)];
    for row in rows::names() {
        lines.push(cells(results.measured(&row, 1)?, results.measured(&row, 2)?));
    }
    let memory = |contender: &str| {
        let found = results.memory.iter().find(|it| it.contender == contender);
        found.map_or("-".to_owned(), |it| format!("{:.0}", it.filled))
    };
    Ok(format!(
        "{}\nBytes per entry beyond key and value, with a million of them: {}; {SCHNELLRU} {}.\n\n{}.\n",
        table(&lines),
        memory(PROCESS),
        memory(SCHNELLRU),
        results.machine
    ))
}

/// Formats the baseline in nanoseconds, and the others as multiples of it.
fn cells(one: &Measured, two: &Measured) -> Vec<String> {
    let ratios = |figures: &Figures| {
        let second = two.of(&figures.contender).map_or(String::new(), |it| format!(" / {:.1}", it.ratio));
        format!("{:.1}{second} x", figures.ratio)
    };
    let ours = |contender| one.of(contender).map_or(String::new(), ratios);
    // The contenders are sorted, the fastest first.
    let first = |kinds: &[Kind]| one.figures.iter().find(|it| kinds.contains(&it.kind));
    let named = |figures: &Figures| format!("{}: {}", figures.contender, ratios(figures));
    let ns = |row: &Measured| row.of(&row.baseline).map_or(f64::NAN, |it| it.ns_per_call);
    vec![
        one.row.clone(),
        format!("{}: {:.1} / {:.1} ns", one.baseline, ns(one), ns(two)),
        ours(PROCESS),
        ours(UNBOUNDED),
        ours(THREAD),
        first(&[Kind::Exact]).map_or(String::new(), named),
        first(&[Kind::PerThread, Kind::Inexact, Kind::Unbounded]).map_or(String::new(), named),
        first(&[Kind::Python]).map_or(String::new(), ratios),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contenders::L0;

    #[test]
    fn only_what_is_between_the_marks_is_replaced() {
        let readme = format!("before\n{BEGIN}old\n{END}after\n");
        assert_eq!(replaced(&readme, "new\n"), Some(format!("before\n{BEGIN}new\n{END}after\n")));
        assert_eq!(replaced("before\nafter\n", "new\n"), None);
    }

    #[test]
    fn cells_are_multiples_of_the_baseline_for_both_numbers_of_threads() {
        let measured = |threads, ns_per_call| {
            let figures = |contender: &str, kind, factor| {
                let (contender, ns, ratio) = (contender.to_owned(), vec![], factor);
                Figures {
                    contender,
                    kind,
                    ns,
                    ns_per_call: ns_per_call * factor,
                    ratio,
                    misses: 0.0,
                    allocations: None,
                }
            };
            let figures = vec![figures(L0, Kind::Floor, 1.0), figures("peer", Kind::Exact, 3.0)];
            Measured { row: "hit".to_owned(), capacity: 1, threads, baseline: L0.to_owned(), figures }
        };
        let expected = ["hit", "L0: local map: 2.0 / 2.5 ns", "", "", "", "peer: 3.0 / 3.0 x", "", ""];
        assert_eq!(cells(&measured(1, 2.0), &measured(2, 2.5)), expected);
    }
}
