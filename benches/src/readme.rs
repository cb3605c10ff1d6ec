//! The table of README.md, written by the run that it is of.

use crate::contenders::{Kind, L0, PROCESS, SCHNELLRU, THREAD};
use crate::report::{line, table};
use crate::results::{Figures, Measured, Results};
use crate::rows;

const PATH: &str = "README.md";
const BEGIN: &str = "<!-- begin: written by `cargo xtask bench pictures` -->\n";
const END: &str = "<!-- end -->\n";

/// Replaces the table by that of another run.
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
    let mut lines = vec![line([
        "ns per call, 1 / 2 threads",
        "floor",
        PROCESS,
        THREAD,
        "next exact LRU",
        "best other",
        "CPython",
    ])];
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

fn cells(one: &Measured, two: &Measured) -> Vec<String> {
    let cell = |found: Option<&Figures>, named: bool| {
        let Some(figures) = found else { return String::new() };
        let second =
            two.of(&figures.contender).map(|it| format!(" / {:.1}", it.ns_per_call)).unwrap_or_default();
        let name = if named { format!("{}: ", figures.contender) } else { String::new() };
        format!("{name}{:.1}{second}", figures.ns_per_call)
    };
    // They are sorted: the first is the fastest.
    let first = |kinds: &[Kind]| one.figures.iter().find(|it| kinds.contains(&it.kind));
    vec![
        one.row.clone(),
        cell(one.of(L0), false),
        cell(one.of(PROCESS), false),
        cell(one.of(THREAD), false),
        cell(first(&[Kind::Exact]), true),
        cell(first(&[Kind::Inexact, Kind::Unbounded]), true),
        cell(first(&[Kind::Python]), false),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_between_the_marks_is_replaced() {
        let readme = format!("before\n{BEGIN}old\n{END}after\n");
        assert_eq!(replaced(&readme, "new\n"), Some(format!("before\n{BEGIN}new\n{END}after\n")));
        assert_eq!(replaced("before\nafter\n", "new\n"), None);
    }

    #[test]
    fn a_cell_has_both_numbers_of_threads_and_the_name_of_a_peer() {
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
        let expected = ["hit", "2.0 / 2.5", "", "", "peer: 6.0 / 7.5", "", ""];
        assert_eq!(cells(&measured(1, 2.0), &measured(2, 2.5)), expected);
    }
}
