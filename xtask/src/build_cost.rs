//! Build times: of the crate itself, relative to its third-party crates, and of each memoized function. Measured on
//! scratch projects in the target directory, several times in turns.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use crate::Failure;
use crate::command::{cargo, run};

const SCRATCH: &str = "target/build-cost";
const CRATES: [&str; 2] = ["lru-memo", "lru-memo-macros"];
const FUNCTIONS: usize = 50;
const COLD_ROUNDS: usize = 3;
const FUNCTION_ROUNDS: usize = 3;
/// The goal: the time of a cold build, relative to that of its third-party crates alone.
const MOST_OF_THIRD_PARTY: f64 = 1.2;
/// The goal: the milliseconds that a memoized function adds.
const MOST_PER_FUNCTION: f64 = 10.0;

/// The functions: arguments and bodies as programs have them.
const SIGNATURES: [(&str, &str); 5] = [
    ("(x: u64) -> u64", "x.wrapping_mul(3)"),
    ("(x: u32, name: &str) -> String", "format!(\"{name} {x}\")"),
    ("(bytes: &[u8]) -> Vec<u8>", "bytes.iter().rev().copied().collect()"),
    ("(name: Option<&str>) -> std::io::Result<String>", "Ok(name.unwrap_or_default().to_owned())"),
    ("(x: f64, negated: bool) -> f64", "if negated { -x } else { x }"),
];

/// The kinds of builds, with their names.
const BUILDS: [(&str, &str); 3] = [("check", "check"), ("debug", "build"), ("release", "build --release")];

pub(crate) fn report() -> Result<(), Failure> {
    if Path::new(SCRATCH).exists() {
        fs::remove_dir_all(SCRATCH).map_err(|error| format!("{SCRATCH}: {error}"))?;
    }
    let mut lines = Vec::new();
    for measure in [cold, per_function] {
        for (name, build) in BUILDS {
            let line = measure(name, build)?;
            // This takes minutes, so each result is printed at once, and all of them at the end.
            println!("{line}");
            lines.push(line);
        }
    }
    println!("\n{}", lines.join("\n"));
    Ok(())
}

/// Measures the workspace's two crates, against the same two crates without code.
fn cold(name: &str, build: &str) -> Result<String, Failure> {
    let projects = [("whole", false), ("third-party", true)];
    for (project, emptied) in projects {
        copy_workspace(&format!("{SCRATCH}/{project}"), emptied)?;
    }
    let [whole, third_party] = medians(COLD_ROUNDS, projects, |(project, _)| {
        let directory = format!("{SCRATCH}/{project}");
        // The directory does not exist in the first round.
        let _ = fs::remove_dir_all(format!("{directory}/target"));
        // The macros are built as a dependency, as in other workspaces.
        let mut command = in_project(build, &directory);
        command.args(["-p", "lru-memo"]);
        seconds(command)
    })?;
    let ratio = whole / third_party;
    let verdict = verdict(ratio, MOST_OF_THIRD_PARTY);
    Ok(format!(
        "{verdict:<6}  cold {name}: {whole:.2} s, third-party crates alone {third_party:.2} s: {ratio:.2} x, \
         at most {MOST_OF_THIRD_PARTY} x"
    ))
}

/// Measures memoized functions, against the same functions without the attribute. Their dependencies are built already.
fn per_function(name: &str, build: &str) -> Result<String, Failure> {
    let projects = [("memoised", "#[lru_memo::lru_cache]\n"), ("plain", "")];
    for (project, attribute) in projects {
        let directory = format!("{SCRATCH}/{project}");
        write(format!("{directory}/Cargo.toml"), &MANIFEST.replace("NAME", project))?;
        copy("Cargo.lock", &format!("{directory}/Cargo.lock"))?;
        write(format!("{directory}/src/lib.rs"), &functions(attribute))?;
        run(&mut in_project(build, &directory))?;
    }
    let [memoised, plain] = medians(FUNCTION_ROUNDS, projects, |(project, attribute)| {
        let directory = format!("{SCRATCH}/{project}");
        // Written again, so that it is newer than its build.
        write(format!("{directory}/src/lib.rs"), &functions(attribute))?;
        seconds(in_project(build, &directory))
    })?;
    let milliseconds = (memoised - plain) * 1e3 / FUNCTIONS as f64;
    let verdict = verdict(milliseconds, MOST_PER_FUNCTION);
    Ok(format!(
        "{verdict:<6}  {name} of {FUNCTIONS} functions: {memoised:.2} s memoised, {plain:.2} s plain: \
         {milliseconds:.1} ms each, at most {MOST_PER_FUNCTION} ms"
    ))
}

