//! The contents of `top`'s screen, and the effects of keys.

use std::time::{Duration, Instant};

use crossterm::event::KeyCode;

use super::history::History;
use super::order::Order;
use crate::format::{count, cut, duration, or_dash, visible};
use crate::row::{FullId, Row};
use crate::table::{Column, namespace_columns, render};
use crate::terminal::{Line, Look};

/// The maximum number of errors on the screen.
const ERRORS: usize = 3;
/// The rows that a page key moves by.
const PAGE: isize = 10;

const HELP: &str = "q quit  s sort  r reverse  / filter  \u{2191}\u{2193} select  c clear";

/// The state of the screen.
pub(super) struct Dashboard {
    interval: Duration,
    /// All rows, in their current order.
    rows: Vec<Row>,
    errors: Vec<String>,
    history: History,
    order: Order,
    is_reversed: bool,
    /// The filter: a part of the names of the shown namespaces.
    filter: String,
    selected: Option<FullId>,
    mode: Mode,
    /// The message about the last key.
    told: Option<String>,
}

/// The mode, which decides what keys do.
enum Mode {
    Watching,
    /// The user edits the filter.
    Filtering,
    /// The user is asked whether to clear this namespace.
    Confirming(Box<Row>),
}

/// The action after a key.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Wish {
    Nothing,
    Quit,
    Clear(FullId),
}

impl Dashboard {
    pub(super) fn new(interval: Duration) -> Self {
        Self {
            interval,
            rows: Vec::new(),
            errors: Vec::new(),
            history: History::default(),
            order: Order::Calls,
            is_reversed: false,
            filter: String::new(),
            selected: None,
            mode: Mode::Watching,
            told: None,
        }
    }

    /// Takes over the result of an update.
    pub(super) fn update(&mut self, rows: Vec<Row>, errors: Vec<String>, now: Instant) {
        self.history.update(&rows, now);
        (self.rows, self.errors) = (rows, errors);
        self.sort();
    }

    /// Shows a message until the next key.
    pub(super) fn tell(&mut self, what: String) {
        self.told = Some(what);
    }

    fn sort(&mut self) {
        self.rows.sort_by(|a, b| {
            let order = self.order.compare(a, b, &self.history);
            if self.is_reversed { order.reverse() } else { order }
        });
    }

    fn shown(&self) -> Vec<Row> {
        let wanted = self.filter.to_lowercase();
        self.rows.iter().filter(|row| row.name.to_lowercase().contains(&wanted)).cloned().collect()
    }

    pub(super) fn press(&mut self, key: KeyCode) -> Wish {
        self.told = None;
        match &self.mode {
            Mode::Watching => return self.watch(key),
            Mode::Filtering => match key {
                KeyCode::Char(character) => self.filter.push(character),
                KeyCode::Backspace => _ = self.filter.pop(),
                KeyCode::Enter => self.mode = Mode::Watching,
                KeyCode::Esc => {
                    self.filter.clear();
                    self.mode = Mode::Watching;
                }
                _ => {}
            },
            Mode::Confirming(row) => {
                let full_id = row.full_id();
                self.mode = Mode::Watching;
                if key == KeyCode::Char('y') {
                    return Wish::Clear(full_id);
                }
                self.told = Some("nothing was cleared".to_owned());
            }
        }
        Wish::Nothing
    }

    fn watch(&mut self, key: KeyCode) -> Wish {
        match key {
            KeyCode::Char('q') | KeyCode::Esc => return Wish::Quit,
            KeyCode::Char('s') => self.order = self.order.next(),
            KeyCode::Char('r') => self.is_reversed = !self.is_reversed,
            KeyCode::Char('/') => self.mode = Mode::Filtering,
            KeyCode::Up | KeyCode::Char('k') => self.select(-1),
            KeyCode::Down | KeyCode::Char('j') => self.select(1),
            KeyCode::PageUp => self.select(-PAGE),
            KeyCode::PageDown => self.select(PAGE),
            KeyCode::Char('c') => {
                let shown = self.shown();
                match shown.into_iter().find(|row| self.is_selected(row)) {
                    Some(row) => self.mode = Mode::Confirming(row.into()),
                    None => self.tell("select a namespace first, with \u{2191} and \u{2193}".to_owned()),
                }
            }
            _ => {}
        }
        self.sort();
        Wish::Nothing
    }

