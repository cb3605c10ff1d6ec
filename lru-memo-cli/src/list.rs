//! `lru-memo ls`.

use crate::failure::Failure;
use crate::output::{json, print};
use crate::row::Row;
use crate::sources::{Sources, finish};
use crate::table;
use crate::terminal::screen_width;

/// Lists the namespaces of all stores.
pub(crate) fn list(store: Option<&str>, as_json: bool) -> Result<(), Failure> {
    print_all(store, as_json, |_| ())
}

/// Prints all namespaces in an order, and then reports the errors.
pub(crate) fn print_all(
    store: Option<&str>,
    as_json: bool,
    order: impl FnOnce(&mut Vec<Row>),
) -> Result<(), Failure> {
    let mut sources = Sources::new(store);
    let look = sources.look()?;
    let mut rows: Vec<Row> = look.found.iter().map(Row::new).collect();
    order(&mut rows);
    let text = match (as_json, rows.is_empty()) {
        (true, _) => json(&rows)?,
        (false, true) if look.failures.is_empty() => "no function has used the store yet\n".to_owned(),
        (false, true) => String::new(),
        (false, false) => table::by_store(&rows, screen_width()),
    };
    print(&text)?;
    finish(look.failures)
}
