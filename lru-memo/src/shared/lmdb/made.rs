//! The parameters of a store, which all its processes must agree on. They are written once, when the store is made, as
//! text. They outlive the table: a durable store gets a new one after a reboot, with the same seed.

use alloc::format;
use alloc::string::String;
use core::time::Duration;
use std::collections::hash_map::RandomState;
use std::fs::File;
use std::hash::BuildHasher;
use std::io::{self, Read, Write};
use std::path::Path;

use super::directory::{failed, open_file};
use super::options::Options;
use crate::shared::error::{Error, Kind};

/// The maximum length of the file.
const LONGEST: u64 = 200;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Made {
    /// The requested size.
    pub(super) size: usize,
    /// The size of LMDB's map. It may be smaller than requested, because of a limit on the length of files.
    pub(super) map_size: usize,
    /// The seed of the hashes of keys.
    pub(super) seed: [u64; 2],
    /// Whether each change is on the disk before its call returns.
    pub(super) durable: bool,
    /// After how many seconds an unused namespace may be removed.
    pub(super) unused: u64,
}

/// Which options the URL has set. An existing store is checked against these only.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Explicit {
    pub(super) size: bool,
    pub(super) durable: bool,
    pub(super) unused: bool,
}

impl Made {
    /// Returns the parameters of a new store with these options.
    pub(super) fn new(options: &Options) -> Self {
        let map_size = 2 * options.size.next_multiple_of(1 << 16);
        let (size, durable, unused) = (options.size, options.durable, options.unused.as_secs());
        Self { size, map_size, seed: random_seed(), durable, unused }
    }

    fn text(&self) -> String {
        let Self { size, map_size, seed: [first, second], durable, unused } = self;
        format!("size={size}&map={map_size}&seed={first}&seed2={second}&durable={durable}&unused={unused}\n")
    }

    fn of_text(text: &str) -> Option<Self> {
        let mut numbers = text.strip_suffix('\n')?.split('&').map(|part| part.split_once('='));
        let mut next = |name| numbers.next()?.filter(|(found, _)| *found == name).map(|(_, value)| value);
        let made = Self {
            size: next("size")?.parse().ok()?,
            map_size: next("map")?.parse().ok()?,
            seed: [next("seed")?.parse().ok()?, next("seed2")?.parse().ok()?],
            durable: next("durable")?.parse().ok()?,
            unused: next("unused")?.parse().ok()?,
        };
        (made.text() == text).then_some(made)
    }

    /// Reads the file. Returns `None` if it is missing or broken.
    pub(super) fn read(path: &Path) -> io::Result<Option<Self>> {
        let mut text = String::new();
        match File::open(path).and_then(|file| file.take(LONGEST).read_to_string(&mut text)) {
            Ok(_) => Ok(Self::of_text(&text)),
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::InvalidData) => {
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Writes the file, and syncs it if the store is durable.
    pub(super) fn write(&self, path: &Path) -> Result<(), Error> {
        let mut file = open_file(path, true)?;
        let written = file
            .write_all(self.text().as_bytes())
            .and_then(|()| if self.durable { file.sync_all() } else { Ok(()) });
        written.map_err(|error| failed("write", path, &error))
    }

    /// Fails if the URL sets an option to another value than the store was made with.
    pub(super) fn check(&self, directory: &Path, options: &Options, explicit: Explicit) -> Result<(), Error> {
        let unused = Duration::from_secs(self.unused);
        let refused = |made: String, explicit: String| {
            let directory = directory.display();
            let message = format!(
                "the store in {directory} was made with {made}; remove `?{explicit}`, or clear the directory"
            );
            Err(Error::new(Kind::Url, message))
        };
        if explicit.size && options.size != self.size {
            return refused(size(self.size), size(options.size));
        }
        if explicit.durable && options.durable != self.durable {
            return refused(format!("durable={}", self.durable), format!("durable={}", options.durable));
        }
        if explicit.unused && options.unused != unused {
            return refused(time(unused), time(options.unused));
        }
        Ok(())
    }
}

/// Syncs the names in a directory to the disk.
pub(super) fn sync_directory(directory: &Path) {
    // A file system that cannot sync a directory gives no durability anyway.
    let _ = File::open(directory).and_then(|directory| directory.sync_all());
}

fn size(bytes: usize) -> String {
    let units = [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
    let (unit, name) = units.into_iter().find(|(unit, _)| bytes % unit == 0).unwrap_or((1, ""));
    format!("size={}{name}", bytes / unit)
}

fn time(time: Duration) -> String {
    let seconds = time.as_secs();
    if seconds % 86_400 == 0 { format!("unused={}d", seconds / 86_400) } else { format!("unused={seconds}s") }
}

/// Returns a random number; each `what` gives another one.
pub(super) fn random(what: u8) -> u64 {
    RandomState::new().hash_one(what)
}

pub(super) fn random_seed() -> [u64; 2] {
    [random(2), random(3)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_made_is_read_as_written_and_nothing_else_is() {
        let made = Made { size: 1 << 30, map_size: 1 << 21, seed: [u64::MAX, 7], durable: true, unused: 5 };
        let text = made.text();
        assert!(text.len() as u64 <= LONGEST);
        assert_eq!(Made::of_text(&text), Some(made));
        for end in 0..text.len() {
            assert_eq!(Made::of_text(&text[..end]), None);
        }
        assert_eq!(Made::of_text(&text.replace("size=", "size=+")), None);
    }
}