fn verdict(found: f64, most: f64) -> &'static str {
    if found <= most { "met" } else { "MISSED" }
}

const MANIFEST: &str = "\
[package]
name = \"NAME\"
version = \"0.0.0\"
edition = \"2024\"

[dependencies]
lru-memo = { path = \"../../../lru-memo\" }

[workspace]
";

fn functions(attribute: &str) -> String {
    let function = |(index, (arguments, body)): (usize, &(&str, &str))| {
        format!("{attribute}pub fn f{index}{arguments} {{\n    {body}\n}}\n")
    };
    SIGNATURES.iter().cycle().take(FUNCTIONS).enumerate().map(function).collect()
}

/// Copies the published crates and the workspace around them. With `emptied`, they have no code, so only their
/// dependencies are built.
fn copy_workspace(directory: &str, emptied: bool) -> Result<(), Failure> {
    let manifest = read("Cargo.toml")?;
    let line = |start: &str| {
        let found = manifest.lines().find(|line| line.starts_with(start));
        found.ok_or_else(|| format!("Cargo.toml has no line that begins with `{start}`"))
    };
    let fewer = manifest.replace(line("members = ")?, &format!("members = {CRATES:?}"));
    write(format!("{directory}/Cargo.toml"), &fewer.replace(line("default-members = ")?, ""))?;
    copy("Cargo.lock", &format!("{directory}/Cargo.lock"))?;
    for name in CRATES {
        for file in files_below(Path::new(name))? {
            let text = if emptied && file.starts_with(Path::new(name).join("src")) {
                "//! Nothing.\n".to_owned()
            } else {
                read(&file)?
            };
            write(Path::new(directory).join(&file), &text)?;
        }
    }
    copy("README.md", &format!("{directory}/README.md"))
}

fn files_below(directory: &Path) -> Result<Vec<PathBuf>, Failure> {
    let entries = fs::read_dir(directory).map_err(|error| format!("{}: {error}", directory.display()))?;
    let mut files = Vec::new();
    for entry in entries {
        let path = entry.map_err(|error| error.to_string())?.path();
        if path.is_dir() {
            files.extend(files_below(&path)?);
        } else {
            files.push(path);
        }
    }
    Ok(files)
}

fn in_project(build: &str, directory: &str) -> Command {
    let mut command = cargo(build);
    command.args(["--quiet", "--offline", "--manifest-path", &format!("{directory}/Cargo.toml")]);
    command.args(["--target-dir", &format!("{directory}/target")]);
    command
}

fn seconds(mut command: Command) -> Result<f64, Failure> {
    let start = Instant::now();
    run(&mut command)?;
    Ok(start.elapsed().as_secs_f64())
}

/// Returns the median time of each subject. The subjects take turns.
fn medians<S: Copy>(
    rounds: usize,
    subjects: [S; 2],
    seconds_of: impl Fn(S) -> Result<f64, Failure>,
) -> Result<[f64; 2], Failure> {
    let mut times = [Vec::new(), Vec::new()];
    for _ in 0..rounds {
        for (subject, times) in subjects.into_iter().zip(&mut times) {
            times.push(seconds_of(subject)?);
        }
    }
    Ok(times.map(median))
}

/// Returns the median of an odd number of values.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn read(path: impl AsRef<Path>) -> Result<String, Failure> {
    let path = path.as_ref();
    fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))
}

fn write(path: impl AsRef<Path>, text: &str) -> Result<(), Failure> {
    let path = path.as_ref();
    let directory = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(directory).map_err(|error| format!("{}: {error}", directory.display()))?;
    fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()))
}

fn copy(from: &str, to: &str) -> Result<(), Failure> {
    write(to, &read(from)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subjects_take_turns_and_the_median_of_each_counts() {
        let calls = std::cell::RefCell::new(Vec::new());
        let found = medians(3, ["a", "b"], |subject| {
            calls.borrow_mut().push(subject);
            Ok(calls.borrow().len() as f64)
        });
        assert_eq!(found, Ok([3.0, 4.0]));
        assert_eq!(calls.into_inner(), ["a", "b", "a", "b", "a", "b"]);
    }

    #[test]
    fn functions_differ_in_nothing_but_the_attribute() {
        let (plain, memoised) = (functions(""), functions("#[lru_cache]\n"));
        assert_eq!(plain.matches("pub fn ").count(), FUNCTIONS);
        assert_eq!(memoised.replace("#[lru_cache]\n", ""), plain);
    }
}
