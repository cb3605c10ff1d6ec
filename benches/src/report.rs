//! The tables of a run, in Markdown.

use std::collections::BTreeSet;

use crate::results::{Bytes, Measured, Results, SingleCalls, Verdict};

pub(crate) fn print(results: &Results) {
    println!("{}", results.machine);
    if !results.rows.is_empty() {
        println!(
            "\nNanoseconds per call and CPU: medians of the rounds. In brackets: how many times what the"
        );
        println!("baseline took, the median of the ratios within one round.\n");
        print!("{}", table(&comparisons(&results.rows)));
    }
    if !results.memory.is_empty() {
        println!("\nBytes per entry beyond key and value, u64 -> u64:\n");
        print!("{}", table(&memory(&results.memory)));
    }
    if !results.single_calls.is_empty() {
        println!(
            "\nNanoseconds of single calls; reading the clock is part of them and is what `nothing` takes:\n"
        );
        print!("{}", table(&single_calls(&results.single_calls)));
    }
    println!("\nGoals:\n");
    print!("{}", table(&goals(&results.goals)));
    println!("\n{}", summary(&results.goals));
}

fn summary(goals: &[Verdict]) -> String {
    format!("{} of {} goals met", goals.iter().filter(|goal| goal.met).count(), goals.len())
}

/// Lines of cells; the first line is the head.
type Lines = Vec<Vec<String>>;

pub(crate) fn line<const N: usize>(cells: [&str; N]) -> Vec<String> {
    cells.map(str::to_owned).into()
}

/// Makes a line for each row and contender, with a column for each number of threads.
fn comparisons(rows: &[Measured]) -> Lines {
    let threads: BTreeSet<usize> = rows.iter().map(|row| row.threads).collect();
    let mut head = line(["row", "contender"]);
    head.extend(threads.iter().map(|threads| format!("{threads} thr.")));
    head.extend(line(["misses", "allocs"]));
    let mut lines = vec![head];
    for (index, row) in rows.iter().enumerate() {
        if rows[..index].iter().any(|other| other.row == row.row) {
            continue;
        }
        for figures in &row.figures {
            let cell = |threads: &usize| {
                let of_row = |it: &&Measured| it.row == row.row && it.threads == *threads;
                let found = rows.iter().find(of_row).and_then(|row| row.of(&figures.contender));
                found.map_or(String::new(), |it| format!("{:.1} ({:.2})", it.ns_per_call, it.ratio))
            };
            let mut cells = vec![row.row.clone(), figures.contender.clone()];
            cells.extend(threads.iter().map(cell));
            cells.push(percent(figures.misses));
            cells.push(figures.allocations.map_or(String::new(), |it| format!("{it:.2}")));
            lines.push(cells);
        }
    }
    lines
}

fn percent(part: f64) -> String {
    format!("{:.1} %", 100.0 * part)
}

fn memory(all: &[Bytes]) -> Lines {
    let mut lines = vec![line(["contender", "entries", "filled", "churned"])];
    lines.extend(all.iter().map(|it| {
        let (filled, churned) = (format!("{:.1}", it.filled), format!("{:.1}", it.churned));
        line([&it.contender, &it.entries.to_string(), &filled, &churned])
    }));
    lines
}

fn single_calls(all: &[SingleCalls]) -> Lines {
    let mut lines = vec![line(["work", "entries", "contender", "calls", "p50", "p99", "p99.99", "max"])];
    lines.extend(all.iter().map(|it| {
        let mut cells = vec![it.work.clone(), it.capacity.to_string(), it.contender.clone()];
        cells.push(it.calls.to_string());
        cells.extend([it.p50, it.p99, it.p9999, it.max].map(|ns| ns.to_string()));
        cells
    }));
    lines
}

fn goals(goals: &[Verdict]) -> Lines {
    let mut lines = vec![line(["", "row", "goal", "found"])];
    lines.extend(
        goals.iter().map(|it| line([if it.met { "met" } else { "MISSED" }, &it.row, &it.goal, &it.found])),
    );
    lines
}

/// Writes a table that is aligned as text: words to the left, numbers to the right.
pub(crate) fn table(lines: &Lines) -> String {
    let columns = lines[0].len();
    let width =
        |column: usize| lines.iter().map(|line: &Vec<String>| line[column].len()).max().unwrap_or_default();
    let is_number = |column: usize| {
        let mut cells =
            lines[1..].iter().map(|line| &line[column]).filter(|cell| !cell.is_empty()).peekable();
        cells.peek().is_some() && !cells.any(|cell: &String| cell.contains(|c: char| c.is_alphabetic()))
    };
    let layout: Vec<(usize, bool)> =
        (0..columns).map(|column| (width(column).max(3), is_number(column))).collect();
    let mut text = String::new();
    for (index, line) in lines.iter().enumerate() {
        for (cell, &(width, is_number)) in line.iter().zip(&layout) {
            text += &if is_number { format!("| {cell:>width$} ") } else { format!("| {cell:<width$} ") };
        }
        text += "|\n";
        if index == 0 {
            for &(width, is_number) in &layout {
                text += &format!("|{}{}", "-".repeat(width + 1), if is_number { ":" } else { "-" });
            }
            text += "|\n";
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contenders::Kind;
    use crate::results::Figures;

    #[test]
    fn a_table_is_aligned() {
        let lines = vec![line(["who", "ns"]), line(["a", "1.0"]), line(["bcde", "20.0"])];
        let expected = "| who  |   ns |\n|------|-----:|\n| a    |  1.0 |\n| bcde | 20.0 |\n";
        assert_eq!(table(&lines), expected);
    }

    #[test]
    fn numbers_of_threads_stand_side_by_side() {
        let row = |threads, ns_per_call| {
            let contender = "c".to_owned();
            let (ns, misses, ratio) = (vec![ns_per_call], 0.25, 1.5);
            let figures = vec![Figures {
                contender,
                kind: Kind::Exact,
                ns,
                ns_per_call,
                ratio,
                misses,
                allocations: None,
            }];
            Measured { row: "r".to_owned(), capacity: 1, threads, baseline: "b".to_owned(), figures }
        };
        let lines = comparisons(&[row(1, 2.0), row(4, 3.0)]);
        assert_eq!(lines[0], ["row", "contender", "1 thr.", "4 thr.", "misses", "allocs"]);
        assert_eq!(lines[1..], [line(["r", "c", "2.0 (1.50)", "3.0 (1.50)", "25.0 %", ""])]);
    }
}
