//! The results of a run, as stored in `bench.json`.

use std::path::PathBuf;
use std::process::Command;

use serde::{Deserialize, Serialize};

use crate::contenders::Kind;

/// All results of one run.
#[derive(Serialize, Deserialize)]
pub(crate) struct Results {
    pub(crate) machine: Machine,
    pub(crate) rows: Vec<Measured>,
    pub(crate) memory: Vec<Bytes>,
    pub(crate) single_calls: Vec<SingleCalls>,
    pub(crate) goals: Vec<Verdict>,
}

/// The machine and the date.
#[derive(Serialize, Deserialize)]
pub(crate) struct Machine {
    pub(crate) processor: String,
    pub(crate) cpus: usize,
    pub(crate) load_before: String,
    pub(crate) rustc: String,
    pub(crate) date: String,
}

/// The results of a row, for one number of threads.
#[derive(Serialize, Deserialize)]
pub(crate) struct Measured {
    pub(crate) row: String,
    pub(crate) capacity: usize,
    pub(crate) threads: usize,
    pub(crate) baseline: String,
    pub(crate) figures: Vec<Figures>,
}

/// The results of one contender of a row.
#[derive(Serialize, Deserialize)]
pub(crate) struct Figures {
    pub(crate) contender: String,
    pub(crate) kind: Kind,
    /// Nanoseconds per call in each round, as CPU time of all CPUs that the threads could use.
    pub(crate) ns: Vec<f64>,
    /// The median of the ratios to the baseline in the same round.
    pub(crate) ratio: f64,
    /// That ratio times the baseline's median. Computed so, disturbances of the machine affect all contenders alike.
    pub(crate) ns_per_call: f64,
    /// Per call.
    pub(crate) misses: f64,
    /// Per call; not known of CPython.
    pub(crate) allocations: Option<f64>,
}

/// The memory of an entry beyond its key and value.
#[derive(Serialize, Deserialize)]
pub(crate) struct Bytes {
    pub(crate) contender: String,
    pub(crate) entries: usize,
    /// When the cache has just become full.
    pub(crate) filled: f64,
    /// After as many further stores, each of which evicts.
    pub(crate) churned: f64,
}

/// The times of single calls, in nanoseconds.
#[derive(Serialize, Deserialize)]
pub(crate) struct SingleCalls {
    pub(crate) work: String,
    pub(crate) capacity: usize,
    pub(crate) contender: String,
    pub(crate) calls: usize,
    pub(crate) p50: u32,
    pub(crate) p99: u32,
    pub(crate) p9999: u32,
    pub(crate) max: u32,
}

/// A goal, with the result.
#[derive(Serialize, Deserialize)]
pub(crate) struct Verdict {
    pub(crate) row: String,
    pub(crate) goal: String,
    pub(crate) found: String,
    pub(crate) met: bool,
}

impl Results {
    pub(crate) fn new() -> Self {
        let (rows, memory, single_calls, goals) = Default::default();
        Self { machine: Machine::this(), rows, memory, single_calls, goals }
    }

    /// Returns a row, which must have been measured.
    pub(crate) fn measured(&self, row: &str, threads: usize) -> Result<&Measured, String> {
        let found = self.rows.iter().find(|it| it.row == row && it.threads == threads);
        found.ok_or_else(|| missing(row))
    }

    pub(crate) fn read() -> Result<Self, String> {
        let path = path()?;
        let text = std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        serde_json::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))
    }

    pub(crate) fn write(&self) -> Result<(), String> {
        let path = path()?;
        let text = serde_json::to_string(self).map_err(|error| error.to_string())?;
        std::fs::write(&path, text).map_err(|error| format!("{}: {error}", path.display()))?;
        eprintln!("raw figures: {}", path.display());
        Ok(())
    }
}

impl Measured {
    pub(crate) fn of(&self, contender: &str) -> Option<&Figures> {
        self.figures.iter().find(|figures| figures.contender == contender)
    }
}

/// The advice if a row is missing in the run.
pub(crate) fn missing(row: &str) -> String {
    format!("the last run has not measured `{row}`: run `cargo xtask bench` without a filter first")
}

/// Returns the path of `bench.json` in the target directory.
fn path() -> Result<PathBuf, String> {
    let exe = std::env::current_exe().map_err(|error| error.to_string())?;
    let target = exe.ancestors().nth(2).ok_or("the target directory was not found")?;
    Ok(target.join("bench.json"))
}

impl Machine {
    fn this() -> Self {
        let cpuinfo = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let processor = cpuinfo
            .lines()
            .find_map(|line| line.strip_prefix("model name")?.split_once(':'))
            .map_or(std::env::consts::ARCH, |(_, model)| model.trim());
        let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
        let rustc = output_of("rustc", "--version");
        Self {
            processor: processor.to_owned(),
            cpus: cpus(),
            load_before: load.split(' ').next().unwrap_or_default().to_owned(),
            rustc: rustc.split(" (").next().unwrap_or_default().to_owned(),
            date: output_of("date", "+%F"),
        }
    }
}

impl std::fmt::Display for Machine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { processor, cpus, load_before, rustc, date } = self;
        write!(f, "{processor}, {cpus} CPUs, load average {load_before} before, {rustc}, {date}")
    }
}

pub(crate) fn cpus() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

fn output_of(program: &str, argument: &str) -> String {
    let output = Command::new(program).arg(argument).output().map(|output| output.stdout);
    String::from_utf8_lossy(&output.unwrap_or_default()).trim().to_owned()
}
