//! The command `lru-memo`: shows the stores of `scope = shared` from outside of the programs that use them.
//!
//! It uses the public API of `lru_memo::shared` only, and never makes a store.

mod advice;
mod advise;
mod clear;
mod cli;
mod data;
mod failure;
mod format;
mod list;
mod lookup;
mod output;
mod row;
mod show;
mod sources;
mod table;
mod terminal;
mod top;

use std::process::ExitCode;

use clap::Parser;

use cli::{Cli, Command};

fn main() -> ExitCode {
    let Cli { store, command } = Cli::parse();
    let store = store.as_deref();
    let done = match command {
        Command::Ls { json } => list::list(store, json),
        Command::Show { namespace, entries, values, json } => {
            show::show(store, &namespace, entries, values, json)
        }
        Command::Get { namespace, key, json } => lookup::get(store, &namespace, &key, json),
        Command::Forget { namespace, key, all } => lookup::forget(store, &namespace, &key, all),
        Command::Clear { namespace, all } => clear::clear(store, &namespace, all),
        Command::Advise { namespace, json, svg } => {
            advise::advise(store, namespace.as_deref(), json, svg.as_deref())
        }
        Command::Top { once: true, json, .. } => top::once(store, json),
        Command::Top { interval, .. } => top::live(store, interval),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            failure.report();
            ExitCode::from(failure.code())
        }
    }
}
