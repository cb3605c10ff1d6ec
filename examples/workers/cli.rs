//! The command line.

use clap::error::ErrorKind;
use clap::{Parser, Subcommand, value_parser};

use crate::failure::Failure;
use crate::scope::Caching;

/// What the program is to do.
pub(crate) enum Action {
    Demonstrate { store: Option<String> },
    Serve { workers: u8, port: u16, caching: Caching },
    Work { caching: Caching },
    Help(String),
}

/// A memoized web app under several worker processes. Without a command: a demonstration.
#[derive(Parser)]
#[command(name = "workers", args_conflicts_with_subcommands = true)]
struct Cli {
    /// Where the demonstration keeps its shared cache, as in `redis://host`; if nothing says so, in a directory of its own.
    #[arg(long, value_name = "URL")]
    store: Option<String>,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Serves the app until it is stopped by Ctrl-C or SIGTERM.
    Serve {
        /// The number of worker processes.
        #[arg(long, default_value_t = 2, value_parser = value_parser!(u8).range(1..))]
        workers: u8,
        /// The port on 127.0.0.1; 0 for a free one.
        #[arg(long, default_value_t = 8000)]
        port: u16,
        #[command(flatten)]
        caching: Caching,
    },
    /// What the master starts.
    #[command(hide = true)]
    Work {
        #[command(flatten)]
        caching: Caching,
    },
}

/// Reads the command line.
pub(crate) fn action() -> Result<Action, Failure> {
    match Cli::try_parse() {
        Ok(Cli { store, command }) => Ok(match command {
            None => Action::Demonstrate { store },
            Some(Command::Serve { workers, port, caching }) => Action::Serve { workers, port, caching },
            Some(Command::Work { caching }) => Action::Work { caching },
        }),
        Err(error) if error.kind() == ErrorKind::DisplayHelp => Ok(Action::Help(error.to_string())),
        Err(error) => Err(Failure::new(one_line(&error.to_string()))),
    }
}

/// The paragraphs of a message of clap on one line, without the usage and the hint at `--help`.
fn one_line(message: &str) -> String {
    message
        .trim_start_matches("error: ")
        .split("\n\n")
        .take_while(|paragraph| !paragraph.starts_with("Usage:") && !paragraph.starts_with("For more"))
        .map(|paragraph| paragraph.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect::<Vec<_>>()
        .join("; ")
}
