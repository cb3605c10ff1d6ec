//! The table for the reader, and the raw figures for programs.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::Command;

use crate::contenders::CAPACITY;
use crate::harness::{Figures, Measured};

/// Prints one table in Markdown below a line about the machine.
pub(crate) fn print_table(machine: &str, rows: &[Measured]) {
    println!("{machine}; room for {CAPACITY} entries\n");
    println!("| row | contender | ns per call | at best | ratio | misses | allocations per call |");
    println!("|---|---|--:|--:|--:|--:|--:|");
    for row in rows {
        for figures in &row.contenders {
            println!(
                "| {} | {} | {:.1} | {:.1} | {:.2} | {:.1} % | {} |",
                row.name,
                figures.name,
                figures.median_ns,
                figures.ns.iter().copied().fold(f64::INFINITY, f64::min),
                figures.ratio,
                100.0 * figures.misses,
                if figures.allocations.is_nan() {
                    "".to_owned()
                } else {
                    format!("{:.2}", figures.allocations)
                },
            );
        }
    }
    println!(
        "\nNanoseconds are medians of the rounds; a ratio is the median of the ratios to the baseline within one round:"
    );
    for row in rows {
        println!("- {}: {}", row.name, row.baseline);
    }
}

/// Writes all figures to `bench.json` in the target directory.
pub(crate) fn write_json(machine: &str, rows: &[Measured]) -> std::io::Result<()> {
    let path = std::env::current_exe()?
        .ancestors()
        .nth(2)
        .map_or_else(|| PathBuf::from("bench.json"), |target| target.join("bench.json"));
    std::fs::write(&path, json(machine, rows))?;
    eprintln!("raw figures: {}", path.display());
    Ok(())
}

fn json(machine: &str, rows: &[Measured]) -> String {
    let mut text = String::new();
    // Names are plain ASCII, which Rust and JSON quote alike.
    let mut write_all = || {
        writeln!(text, "{{\"machine\": {machine:?}, \"capacity\": {CAPACITY}, \"figures\": [")?;
        let figures = rows.iter().flat_map(|row| row.contenders.iter().map(move |figures| (row, figures)));
        for (index, (row, figures)) in figures.enumerate() {
            let comma = if index == 0 { "" } else { ",\n" };
            write!(text, "{comma}{}", json_of(row, figures))?;
        }
        writeln!(text, "\n]}}")
    };
    write_all().expect("a string takes everything");
    text
}

fn json_of(row: &Measured, figures: &Figures) -> String {
    let allocations =
        if figures.allocations.is_nan() { "null".to_owned() } else { figures.allocations.to_string() };
    format!(
        "{{\"row\": {:?}, \"threads\": {}, \"baseline\": {:?}, \"contender\": {:?}, \"median_ns\": {}, \"ratio\": {}, \
         \"misses\": {}, \"allocations\": {allocations}, \"ns\": {:?}}}",
        row.name,
        row.threads,
        row.baseline,
        figures.name,
        figures.median_ns,
        figures.ratio,
        figures.misses,
        figures.ns
    )
}

/// The processor, how many of it, what else keeps them busy, and the compiler.
pub(crate) fn machine() -> String {
    let cpuinfo = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpuinfo
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(':'))
        .map_or(std::env::consts::ARCH, |(_, model)| model.trim());
    let cpus = std::thread::available_parallelism().map_or(1, usize::from);
    let rustc =
        Command::new("rustc").arg("--version").output().map(|output| output.stdout).unwrap_or_default();
    let rustc = String::from_utf8_lossy(&rustc);
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').next().unwrap_or_default();
    format!("{model}, {cpus} CPUs, load average {load}, {}", rustc.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_written_as_json() {
        let figures = Figures {
            name: "c",
            ns: vec![1.0, 2.5],
            median_ns: 1.75,
            ratio: 1.0,
            allocations: f64::NAN,
            misses: 0.5,
        };
        let rows =
            [Measured { name: "r", threads: 2, baseline: "c", all_hits: false, contenders: vec![figures] }];
        assert_eq!(
            json("m", &rows),
            format!(
                "{{\"machine\": \"m\", \"capacity\": {CAPACITY}, \"figures\": [\n\
                 {{\"row\": \"r\", \"threads\": 2, \"baseline\": \"c\", \"contender\": \"c\", \
                 \"median_ns\": 1.75, \"ratio\": 1, \"misses\": 0.5, \"allocations\": null, \"ns\": [1.0, 2.5]}}\n]}}\n"
            )
        );
    }
}
