//! `lru-memo get` and `lru-memo forget`: one key.

use crate::data::{Content, Forms, forms};
use crate::failure::Failure;
use crate::format::{id, name, visible};
use crate::output::{json, print};
use crate::row::FoundEntry;
use crate::sources::{FoundNamespace, Sources};

/// The number of entries whose keys are examined for their types.
const EXAMPLES: usize = 64;
/// The maximum number of missing keys to forget: more than a number has types.
const ABSENT: usize = 16;

type KeyValue = (Vec<u8>, Vec<u8>);

/// Prints the value of a key, from all namespaces with this name.
pub(crate) fn get(store: Option<&str>, wanted: &str, key: &str, as_json: bool) -> Result<(), Failure> {
    let mut sources = Sources::new(store);
    let mut entries = Vec::new();
    for found in &sources.find(wanted)? {
        for (key, value) in found.entries(&found.forms(key)?)? {
            entries.push(FoundEntry {
                store: found.source.label.clone(),
                name: found.summary.name.clone(),
                id: id(found.summary.id),
                key: Content::of_key(key),
                value: Some(Content::of_value(value)),
            });
        }
    }
    if entries.is_empty() {
        return Err(absent(wanted, key));
    }
    if as_json {
        return print(&json(&entries)?);
    }
    let is_one = entries.len() == 1;
    let text = |entry: &FoundEntry| {
        let prefix = format!("{} in {}: ", entry.id, visible(&entry.store));
        let value = entry.value.as_ref().map(|value| visible(&value.to_string())).unwrap_or_default();
        (if is_one { String::new() } else { prefix }) + &value + "\n"
    };
    print(&entries.iter().map(text).collect::<String>())
}

/// Removes the entry of a key. Changes several namespaces only with `all`.
pub(crate) fn forget(store: Option<&str>, wanted: &str, key: &str, all: bool) -> Result<(), Failure> {
    let mut sources = Sources::new(store);
    let mut told = String::new();
    for found in &sources.find_for_change(wanted, all)? {
        let forms = found.forms(key)?;
        let present: Vec<_> = found.entries(&forms)?.into_iter().map(|(key, _)| key).collect();
        let failed = |error| Failure::store(&found.source.label, &error);
        for key in &present {
            found.source.store.invalidate(&found.space, key).map_err(failed)?;
            told += &format!(
                "forgot {} in {} ({}) in {}\n",
                visible(&Content::of_key(key.clone()).to_string()),
                name(&found.summary.name),
                id(found.summary.id),
                visible(&found.source.label),
            );
        }
        // A missing key is invalidated as well, because its value may be being computed.
        let absent = if forms.likely.is_empty() { forms.others } else { forms.likely };
        if present.is_empty() && absent.len() <= ABSENT {
            for key in &absent {
                found.source.store.invalidate(&found.space, key).map_err(failed)?;
            }
        }
    }
    if told.is_empty() { Err(absent(wanted, key)) } else { print(&told) }
}

impl FoundNamespace<'_> {
    fn forms(&self, key: &str) -> Result<Forms, Failure> {
        let recent = self.source.store.recent(&self.space, EXAMPLES);
        let recent = recent.map_err(|error| Failure::store(&self.source.label, &error))?;
        let present: Vec<_> = recent.into_iter().map(|held| held.key).collect();
        forms(key, &present).map_err(|why| Failure::usage(format!("the key cannot be read: {why}")))
    }

    /// The existing entries.
    fn entries(&self, forms: &Forms) -> Result<Vec<KeyValue>, Failure> {
        for keys in [&forms.likely, &forms.others] {
            let mut entries = Vec::new();
            for key in keys {
                let value = self.source.store.peek(&self.space, key);
                let value = value.map_err(|error| Failure::store(&self.source.label, &error))?;
                entries.extend(value.map(|value| (key.clone(), value)));
            }
            if !entries.is_empty() {
                return Ok(entries);
            }
        }
        Ok(Vec::new())
    }
}

fn absent(wanted: &str, key: &str) -> Failure {
    Failure::not_found(format!("there is no entry `{}` in {}", name(key), name(wanted)))
}
