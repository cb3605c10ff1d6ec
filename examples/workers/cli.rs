//! The command line.

use std::fmt::Display;
use std::num::NonZeroU8;
use std::str::FromStr;

use lexopt::Parser;
use lexopt::prelude::*;

use crate::failure::Failure;
use crate::scope::{Caching, Scope};

/// The help text.
pub(crate) const HELP: &str = "\
A memoized web app under several worker processes. Without a command it is a
demonstration of what the workers know of each other's calls.

Usage: workers [--store URL]
       workers serve [--workers N] [--port PORT] [--scope SCOPE] [--store URL]

  serve          Serves the app until Ctrl-C or SIGTERM stops it.

  --workers N    The number of worker processes; 2 by default.
  --port PORT    The port on 127.0.0.1; 8000 by default, 0 for a free one.
  --scope SCOPE  `process`, the default: each worker process has its own cache.
                 `shared`: one cache for all worker processes.
  --store URL    Where the shared cache is, as in `file:///var/cache/app` or
                 `redis://host`. By default: embedded, in a directory that the
                 program chooses.
  -h, --help     Prints this.
";

/// The parsed command line.
pub(crate) enum Action {
    Demonstrate { store: Option<String> },
    Serve { workers: u8, port: u16, caching: Caching },
    Work { caching: Caching },
    Help,
}

/// The command.
#[derive(PartialEq, Eq)]
enum Command {
    Demonstrate,
    Serve,
    /// A worker, which the master starts.
    Work,
}

/// Reads the command line.
pub(crate) fn action() -> Result<Action, Failure> {
    let mut parser = Parser::from_env();
    let (mut command, mut is_first) = (Command::Demonstrate, true);
    let (mut workers, mut port) = (2, 8000);
    let mut caching = Caching { scope: Scope::Process, store: None };
    while let Some(argument) = parser.next()? {
        match argument {
            Value(word) if is_first && word == "serve" => command = Command::Serve,
            Value(word) if is_first && word == "work" => command = Command::Work,
            Long("store") => caching.store = Some(parser.value()?.string()?),
            Long("scope") if command != Command::Demonstrate => {
                caching.scope = value(&mut parser, "--scope")?
            }
            Long("workers") if command == Command::Serve => {
                workers = value::<NonZeroU8>(&mut parser, "--workers")?.get();
            }
            Long("port") if command == Command::Serve => port = value(&mut parser, "--port")?,
            Long("help") | Short('h') => return Ok(Action::Help),
            other => return Err(Failure::new(format!("{}; see `--help`", other.unexpected()))),
        }
        is_first = false;
    }
    Ok(match command {
        Command::Demonstrate => Action::Demonstrate { store: caching.store },
        Command::Serve => Action::Serve { workers, port, caching },
        Command::Work => Action::Work { caching },
    })
}

/// The value of an option.
fn value<T: FromStr<Err: Display>>(parser: &mut Parser, option: &str) -> Result<T, Failure> {
    let text = parser.value()?.string()?;
    text.parse().map_err(Failure::of(format!("`{option} {text}`")))
}

impl From<lexopt::Error> for Failure {
    fn from(error: lexopt::Error) -> Self {
        Self::new(error.to_string())
    }
}
