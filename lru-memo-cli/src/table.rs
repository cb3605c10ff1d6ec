//! Tables of namespaces and entries.

use comfy_table::{CellAlignment, ContentArrangement, Table, presets};

use crate::format::{bytes, duration, idle, limit, or_dash, ratio, visible};
use crate::row::{Entry, Row};

/// How many digits of an id tell namespaces apart, as a rule.
const ID_DIGITS: usize = 8;

/// A column: its heading, and what is in it.
pub(crate) type Column<'a, T> = (&'a str, Box<dyn Fn(&T) -> String + 'a>);

/// The columns that every table of namespaces has.
pub(crate) fn namespace_columns<'a>() -> Vec<Column<'a, Row>> {
    vec![
        ("NAMESPACE", Box::new(Row::title)),
        ("ID", Box::new(|row| row.id[..ID_DIGITS].to_owned())),
        ("HITS", Box::new(|row| row.known(row.hits))),
        ("MISSES", Box::new(|row| row.known(row.misses))),
        ("RATIO", Box::new(|row| or_dash(row.hit_ratio, ratio))),
        ("CURRSIZE", Box::new(|row| row.known(row.currsize))),
        ("MAXSIZE", Box::new(|row| limit(row.maxsize))),
        ("BYTES", Box::new(|row| or_dash(row.bytes, bytes))),
        ("IDLE", Box::new(|row| or_dash(row.idle_seconds, idle))),
    ]
}

/// The columns of a table of entries.
pub(crate) fn entry_columns<'a>() -> Vec<Column<'a, Entry>> {
    let key = |entry: &Entry| format!("{}{}", entry.key_prefix, if entry.is_cut() { "..." } else { "" });
    vec![
        ("KEY", Box::new(key)),
        ("KEY BYTES", Box::new(|entry| entry.key_bytes.to_string())),
        ("VALUE BYTES", Box::new(|entry| entry.value_bytes.to_string())),
        ("WEIGHT", Box::new(|entry| entry.weight.to_string())),
        ("AGE", Box::new(|entry| duration(entry.age_seconds))),
    ]
}

/// A table without lines; the first column is text, the others are numbers.
pub(crate) fn render<T>(columns: &[Column<'_, T>], rows: &[T]) -> String {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(columns.iter().map(|(heading, _)| *heading));
    table.add_rows(rows.iter().map(|row| columns.iter().map(|(_, cell)| cell(row)).collect::<Vec<_>>()));
    for (index, column) in table.column_iter_mut().enumerate() {
        // Two spaces between columns, and none at the margins of lines.
        column.set_padding((if index == 0 { 0 } else { 1 }, 1));
        if index > 0 {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table.trim_fmt() + "\n"
}

/// A table of namespaces for each store, below its name.
pub(crate) fn by_store(rows: &[Row]) -> String {
    let columns = namespace_columns();
    let mut stores: Vec<&str> = Vec::new();
    for row in rows {
        if !stores.contains(&row.store.as_str()) {
            stores.push(&row.store);
        }
    }
    let tables = stores.iter().map(|&store| {
        let rows: Vec<Row> = rows.iter().filter(|row| row.store == store).cloned().collect();
        format!("{}\n{}", visible(store), render(&columns, &rows))
    });
    tables.collect::<Vec<_>>().join("\n")
}