    fn is_selected(&self, row: &Row) -> bool {
        self.selected.as_ref() == Some(&row.full_id())
    }

    fn select(&mut self, by: isize) {
        let shown = self.shown();
        let last = shown.len().saturating_sub(1);
        let at = shown.iter().position(|row| self.is_selected(row));
        // The first key selects the first row.
        let next = at.map_or(0, |at| at.saturating_add_signed(by).min(last));
        self.selected = shown.get(next).map(Row::full_id);
    }

    /// Returns the lines for a screen of this size.
    pub(super) fn page(&self, width: usize, height: usize) -> Vec<Line> {
        let line = |look, text: String| Line { look, text: cut(&text, width) };
        let shown = self.shown();
        let mut lines = vec![line(Look::Bold, self.title(shown.len()))];
        lines.extend(
            self.errors.iter().take(ERRORS).map(|error| line(Look::Plain, format!("error: {error}"))),
        );
        lines.push(line(Look::Plain, String::new()));
        let table = render(self.columns(), &shown, Some(width));
        let mut table = table.lines().map(str::to_owned);
        lines.extend(table.next().map(|heading| line(Look::Bold, heading)));

        // The selected row is always visible.
        let room = height.saturating_sub(lines.len() + 1);
        let selected = shown.iter().position(|row| self.is_selected(row));
        let first = selected.map_or(0, |selected| (selected + 1).saturating_sub(room));
        for (at, text) in table.enumerate().skip(first).take(room) {
            let look = if selected == Some(at) { Look::Reversed } else { Look::Plain };
            lines.push(line(look, text));
        }
        lines.truncate(height.saturating_sub(1));
        lines.resize_with(height.saturating_sub(1), || line(Look::Plain, String::new()));
        lines.push(line(Look::Plain, self.bottom(width)));
        lines
    }

    fn title(&self, shown: usize) -> String {
        let all = count(self.rows.len(), "namespace", "namespaces");
        let found =
            if self.filter.is_empty() { all } else { format!("{shown} of {all} with `{}`", self.filter) };
        let every = duration(self.interval.as_secs_f64());
        let reversed = if self.is_reversed { ", reversed" } else { "" };
        format!("{found}, every {every}, by {}{reversed}", self.order.name())
    }

    fn bottom(&self, width: usize) -> String {
        match &self.mode {
            Mode::Filtering => format!("filter: {}_  (Enter keeps it, Esc removes it)", self.filter),
            Mode::Confirming(row) => {
                let entries = count(row.currsize, "entry", "entries");
                let (name, store) = (cut(&row.title(), width / 3), cut(&program(row), width / 4));
                format!("clear {name} in {store}, {entries}? (y/n)")
            }
            Mode::Watching => self.told.clone().unwrap_or_else(|| HELP.to_owned()),
        }
    }

    fn columns(&self) -> Vec<Column<'_, Row>> {
        let per_second = |rate: Option<f64>| rate.map_or_else(|| "-".to_owned(), |rate| format!("{rate:.0}"));
        let rates = |row: &Row| self.history.rates(row);
        let mut columns = namespace_columns();
        let hits = move |row: &Row| per_second(rates(row).map(|rates| rates.0));
        let misses = move |row: &Row| per_second(rates(row).map(|rates| rates.1));
        columns.insert(4, Column::number("HITS/S", 85, hits));
        columns.insert(5, Column::number("MISSES/S", 80, misses));
        columns.insert(7, Column::trend("TREND", 75, |row: &Row| self.history.sparkline(row)));
        if self.rows.iter().any(|row| row.advised.is_some()) {
            columns.insert(
                10,
                Column::number("ADVISED", 18, |row: &Row| or_dash(row.advised, |n| n.to_string())),
            );
        }
        if self.rows.iter().any(|row| row.store != self.rows[0].store) {
            columns.push(Column::text("STORE", 65, |row: &Row, width| cut(&program(row), width)));
        }
        columns
    }
}

/// Returns the last part of the store's directory. In the default place, it is the name of the program.
fn program(row: &Row) -> String {
    visible(row.store.rsplit('/').next().unwrap_or_default())
}

#[cfg(test)]
mod tests;
