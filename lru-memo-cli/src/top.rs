//! `lru-memo top`.

mod dashboard;
mod history;
mod order;

use std::cmp::Reverse;
use std::time::{Duration, Instant};

use crate::clear::clear_one;
use crate::failure::Failure;
use crate::list::print_all;
use crate::row::{FullId, Row};
use crate::sources::Sources;
use crate::terminal::{Screen, Wake};

use dashboard::{Dashboard, Wish};

/// Prints the table once, the functions with the most calls first.
pub(crate) fn once(store: Option<&str>, as_json: bool) -> Result<(), Failure> {
    print_all(store, as_json, |rows| rows.sort_by_key(|row| Reverse(row.calls())))
}

/// Shows the table until the user quits.
pub(crate) fn live(store: Option<&str>, interval: Duration) -> Result<(), Failure> {
    let mut sources = Sources::new(store);
    // An error at the start is reported before the screen changes, so that it stays visible.
    sources.look()?;
    let mut screen = Screen::open()?;
    let mut dashboard = Dashboard::new(interval);
    loop {
        look(&mut sources, &mut dashboard);
        let next = Instant::now() + interval;
        loop {
            screen.show(|width, height| dashboard.page(width, height))?;
            let wish = match screen.wait(next)? {
                Wake::Resized => continue,
                Wake::Time => break,
                Wake::Quit => return Ok(()),
                Wake::Key(key) => dashboard.press(key),
            };
            match wish {
                Wish::Nothing => {}
                Wish::Quit => return Ok(()),
                Wish::Clear(full_id) => {
                    dashboard.tell(clear(&mut sources, &full_id));
                    break;
                }
            }
        }
    }
}

fn look(sources: &mut Sources, dashboard: &mut Dashboard) {
    let (rows, failures) = match sources.look() {
        Ok(look) => (look.found.iter().map(Row::advised).collect(), look.failures),
        Err(failure) => (Vec::new(), vec![failure]),
    };
    dashboard.update(rows, failures.iter().map(ToString::to_string).collect(), Instant::now());
}

/// Clears the selected namespace, and returns a message.
fn clear(sources: &mut Sources, full_id: &FullId) -> String {
    let cleared = sources.look().and_then(|look| {
        let found = look.found.iter().find(|found| Row::new(found).full_id() == *full_id);
        found.map_or_else(|| Err(Failure::not_found("the namespace is gone")), clear_one)
    });
    cleared.unwrap_or_else(|failure| format!("error: {failure}"))
}
