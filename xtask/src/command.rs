//! Runs other programs. Each command is printed before it runs, and gets no input; an error names the command.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::Failure;

/// Returns the command `cargo` with arguments that are separated by blanks.
///
/// It is the `cargo` of the path rather than the one in `CARGO`, because only the former understands `+nightly`.
pub(crate) fn cargo(args: &str) -> Command {
    let mut command = program("cargo", args);
    // Cargo's variables describe this package. Build scripts that depend on these would run again in each step.
    let of_this_package =
        std::env::vars_os().map(|(name, _)| name).filter(|name| name.to_str().is_some_and(is_of_package));
    of_this_package.for_each(|name| {
        command.env_remove(name);
    });
    // Without incremental builds: a step builds a crate once, and preparing for the next build costs a fifth of the
    // time.
    command.env("CARGO_INCREMENTAL", "0");
    command
}

/// Whether this is a variable that cargo sets for the programs of a package.
fn is_of_package(variable: &str) -> bool {
    ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_CRATE_"].iter().any(|start| variable.starts_with(start))
}

/// Returns the command for a program with arguments that are separated by blanks.
pub(crate) fn program(name: &str, args: &str) -> Command {
    let mut command = Command::new(name);
    command.args(args.split_whitespace());
    command
}

/// Returns the target directory of cargo.
pub(crate) fn target_directory() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| "target".into(), PathBuf::from)
}

/// Whether this runs in continuous integration.
pub(crate) fn in_ci() -> bool {
    std::env::var("CI").is_ok_and(|ci| ci == "true" || ci == "1")
}

/// Runs a command that prints its output.
pub(crate) fn run(command: &mut Command) -> Result<(), Failure> {
    let shown = show(command);
    println!("$ {shown}");
    let status = command
        .stdin(Stdio::null())
        .status()
        .map_err(|error| format!("`{shown}` could not be started: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("`{shown}` ended with {status}")) }
}

/// Runs a command, and returns its standard output. If the command fails, prints it.
pub(crate) fn read(command: &mut Command) -> Result<String, Failure> {
    let shown = show(command);
    println!("$ {shown}");
    let output = command
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| format!("`{shown}` could not be started: {error}"))?;
    if !output.status.success() {
        println!("{}", String::from_utf8_lossy(&output.stdout));
        return Err(format!("`{shown}` ended with {}", output.status));
    }
    String::from_utf8(output.stdout).map_err(|error| format!("`{shown}` printed no text: {error}"))
}

/// Whether a command can be started and succeeds. Prints nothing.
pub(crate) fn succeeds(command: &mut Command) -> bool {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// Returns the command as a user would type it.
fn show(command: &Command) -> String {
    let quoted = |text: &std::ffi::OsStr| {
        let text = text.to_string_lossy();
        if text.contains(char::is_whitespace) { format!("'{text}'") } else { text.into_owned() }
    };
    let envs = command
        .get_envs()
        .filter_map(|(name, value)| Some(format!("{}={}", name.to_string_lossy(), quoted(value?))));
    let words = std::iter::once(command.get_program()).chain(command.get_args()).map(quoted);
    envs.chain(words).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_shown_as_one_would_type_it() {
        let mut command = program("cargo", "doc --no-deps");
        command.env("RUSTDOCFLAGS", "-D warnings");
        assert_eq!(show(&command), "RUSTDOCFLAGS='-D warnings' cargo doc --no-deps");
    }

    #[test]
    fn a_command_that_fails_is_named_by_its_failure() {
        let failure = run(&mut program("cargo", "no-such-subcommand")).unwrap_err();
        assert!(failure.starts_with("`cargo no-such-subcommand` ended with"), "{failure}");
        let failure = run(&mut program("no-such-program", "")).unwrap_err();
        assert!(failure.starts_with("`no-such-program` could not be started"), "{failure}");
    }
}
