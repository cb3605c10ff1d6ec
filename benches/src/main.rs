//! Measures memoized calls, beside other crates in the same run: `cargo xtask bench [FILTER]`.
//!
//! A filter is a part of a row's name, such as `hit`, `2 threads`, `memory` or `single calls`. Without a filter,
//! everything is measured. `pictures` writes the results of the last run into benches/README.md.

mod contenders;
mod counters;
mod goals;
mod harness;
mod keys;
mod memory;
mod pictures;
mod python;
mod readme;
mod report;
mod results;
mod rows;
mod single_calls;
mod stats;

use std::process::ExitCode;

use contenders::Kind;
use goals::row_and_threads;
use keys::Key;
use results::Results;
use rows::Row;

#[global_allocator]
static ALLOCATOR: counters::CountingAllocator = counters::CountingAllocator;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let done = match words.join(" ").as_str() {
        "pictures" => draw(),
        filter => measure(filter),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("{why}");
            ExitCode::FAILURE
        }
    }
}

fn draw() -> Result<(), String> {
    let results = Results::read()?;
    pictures::draw(&results)?;
    readme::update(&results)
}

fn measure(filter: &str) -> Result<(), String> {
    // Made first: later, the load of the machine includes this program.
    let mut results = Results::new();
    let mut allocated = Vec::new();
    if memory::NAME.contains(filter) {
        results.memory = memory::measure();
        results.goals.push(memory::judge(&results.memory));
    }
    measure_rows(filter, &rows::of_numbers(), &mut results, &mut allocated);
    measure_rows(filter, &rows::of_text(), &mut results, &mut allocated);
    measure_rows(filter, &rows::of_lines(), &mut results, &mut allocated);
    measure_rows(filter, &rows::of_growth(), &mut results, &mut allocated);
    if single_calls::CHURN.contains(filter) {
        results.single_calls.extend(single_calls::churn());
    }
    if single_calls::AFTER_HITS.contains(filter) {
        results.single_calls.extend(single_calls::first_misses());
    }
    if results.rows.is_empty() && results.memory.is_empty() && results.single_calls.is_empty() {
        return Err(format!("nothing has a name with `{filter}` in it"));
    }
    report::print(&results);
    results.write()?;
    if allocated.is_empty() { Ok(()) } else { Err(allocated.join("\n")) }
}

/// Measures the rows whose names contain the filter. Notes rows of hits in which this crate has allocated or missed.
fn measure_rows<K: Key>(filter: &str, rows: &[Row<K>], results: &mut Results, allocated: &mut Vec<String>) {
    for row in rows {
        for &threads in row.threads {
            let name = row_and_threads(&row.name, threads);
            if !name.contains(filter) {
                continue;
            }
            eprintln!("measuring: {name}");
            let measured = harness::measure(row, threads);
            results.goals.extend(goals::judge(row.goals, &measured));
            if row.all_hits {
                allocated.extend(hits_that_allocate(&measured));
            }
            results.rows.push(measured);
        }
    }
}

/// The allocations per call that are allowed in a row of hits: a rare operation may allocate once for thousands of
/// hits.
const ALLOCATIONS_OF_DRAINS: f64 = 0.001;

/// Unlike a time, this is the same on every machine.
fn hits_that_allocate(measured: &results::Measured) -> impl Iterator<Item = String> {
    let ours = measured.figures.iter().filter(|figures| figures.kind == Kind::Ours);
    let allocates = |allocations: Option<f64>| allocations.unwrap_or_default() > ALLOCATIONS_OF_DRAINS;
    let wrong = ours.filter(move |figures| allocates(figures.allocations) || figures.misses > 0.0);
    wrong.map(|figures| {
        format!(
            "{}: {}: {:?} allocations and {} misses per call, there must be none",
            measured.row, figures.contender, figures.allocations, figures.misses
        )
    })
}
