//! `lru-memo top`.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::fmt::Write;
use std::time::{Duration, Instant};

use crate::failure::Failure;
use crate::format::{count, cut, duration};
use crate::list::print_all;
use crate::row::Row;
use crate::sources::Sources;
use crate::table::{Column, namespace_columns, render};
use crate::terminal::{Screen, Wake, screen_width};

/// Prints the table once, with what was called most often first.
pub(crate) fn once(store: Option<&str>, as_json: bool) -> Result<(), Failure> {
    print_all(store, as_json, |rows| rows.sort_by_key(|row| Reverse(row.calls())))
}

/// Shows the table until the user has seen enough.
pub(crate) fn live(store: Option<&str>, interval: Duration) -> Result<(), Failure> {
    let mut sources = Sources::new(store);
    // What is wrong from the first is told where it stays.
    sources.look()?;
    let mut screen = Screen::open()?;
    let mut seen = Seen::default();
    loop {
        let text = page(&mut sources, &mut seen, interval);
        let next = Instant::now() + interval;
        loop {
            screen.show(&text)?;
            match screen.wait(next)? {
                Wake::Resized => {}
                Wake::Time => break,
                Wake::Quit => return Ok(()),
            }
        }
    }
}

/// What the counters of each namespace were, for its rates.
#[derive(Default)]
struct Seen {
    at: Option<Instant>,
    counters: HashMap<(String, String), (u64, u64)>,
}

/// Hits and misses per second; none at the first look.
type Rates = HashMap<(String, String), (f64, f64)>;

impl Seen {
    fn rates(&mut self, rows: &[Row]) -> Rates {
        let now = Instant::now();
        let passed = self.at.map(|at| now.duration_since(at).as_secs_f64().max(f64::EPSILON));
        let counters: HashMap<_, _> = rows.iter().map(|row| (key(row), (row.hits, row.misses))).collect();
        let mut rates = Rates::new();
        for (key, &(hits, misses)) in &counters {
            if let (Some(passed), Some(&(hits_then, misses_then))) = (passed, self.counters.get(key)) {
                // After a clear, counters are less.
                let rate = |now: u64, then: u64| now.saturating_sub(then) as f64 / passed;
                rates.insert(key.clone(), (rate(hits, hits_then), rate(misses, misses_then)));
            }
        }
        *self = Self { at: Some(now), counters };
        rates
    }
}

fn key(row: &Row) -> (String, String) {
    (row.store.clone(), row.id.clone())
}

fn page(sources: &mut Sources, seen: &mut Seen, interval: Duration) -> String {
    let (mut rows, failures) = match sources.look() {
        Ok(look) => (look.found.iter().map(Row::new).collect::<Vec<_>>(), look.failures),
        Err(failure) => (Vec::new(), vec![failure]),
    };
    let rates = seen.rates(&rows);
    let rate = |row: &Row| rates.get(&key(row)).copied();
    let busy = |row: &Row| rate(row).map_or(0.0, |(hits, misses)| hits + misses);
    rows.sort_by(|a, b| busy(b).total_cmp(&busy(a)).then(b.calls().cmp(&a.calls())));

    let mut columns = namespace_columns();
    let per_second = |rate: Option<f64>| rate.map_or_else(|| "-".to_owned(), |rate| format!("{rate:.0}"));
    let hits = move |row: &Row| per_second(rate(row).map(|rate| rate.0));
    let misses = move |row: &Row| per_second(rate(row).map(|rate| rate.1));
    columns.insert(4, Column::number("HITS/S", 85, hits));
    columns.insert(5, Column::number("MISSES/S", 80, misses));
    if rows.iter().any(|row| row.store != rows[0].store) {
        columns.push(program_column());
    }
    let every = duration(interval.as_secs_f64());
    let mut text = format!("{}, every {every}; q quits\n", count(rows.len(), "namespace", "namespaces"));
    for failure in failures {
        // Writing to a string does not fail.
        let _ = writeln!(text, "error: {failure}");
    }
    text + "\n" + &render(columns, &rows, screen_width())
}

/// The last part of the store's directory, which in the default place is the name of the program.
fn program_column<'a>() -> Column<'a, Row> {
    let program = |row: &Row, width| cut(&row.store.rsplit('/').next().unwrap_or_default(), width);
    Column::text("STORE", 55, program)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(name: &str, hits: u64, misses: u64) -> Row {
        Row {
            store: "store".to_owned(),
            name: name.to_owned(),
            id: name.to_owned(),
            hits,
            misses,
            hit_ratio: None,
            currsize: 0,
            maxsize: None,
            weight: None,
            max_weight: None,
            ttl_seconds: None,
            bytes: None,
            idle_seconds: None,
            error: None,
        }
    }

    #[test]
    fn rates_are_those_since_the_last_look_and_none_for_what_was_not_there() {
        let mut seen = Seen::default();
        assert!(seen.rates(&[row("used", 10, 4), row("cleared", 7, 7)]).is_empty());
        seen.at = seen.at.and_then(|at| at.checked_sub(Duration::from_secs(2)));
        let rows = [row("used", 30, 4), row("cleared", 1, 0), row("new", 1, 1)];
        let rates = seen.rates(&rows);
        let (hits, misses) = rates[&key(&rows[0])];
        assert!(hits > 0.0 && hits <= 10.0, "{hits}");
        assert_eq!((misses, rates[&key(&rows[1])]), (0.0, (0.0, 0.0)));
        assert_eq!(rates.get(&key(&rows[2])), None);
    }
}
