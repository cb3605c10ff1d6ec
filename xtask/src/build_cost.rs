//! Build times: of the crate itself, relative to its third-party crates, and of memoized functions, beside two other crates
//! that memoize with an attribute. Measured on scratch projects in the target directory, several times in turns.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use crate::Failure;
use crate::command::{cargo, run};

const SCRATCH: &str = "target/build-cost";
const CRATES: [&str; 2] = ["lru-memo", "lru-memo-macros"];
const FUNCTIONS: usize = 50;
const ROUNDS: usize = 3;
/// The goal: the time of a cold build, relative to that of its third-party crates alone.
const MOST_OF_THIRD_PARTY: f64 = 1.2;

/// The function: two arguments of which all crates make a key.
const SIGNATURE: &str = "(x: u64, name: String) -> u64 {\n    x + name.len() as u64\n}\n";
/// The crates, the attributes of their functions, and what a program imports.
const PEERS: [(&str, &str, &str); 3] = [
    ("lru-memo", "#[lru_cache(maxsize = 128)]", "use lru_memo::lru_cache;"),
    ("cached", "#[cached(max_size = 128)]", "use cached::macros::cached;"),
    ("memoize", "#[memoize(Capacity: 128)]", "use memoize::memoize;"),
];

/// The kinds of builds, with their names.
const BUILDS: [(&str, &str); 3] = [("check", "check"), ("debug", "build"), ("release", "build --release")];

pub(crate) fn report() -> Result<(), Failure> {
    if Path::new(SCRATCH).exists() {
        fs::remove_dir_all(SCRATCH).map_err(|error| format!("{SCRATCH}: {error}"))?;
    }
    let mut lines = Vec::new();
    for measure in [cold, beside_others] {
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
    let [whole, third_party] = medians(ROUNDS, projects, |(project, _)| {
        let directory = format!("{SCRATCH}/{project}");
        // The directory does not exist in the first round.
        let _ = fs::remove_dir_all(format!("{directory}/target"));
        // The macros are built as a dependency, as in other workspaces.
        let mut command = in_project(build, &directory);
        command.args(["-p", "lru-memo"]);
        seconds(command)
    })?;
    let ratio = whole / third_party;
    let verdict = if ratio <= MOST_OF_THIRD_PARTY { "met" } else { "MISSED" };
    Ok(format!(
        "{verdict:<6}  cold {name}: {whole:.2} s, third-party crates alone {third_party:.2} s: {ratio:.2} x, \
         at most {MOST_OF_THIRD_PARTY} x"
    ))
}

/// Measures projects that memoize with each crate: from nothing, the first function, and each function more.
fn beside_others(name: &str, build: &str) -> Result<String, Failure> {
    let directory = |krate: &str| format!("{SCRATCH}/with-{krate}");
    for (krate, ..) in PEERS {
        write(format!("{}/Cargo.toml", directory(krate)), &manifest(krate)?)?;
        copy("Cargo.lock", &format!("{}/Cargo.lock", directory(krate)))?;
    }
    let build_of = |(krate, attribute, import): (&str, &str, &str), count: usize| {
        // Written again, so that it is newer than its build.
        write(format!("{}/src/lib.rs", directory(krate)), &functions(attribute, import, count))?;
        seconds(in_project(build, &directory(krate)))
    };
    let cold = medians(ROUNDS, PEERS, |peer| {
        // The directory does not exist in the first round.
        let _ = fs::remove_dir_all(format!("{}/target", directory(peer.0)));
        build_of(peer, 0)
    })?;
    let [none, one, many] =
        [0, 1, FUNCTIONS + 1].map(|count| medians(ROUNDS, PEERS, |peer| build_of(peer, count)));
    let (none, one, many) = (none?, one?, many?);
    let milliseconds = |more: [f64; 3], fewer: [f64; 3], functions: usize| {
        let each = more.into_iter().zip(fewer).zip(PEERS);
        let each = each.map(|((more, fewer), (krate, ..))| {
            format!("{krate} {:.1} ms", (more - fewer) * 1e3 / functions as f64)
        });
        each.collect::<Vec<_>>().join(", ")
    };
    let cold: Vec<String> =
        cold.into_iter().zip(PEERS).map(|(cold, (krate, ..))| format!("{krate} {cold:.2} s")).collect();
    Ok(format!(
        "        {name}, from nothing: {}; the first function: {}; each of {FUNCTIONS} more: {}",
        cold.join(", "),
        milliseconds(one, none, 1),
        milliseconds(many, one, FUNCTIONS),
    ))
}

/// Returns the manifest of a project that memoizes with this crate: our own, or the one that the benches measure.
fn manifest(krate: &str) -> Result<String, Failure> {
    let dependency = if krate == "lru-memo" {
        "lru-memo = { path = \"../../../lru-memo\" }".to_owned()
    } else {
        let benches = read("benches/Cargo.toml")?;
        let found = benches.lines().find(|line| line.starts_with(&format!("{krate} = ")));
        found.ok_or_else(|| format!("benches/Cargo.toml does not depend on `{krate}`"))?.to_owned()
    };
    Ok(format!(
        "[package]\nname = \"with-{krate}\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n\
         [dependencies]\n{dependency}\n\n[workspace]\n"
    ))
}

fn functions(attribute: &str, import: &str, count: usize) -> String {
    let import = if count == 0 { "" } else { import };
    let functions = (0..count).map(|number| format!("{attribute}\npub fn f{number}{SIGNATURE}"));
    std::iter::once(format!("{import}\n")).chain(functions).collect()
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
fn medians<S: Copy, const N: usize>(
    rounds: usize,
    subjects: [S; N],
    seconds_of: impl Fn(S) -> Result<f64, Failure>,
) -> Result<[f64; N], Failure> {
    let mut times = [const { Vec::new() }; N];
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
    fn projects_differ_in_nothing_but_crate_and_attribute() {
        let functions: [String; 3] = PEERS.map(|(_, attribute, import)| {
            super::functions(attribute, import, FUNCTIONS).replace(attribute, "").replace(import, "")
        });
        assert!(functions.iter().all(|of_peer| *of_peer == functions[0]));
        assert_eq!(functions[0].matches("pub fn ").count(), FUNCTIONS);
    }
}
