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
        /// Shows the values, too.
        #[arg(long)]
        values: bool,
        /// Prints JSON: an array with an object for each namespace that was found.
        #[arg(long)]
        json: bool,
    },
    /// Prints the value of one key. Counts nothing, and keeps the entry as recent as it is.
    #[command(after_help = KEYS)]
    Get {
        /// The name of the function, or the first digits of the namespace's id.
        namespace: String,
        /// The arguments, as `show` prints them.
        #[arg(allow_negative_numbers = true)]
        key: String,
        /// Prints JSON: an array with an object for each namespace of this name that has the key.
        #[arg(long)]
        json: bool,
    },
    /// Removes the entry of one key. What is being computed for it is not stored.
    #[command(after_help = KEYS)]
    Forget {
        /// The name of the function, or the first digits of the namespace's id.
        namespace: String,
        /// The arguments, as `show` prints them.
        #[arg(allow_negative_numbers = true)]
        key: String,
        /// Removes it from all that have this name, if there are several.
        #[arg(long)]
        all: bool,
    },
    /// Removes all entries of one namespace, and zeroes its counters.
    Clear {
        /// The name of the function, or the first digits of the namespace's id.
        namespace: String,
        /// Clears all that have this name, if there are several.
        #[arg(long)]
        all: bool,
    },
    /// Shows all namespaces, live: calls per second, and the hit ratio look by look.
    #[command(after_help = TOP_KEYS)]
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

/// How keys are written, for the help.
const KEYS: &str = r#"Keys are written as in Rust, and quoted for the shell:
  lru-memo get app::user 92
  lru-memo get app::user '("Ada", 7)'         two arguments
  lru-memo get app::area 'Point { x: 1 }'
  lru-memo get app::page '[1u16, 2u16]'       where the types of numbers cannot be told
  lru-memo get app::blob 'b"\x01\xff"'        bytes that nothing could be made of

The types of numbers are those of the keys that are there. Memcached does not list its keys: every type is tried."#;

/// What keys do in `top`, for the help.
const TOP_KEYS: &str = "\
Keys:
  q, Esc, Ctrl-C   quit
  s                sort by the next of: calls per second, name, hit ratio, hits, misses, currsize, bytes
  r                reverse the order
  /                show only names with a text: Enter keeps the filter, Esc removes it
  Up, Down, j, k   select a namespace
  c                clear what is selected, after a `y`

TREND has a bar for the hit ratio between two looks, and a dot where there was no call. A narrow terminal shows the most
important columns.";

fn interval(text: &str) -> Result<Duration, String> {
    let seconds = text.parse().ok().filter(|seconds: &f64| (0.1..=3600.0).contains(seconds));
    seconds.map(Duration::from_secs_f64).ok_or_else(|| "it is a number from 0.1 to 3600".to_owned())
}
