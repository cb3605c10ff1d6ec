//! The stores that the command shows, and their namespaces.

use lru_memo::shared::{Namespace, Store, Summary, attach, redacted, stores};

use crate::failure::Failure;
use crate::format::{id, name, visible};

/// An open store.
pub(crate) struct Source {
    url: String,
    /// The URL, for people.
    pub(crate) label: String,
    pub(crate) store: Box<dyn Store>,
}

/// The open stores.
pub(crate) struct Sources {
    chosen: Option<String>,
    open: Vec<Source>,
}

/// A namespace, with its store.
pub(crate) struct FoundNamespace<'a> {
    pub(crate) source: &'a Source,
    pub(crate) summary: Summary,
    pub(crate) space: Namespace,
}

/// The namespaces of all stores, and the errors of those that do not work: these hide no other store.
pub(crate) struct Look<'a> {
    pub(crate) found: Vec<FoundNamespace<'a>>,
    pub(crate) failures: Vec<Failure>,
}

impl Sources {
    /// The chosen store, or those in the default place.
    pub(crate) fn new(chosen: Option<&str>) -> Self {
        // An empty variable counts as unset, as in programs.
        Self { chosen: chosen.filter(|url| !url.is_empty()).map(str::to_owned), open: Vec::new() }
    }

    /// Lists all namespaces, ordered by store, name and id. Opens stores that are new.
    ///
    /// # Errors
    /// When there is no store.
    pub(crate) fn look(&mut self) -> Result<Look<'_>, Failure> {
        let mut failures = self.open_all()?;
        let mut found = Vec::new();
        for source in &self.open {
            match source.store.namespaces() {
                Ok(all) => {
                    let unreadable =
                        all.iter().filter_map(|summary| Some((summary, summary.error.as_ref()?)));
                    failures.extend(
                        unreadable.map(|(summary, error)| Failure::namespace(&source.label, summary, error)),
                    );
                    let with_space =
                        |summary: Summary| FoundNamespace { source, space: summary.namespace(), summary };
                    found.extend(all.into_iter().map(with_space));
                }
                Err(error) => failures.push(Failure::store(&source.label, &error)),
            }
        }
        found.sort_by(|a, b| {
            let order = |found: &FoundNamespace<'_>| (found.source.label.clone(), found.summary.name.clone());
            order(a).cmp(&order(b)).then(a.summary.id.cmp(&b.summary.id))
        });
        Ok(Look { found, failures })
    }

    /// Finds namespaces by their name, or one by the first digits of its id.
    ///
    /// # Errors
    /// When there is no such namespace, or a store does not work.
    pub(crate) fn find(&mut self, wanted: &str) -> Result<Vec<FoundNamespace<'_>>, Failure> {
        let Look { found, failures } = self.look()?;
        let is_named = found.iter().any(|found| found.summary.name == wanted);
        let digits = wanted.to_ascii_lowercase();
        let is_wanted = |summary: &Summary| {
            let is_id = digits.len() >= 4 && id(summary.id).starts_with(&digits);
            if is_named { summary.name == wanted } else { is_id }
        };
        let found: Vec<_> = found.into_iter().filter(|found| is_wanted(&found.summary)).collect();
        if found.is_empty() {
            finish(failures)?;
            return Err(Failure::not_found(format!(
                "there is no namespace `{}`: `lru-memo ls` lists all",
                name(wanted)
            )));
        }
        failures.iter().for_each(Failure::report);
        Ok(found)
    }

    /// Like [`find`](Self::find), for changing namespaces: finds several only with `all`.
    pub(crate) fn find_for_change(
        &mut self,
        wanted: &str,
        all: bool,
    ) -> Result<Vec<FoundNamespace<'_>>, Failure> {
        let found = self.find(wanted)?;
        if found.len() > 1 && !all {
            return Err(ambiguous(wanted, &found));
        }
        Ok(found)
    }

    /// Opens the stores that are not open yet, and returns the errors.
    fn open_all(&mut self) -> Result<Vec<Failure>, Failure> {
        if let Some(url) = &self.chosen {
            if self.open.is_empty() {
                self.open.push(Source::open(url)?);
            }
            return Ok(Vec::new());
        }
        let urls = stores().map_err(|error| Failure::store("the default place", &error))?;
        self.open.retain(|source| urls.contains(&source.url));
        let mut failures = Vec::new();
        for url in &urls {
            if self.open.iter().all(|source| source.url != *url) {
                match Source::open(url) {
                    Ok(source) => self.open.push(source),
                    Err(failure) => failures.push(failure),
                }
            }
        }
        if self.open.is_empty() && failures.is_empty() {
            return Err(Failure::not_found(
                "no program of yours has a store in the default place: `--store URL` names another",
            ));
        }
        Ok(failures)
    }
}

impl Source {
    fn open(url: &str) -> Result<Self, Failure> {
        // Not checked by the parser of the command line, whose error would quote what may be a password.
        if !url.contains("://") {
            return Err(Failure::usage(
                "the store is not a URL; that of a directory is `file:///the/directory`",
            ));
        }
        let label = label(url);
        let store = attach(url).map_err(|error| Failure::store(&label, &error))?;
        Ok(Self { url: url.to_owned(), label, store })
    }
}

fn ambiguous(wanted: &str, found: &[FoundNamespace<'_>]) -> Failure {
    let told =
        found.iter().map(|found| format!("\n  {} in {}", id(found.summary.id), visible(&found.source.label)));
    let told: String = told.collect();
    Failure::usage(format!(
        "there are {} namespaces `{}`: give an id instead, or `--all`{told}",
        found.len(),
        name(wanted)
    ))
}

/// Returns the failure with the highest exit code, and reports the others.
pub(crate) fn finish(mut failures: Vec<Failure>) -> Result<(), Failure> {
    failures.sort_by_key(Failure::code);
    let worst = failures.pop();
    failures.iter().for_each(Failure::report);
    worst.map_or(Ok(()), Err)
}

/// Returns the directory of a `file://` URL, or another URL without its password.
fn label(url: &str) -> String {
    let directory =
        url.strip_prefix("file://").map(|rest| rest.split_once('?').map_or(rest, |(path, _)| path));
    directory.map_or_else(|| redacted(url), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::{finish, label};
    use crate::failure::Failure;

    #[test]
    fn of_several_failures_the_one_with_the_highest_exit_code_counts() {
        let failures = || vec![Failure::usage("a"), Failure::not_found("b")];
        assert_eq!(finish(failures()).map_err(|failure| failure.code()), Err(2));
        assert_eq!(finish(failures().into_iter().rev().collect()).map_err(|failure| failure.code()), Err(2));
        assert!(finish(Vec::new()).is_ok());
    }

    #[test]
    fn a_label_has_no_password_and_no_options_but_the_prefix() {
        assert_eq!(label("file:///var/cache/app?size=8MiB"), "/var/cache/app");
        assert_eq!(label("redis://me:secret@host:6379/0?x=y"), "redis://***@host:6379/0");
        assert_eq!(label("memcached://a:1,b:2?prefix=shop1"), "memcached://a:1,b:2?prefix=shop1");
    }
}
