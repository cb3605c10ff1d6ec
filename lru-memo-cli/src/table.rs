//! Tables of namespaces and entries, as wide as the screen.

use comfy_table::{CellAlignment, ContentArrangement, Table, presets};
use unicode_width::UnicodeWidthStr;

use crate::format::{LONGEST, bytes, cut, cut_start, duration, idle, limit, or_dash, ratio, visible};
use crate::row::{EntryRow, Row, Totals};

/// The number of digits of an id in a table, which are usually unique.
const ID_DIGITS: usize = 8;
/// The minimum width of a column of texts.
const NARROWEST: usize = 20;
/// The separator between two columns.
const GAP: usize = 2;

/// A column of a table.
pub(crate) struct Column<'a, T> {
    heading: &'static str,
    /// The columns of the lowest importance are left out if there is no room for all.
    importance: u8,
    cell: Cell<'a, T>,
}

/// The function that formats a cell, given its maximum width.
type Piece<'a, T> = Box<dyn Fn(&T, usize) -> String + 'a>;

/// The kind of a column's cells.
enum Cell<'a, T> {
    /// Numbers, which are never cut.
    Number(Box<dyn Fn(&T) -> String + 'a>),
    /// Texts, which are cut at the end, with the maximum width.
    Text(Piece<'a, T>),
    /// A history, of which the end is shown.
    Trend(Box<dyn Fn(&T) -> String + 'a>),
}

impl<'a, T> Column<'a, T> {
    pub(crate) fn number(heading: &'static str, importance: u8, cell: impl Fn(&T) -> String + 'a) -> Self {
        Self { heading, importance, cell: Cell::Number(Box::new(cell)) }
    }

    pub(crate) fn text(
        heading: &'static str,
        importance: u8,
        cell: impl Fn(&T, usize) -> String + 'a,
    ) -> Self {
        Self { heading, importance, cell: Cell::Text(Box::new(cell)) }
    }

    pub(crate) fn trend(heading: &'static str, importance: u8, cell: impl Fn(&T) -> String + 'a) -> Self {
        Self { heading, importance, cell: Cell::Trend(Box::new(cell)) }
    }

    /// Returns the cells of these rows, at most so wide.
    fn cells(&self, rows: &[T], width: usize) -> Vec<String> {
        let cell = |row| match &self.cell {
            Cell::Number(cell) => cell(row),
            Cell::Text(cell) => cell(row, width),
            Cell::Trend(cell) => cut_start(&cell(row), width),
        };
        rows.iter().map(cell).collect()
    }

    /// Returns the minimum width, and the width if there is room.
    fn widths(&self, rows: &[T], most: usize) -> (usize, usize) {
        let cells = self.cells(rows, most);
        let widest = cells.iter().map(|cell| cell.width()).max().unwrap_or(0).max(self.heading.len());
        match self.cell {
            Cell::Number(_) => (widest, widest),
            Cell::Text(_) => (widest.min(NARROWEST), widest),
            Cell::Trend(_) => (widest.min(NARROWEST / 2), widest),
        }
    }
}

/// The columns that every table of namespaces has.
pub(crate) fn namespace_columns<'a>() -> Vec<Column<'a, Row>> {
    vec![
        Column::text("NAMESPACE", 100, |row: &Row, width| cut(&row.title(), width)),
        Column::number("ID", 20, |row: &Row| row.id[..ID_DIGITS].to_owned()),
        Column::number("HITS", 50, |row: &Row| row.known(row.hits)),
        Column::number("MISSES", 40, |row: &Row| row.known(row.misses)),
        Column::number("RATIO", 90, |row: &Row| or_dash(row.hit_ratio, ratio)),
        Column::number("CURRSIZE", 70, |row: &Row| row.known(row.currsize)),
        Column::number("MAXSIZE", 60, |row: &Row| limit(row.maxsize)),
        Column::number("BYTES", 30, |row: &Row| or_dash(row.bytes, bytes)),
        Column::number("EVICTIONS", 12, |row: &Row| total(row, |totals| totals.evictions.to_string())),
        Column::number("ERRORS", 14, |row: &Row| total(row, |totals| totals.errors.to_string())),
        Column::number("SAVED", 16, |row: &Row| total(row, |totals| duration(totals.saved_seconds))),
        Column::number("IDLE", 10, |row: &Row| or_dash(row.idle_seconds, idle)),
    ]
}

/// Formats one of the totals, if the store knows them.
fn total(row: &Row, format: impl FnOnce(&Totals) -> String) -> String {
    or_dash(row.totals.as_ref().filter(|_| row.error.is_none()), format)
}

/// The columns of a table of entries.
pub(crate) fn entry_columns<'a>(with_values: bool) -> Vec<Column<'a, EntryRow>> {
    let mut columns = vec![
        Column::text("KEY", 100, |entry: &EntryRow, width| cut(&entry.key, width)),
        Column::number("KEY BYTES", 20, |entry: &EntryRow| entry.key_bytes.to_string()),
        Column::number("VALUE BYTES", 40, |entry: &EntryRow| entry.value_bytes.to_string()),
        Column::number("WEIGHT", 10, |entry: &EntryRow| entry.weight.to_string()),
        Column::number("AGE", 30, |entry: &EntryRow| duration(entry.age_seconds)),
    ];
    if with_values {
        let value = |entry: &EntryRow, width| or_dash(entry.value.as_ref(), |value| cut(value, width));
        columns.insert(1, Column::text("VALUE", 90, value));
    }
    columns
}

/// A table without lines: texts at the left, numbers at the right. It is no wider than the screen, if there is one.
pub(crate) fn render<T>(mut columns: Vec<Column<'_, T>>, rows: &[T], screen: Option<usize>) -> String {
    let widths = fit(&mut columns, rows, screen);
    let mut table = Table::new();
    table.load_preset(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(columns.iter().map(|column| column.heading));
    let mut cells: Vec<_> =
        columns.iter().zip(&widths).map(|(column, &width)| column.cells(rows, width).into_iter()).collect();
    table.add_rows(rows.iter().map(|_| cells.iter_mut().filter_map(Iterator::next).collect::<Vec<_>>()));
    for (index, (column, shown)) in table.column_iter_mut().zip(&columns).enumerate() {
        // Separators stand between columns only.
        column.set_padding((if index == 0 { 0 } else { GAP as u16 - 1 }, 1));
        if !matches!(shown.cell, Cell::Text(_)) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table.trim_fmt() + "\n"
}

/// Leaves out columns without room, and returns the widths of the others.
fn fit<T>(columns: &mut Vec<Column<'_, T>>, rows: &[T], screen: Option<usize>) -> Vec<usize> {
    let most = screen.unwrap_or(LONGEST);
    let mut widths: Vec<_> = columns.iter().map(|column| column.widths(rows, most)).collect();
    let Some(screen) = screen else { return widths.into_iter().map(|(_, widest)| widest).collect() };
    let taken = |widths: &[(usize, usize)]| {
        widths.iter().map(|(narrowest, _)| narrowest + GAP).sum::<usize>().saturating_sub(GAP)
    };
    while columns.len() > 1 && taken(&widths) > screen {
        let least = (0..columns.len()).min_by_key(|&at| columns[at].importance).unwrap_or(0);
        columns.remove(least);
        widths.remove(least);
    }
    let mut left = screen.saturating_sub(taken(&widths));
    // Texts share the remaining width first; trends get the rest.
    let is_text = |column: &Column<'_, T>| matches!(column.cell, Cell::Text(_));
    for texts in [true, false] {
        let of_kind = |at: &usize| is_text(&columns[*at]) == texts;
        let mut growing: Vec<usize> = (0..columns.len()).filter(of_kind).collect();
        while left > 0 && !growing.is_empty() {
            growing.retain(|&at| widths[at].0 < widths[at].1);
            for &at in growing.iter().take(left) {
                widths[at].0 += 1;
                left -= 1;
            }
        }
    }
    widths.into_iter().map(|(width, _)| width).collect()
}

/// A table of namespaces for each store, below its name.
pub(crate) fn by_store(rows: &[Row], screen: Option<usize>) -> String {
    let mut stores: Vec<&str> = Vec::new();
    for row in rows {
        if !stores.contains(&row.store.as_str()) {
            stores.push(&row.store);
        }
    }
    let tables = stores.iter().map(|&store| {
        let rows: Vec<Row> = rows.iter().filter(|row| row.store == store).cloned().collect();
        format!("{}\n{}", visible(store), render(namespace_columns(), &rows, screen))
    });
    tables.collect::<Vec<_>>().join("\n")
}
