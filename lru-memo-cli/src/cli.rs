//! The command line.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, Subcommand};

use crate::failure::EXIT_CODES;

/// Shows and clears the caches that worker processes share (`scope = shared`).
#[derive(Debug, Parser)]
#[command(name = "lru-memo", version, after_help = EXIT_CODES)]
pub(crate) struct Cli {
    /// The URL of a store, such as `file:///var/cache/app`. Default: the stores of all your programs in the default
    /// place.
    #[arg(long, global = true, value_name = "URL", env = "LRU_MEMO_STORE", hide_env_values = true)]
    #[arg(display_order = 100)]
    pub(crate) store: Option<String>,

    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Lists the namespaces in the stores: one for each memoized function.
    Ls {
        /// Prints JSON: an array with an object for each namespace.
        #[arg(long)]
        json: bool,
    },
    /// Shows one namespace in detail, with its most recent entries.
    Show {
        /// The name of the function, or the first digits of the namespace's id. Shows all namespaces with this name.
        namespace: String,
        /// The maximum number of entries to show.
        #[arg(long, default_value_t = 10, value_name = "N")]
        entries: usize,
        /// Shows the values, too.
        #[arg(long)]
        values: bool,
        /// Prints JSON: an array with an object for each of these namespaces.
        #[arg(long)]
        json: bool,
    },
    /// Prints the value of one key. Changes neither counters nor recency.
    #[command(after_help = KEYS)]
    Get {
        /// The name of the function, or the first digits of the namespace's id.
        namespace: String,
        /// The arguments, as `show` prints them.
        #[arg(allow_negative_numbers = true)]
        key: String,
        /// Prints JSON: an array with an object for each namespace with this name and key.
        #[arg(long)]
        json: bool,
    },
    /// Removes the entry of one key. A value that is being computed for the key is not stored.
    #[command(after_help = KEYS)]
    Forget {
        /// The name of the function, or the first digits of the namespace's id.
        namespace: String,
        /// The arguments, as `show` prints them.
        #[arg(allow_negative_numbers = true)]
        key: String,
        /// Removes the key from all namespaces with this name.
        #[arg(long)]
        all: bool,
    },
    /// Removes all entries of one namespace, and zeroes its counters.
    Clear {
        /// The name of the function, or the first digits of the namespace's id.
        namespace: String,
        /// Clears all namespaces with this name.
        #[arg(long)]
        all: bool,
    },
    /// Shows which hit ratio every other `maxsize` would have had, for functions with `advise = true`.
    Advise {
        /// The name of the function, or the first digits of the namespace's id. Default: all functions that advise.
        namespace: Option<String>,
        /// Prints JSON: an array with an object for each namespace.
        #[arg(long)]
        json: bool,
        /// Draws the hit ratio against the size into this file, with the present size marked.
        #[arg(long, value_name = "FILE")]
        svg: Option<PathBuf>,
    },
    /// Shows all namespaces live, with calls per second and the hit ratio over time.
    #[command(after_help = TOP_KEYS)]
    Top {
        /// The time between two updates, in seconds.
        #[arg(long, default_value = "1", value_name = "SECONDS", value_parser = interval)]
        interval: Duration,
        /// Prints the table once and exits.
        #[arg(long)]
        once: bool,
        /// Prints JSON, as `ls` does.
        #[arg(long, requires = "once")]
        json: bool,
    },
}

/// The help text about keys.
const KEYS: &str = r#"Keys are written as in Rust, and quoted for the shell:
  lru-memo get app::user 92
  lru-memo get app::user '("Ada", 7)'         two arguments
  lru-memo get app::area 'Point { x: 1 }'
  lru-memo get app::page '[1u16, 2u16]'       numbers of a certain type
  lru-memo get app::blob 'b"\x01\xff"'        bytes that cannot be decoded

A number without a type gets the type that the existing keys have. Memcached does not list its keys, so the command tries
every type."#;

/// The help text about the keyboard in `top`.
const TOP_KEYS: &str = "\
Keys:
  q, Esc, Ctrl-C   quit
  s                sort by the next of: calls per second, name, hit ratio, hits, misses, currsize, bytes
  r                reverse the order
  /                filter by name: Enter keeps the filter, Esc removes it
  Up, Down, j, k   select a namespace
  c                clear the selected namespace; confirm with `y`

TREND has a bar for the hit ratio between two updates, and a dot if there was no call. A narrow terminal shows only the
most important columns.";

fn interval(text: &str) -> Result<Duration, String> {
    let seconds = text.parse().ok().filter(|seconds: &f64| (0.1..=3600.0).contains(seconds));
    seconds.map(Duration::from_secs_f64).ok_or_else(|| "the interval is a number from 0.1 to 3600".to_owned())
}
