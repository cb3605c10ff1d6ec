//! What a memoised call costs, beside other crates in the same run: `cargo xtask bench [FILTER]`.
//!
//! A filter is part of a row's name, such as `hit` or `2 threads`; without one, all rows are measured.

mod contenders;
mod counters;
mod harness;
mod keys;
mod python;
mod report;
mod rows;

use std::process::ExitCode;

use harness::Measured;
use keys::Key;
use rows::Row;

#[global_allocator]
static ALLOCATOR: counters::CountingAllocator = counters::CountingAllocator;

fn main() -> ExitCode {
    let filter = std::env::args().skip(1).collect::<Vec<_>>().join(" ");
    // Asked first: afterwards the load is our own.
    let machine = report::machine();
    let mut measured = Vec::new();
    measure_matching(&filter, rows::of_numbers(), &mut measured);
    measure_matching(&filter, rows::of_text(), &mut measured);
    if measured.is_empty() {
        eprintln!("no row's name contains `{filter}`");
        return ExitCode::FAILURE;
    }
    report::print_table(&machine, &measured);
    if let Err(error) = report::write_json(&machine, &measured) {
        eprintln!("the raw figures could not be written: {error}");
        return ExitCode::FAILURE;
    }
    allocation_verdict(&measured)
}

fn measure_matching<K: Key>(filter: &str, rows: Vec<Row<K>>, measured: &mut Vec<Measured>) {
    for row in rows.iter().filter(|row| row.name.contains(filter)) {
        eprintln!("measuring: {}", row.name);
        measured.push(harness::measure(row));
    }
}

/// Fails when a hit of ours has allocated: unlike a time, that is the same on every machine.
fn allocation_verdict(measured: &[Measured]) -> ExitCode {
    let mut code = ExitCode::SUCCESS;
    for row in measured.iter().filter(|row| row.all_hits) {
        for figures in row.contenders.iter().filter(|figures| figures.name.starts_with("lru-memo")) {
            if figures.allocations > 0.0 || figures.misses > 0.0 {
                eprintln!(
                    "{}: {}: {} allocations and {} misses per call, there must be none",
                    row.name, figures.name, figures.allocations, figures.misses
                );
                code = ExitCode::FAILURE;
            }
        }
    }
    code
}
