//! The command line.

use std::time::Duration;

use clap::{Parser, Subcommand};

use crate::failure::EXIT_CODES;

/// Looks into the caches that worker processes share (`scope = shared`), and clears them.
#[derive(Debug, Parser)]
#[command(name = "lru-memo", version, after_help = EXIT_CODES)]
pub(crate) struct Cli {
    /// A store, as in `file:///var/cache/app`. Without it: those of all your programs in the default place.
    #[arg(long, global = true, value_name = "URL", env = "LRU_MEMO_STORE", hide_env_values = true)]
    #[arg(display_order = 100)]
    pub(crate) store: Option<String>,

    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Lists the stores and the namespaces in them: there is one for each memoized function.
    Ls {
        /// Prints JSON: an array with an object for each namespace.
        #[arg(long)]
        json: bool,
    },
    /// Shows one namespace in detail, with the entries that were used last.
    Show {
        /// The name of the function, or the first digits of the namespace's id. All that have this name are shown.
        namespace: String,
        /// How many entries to show at most.
        #[arg(long, default_value_t = 10, value_name = "N")]
        entries: usize,
        /// Prints JSON: an array with an object for each namespace that was found.
        #[arg(long)]
        json: bool,
    },
    /// Removes all entries of one namespace, and zeroes its counters.
    Clear {
        /// The name of the function, or the first digits of the namespace's id.
        namespace: String,
        /// Clears all that have this name, if there are several.
        #[arg(long)]
        all: bool,
    },
    /// Shows all namespaces, the busiest first, until you press `q` or Ctrl-C.
    Top {
        /// The time between two looks, in seconds.
        #[arg(long, default_value = "1", value_name = "SECONDS", value_parser = interval)]
        interval: Duration,
        /// Prints the table once and ends.
        #[arg(long)]
        once: bool,
        /// Prints JSON as `ls` does.
        #[arg(long, requires = "once")]
        json: bool,
    },
}

fn interval(text: &str) -> Result<Duration, String> {
    let seconds = text.parse().ok().filter(|seconds: &f64| (0.1..=3600.0).contains(seconds));
    seconds.map(Duration::from_secs_f64).ok_or_else(|| "it is a number from 0.1 to 3600".to_owned())
}
