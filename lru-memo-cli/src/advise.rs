//! `lru-memo advise`.

mod picture;

use std::path::Path;

use crate::advice::Advised;
use crate::failure::Failure;
use crate::output::{json, print};
use crate::sources::{Sources, finish};

/// Shows the advice on one function, or on all that have some, and draws a picture of it.
pub(crate) fn advise(
    store: Option<&str>,
    wanted: Option<&str>,
    as_json: bool,
    svg: Option<&Path>,
) -> Result<(), Failure> {
    let mut sources = Sources::new(store);
    let (found, failures) = match wanted {
        Some(wanted) => (sources.find(wanted)?, Vec::new()),
        None => {
            let look = sources.look()?;
            (look.found, look.failures)
        }
    };
    let mut advised = Vec::new();
    for found in &found {
        advised.extend(Advised::of(found)?);
    }
    if advised.is_empty() {
        finish(failures)?;
        let message = "no such function has advice: a function needs `advise = true`, and calls";
        return Err(Failure::not_found(message));
    }
    if let Some(path) = svg {
        picture::draw(path, &advised)?;
    }
    if as_json {
        print(&json(&advised)?)?;
    } else {
        let texts: Vec<_> = advised.iter().map(Advised::text).collect();
        print(&texts.join("\n"))?;
    }
    finish(failures)
}
