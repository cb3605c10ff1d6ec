//! The meta commands of Memcached, and its answers. Commands of one batch are answered in their order.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::super::error::{Error, Kind};
use super::watched::FOR_EVER;

/// Commands that are sent together.
#[derive(Default)]
pub(super) struct Batch {
    pub(super) bytes: Vec<u8>,
    pub(super) commands: usize,
}

/// The condition for writing an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum When {
    /// The item does not exist.
    Absent,
    /// The item still has this number.
    Unchanged(u64),
    Always,
}

/// The answer to one command.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// A value, with the number of the item.
    Value(Vec<u8>, u64),
    /// The command is done. A written item has this number.
    Done(u64),
    /// The number of an item, and its remaining seconds, or [`FOR_EVER`].
    Lasts(u64, u64),
    /// The condition is not met.
    Refused,
    /// There is no such item.
    Missing,
    /// The server has failed.
    Failed(Error),
}

impl Batch {
    pub(super) fn new() -> Self {
        Self::default()
    }

    /// Asks for an item.
    pub(super) fn get(&mut self, name: &str) {
        self.line(format!("mg {name} v c"));
    }

    /// Asks whether there is an item.
    pub(super) fn probe(&mut self, name: &str) {
        self.line(format!("mg {name} c"));
    }

    /// Renews an item for so many seconds from now, and asks for its number, which does not change.
    pub(super) fn keep(&mut self, name: &str, seconds: u32) {
        self.line(format!("mg {name} c T{seconds}"));
    }

    /// Asks for an item's number and its remaining seconds.
    pub(super) fn watch(&mut self, name: &str) {
        self.line(format!("mg {name} c t"));
    }

    /// Writes an item for so many seconds; 0 stands for no expiry.
    pub(super) fn set(&mut self, name: &str, value: &[u8], when: When, seconds: u32) {
        let length = value.len();
        self.line(match when {
            When::Absent => format!("ms {name} {length} c T{seconds} ME"),
            When::Unchanged(number) => format!("ms {name} {length} c T{seconds} C{number}"),
            When::Always => format!("ms {name} {length} c T{seconds}"),
        });
        self.bytes.extend_from_slice(value);
        self.bytes.extend_from_slice(b"\r\n");
    }

    pub(super) fn delete(&mut self, name: &str) {
        self.line(format!("md {name}"));
    }

    /// Deletes an item if it still has this number.
    pub(super) fn delete_unchanged(&mut self, name: &str, number: u64) {
        self.line(format!("md {name} C{number}"));
    }

    /// Adds to a counter, and makes it if it is missing. A negative number is subtracted from an existing counter.
    pub(super) fn count(&mut self, name: &str, by: i64) {
        let magnitude = by.unsigned_abs();
        self.line(match by {
            0.. => format!("ma {name} N0 J{magnitude} D{magnitude}"),
            _ => format!("ma {name} MD D{magnitude}"),
        });
    }

    fn line(&mut self, line: String) {
        self.bytes.extend_from_slice(line.as_bytes());
        self.bytes.extend_from_slice(b"\r\n");
        self.commands += 1;
    }
}

/// The first line of an answer.
pub(super) enum Head {
    /// `length` bytes and the end of a line follow.
    Value {
        length: usize,
        number: u64,
    },
    Whole(Answer),
}

/// The maximum length of an item on any server.
const LONGEST: usize = 1 << 30;

/// Parses the first line of an answer. Returns `None` if it is not one.
pub(super) fn head(line: &[u8]) -> Option<Head> {
    let line = core::str::from_utf8(line).ok()?;
    let mut words = line.split(' ');
    let code = words.next()?;
    let answer = match code {
        "VA" => {
            let length = words.next()?.parse().ok().filter(|&length| length <= LONGEST)?;
            return Some(Head::Value { length, number: number(words) });
        }
        "HD" => match flag(words.clone(), 't') {
            Some(seconds) => Answer::Lasts(number(words), seconds.parse().unwrap_or(FOR_EVER)),
            None => Answer::Done(number(words)),
        },
        "NS" | "EX" => Answer::Refused,
        "EN" | "NF" => Answer::Missing,
        "SERVER_ERROR" => Answer::Failed(failure(line)),
        _ => return None,
    };
    Some(Head::Whole(answer))
}

fn number<'a>(flags: impl Iterator<Item = &'a str>) -> u64 {
    flag(flags, 'c').and_then(|number| number.parse().ok()).unwrap_or(0)
}

/// Returns the text after the letter of a flag.
fn flag<'a>(mut flags: impl Iterator<Item = &'a str>, letter: char) -> Option<&'a str> {
    flags.find_map(|flag| flag.strip_prefix(letter))
}

fn failure(line: &str) -> Error {
    let is_full = ["memory", "large"].iter().any(|word| line.contains(word));
    let kind = if is_full { Kind::Full } else { Kind::Unavailable };
    Error::new(kind, format!("Memcached says: {line}"))
}

impl Answer {
    /// Returns the value and the item's number, if there is one.
    pub(super) fn value(self) -> Result<Option<(Vec<u8>, u64)>, Error> {
        match self {
            Self::Value(bytes, number) => Ok(Some((bytes, number))),
            Self::Failed(error) => Err(error),
            _ => Ok(None),
        }
    }

    /// Returns the item's number if the command was done.
    pub(super) fn done(self) -> Result<Option<u64>, Error> {
        match self {
            Self::Done(number) => Ok(Some(number)),
            Self::Failed(error) => Err(error),
            _ => Ok(None),
        }
    }

    /// Returns the number of an item, and its remaining seconds.
    pub(super) fn lasts(self) -> Result<Option<(u64, u64)>, Error> {
        match self {
            Self::Lasts(number, seconds) => Ok(Some((number, seconds))),
            Self::Failed(error) => Err(error),
            _ => Ok(None),
        }
    }

    /// Returns the value of a counter, or zero if it is missing.
    pub(super) fn counter(self) -> Result<u64, Error> {
        let Some((bytes, _)) = self.value()? else { return Ok(0) };
        // Memcached leaves a blank when a counter loses a digit.
        let digits = core::str::from_utf8(&bytes).ok().map(str::trim_ascii_end);
        Ok(digits.and_then(|digits| digits.parse().ok()).unwrap_or(0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_written_as_memcached_reads_them() {
        let mut batch = Batch::new();
        batch.get("a");
        batch.keep("b", 3);
        batch.watch("b");
        batch.set("c", b"12\r\n3", When::Unchanged(7), 0);
        batch.set("d", b"", When::Absent, 9);
        batch.delete("e");
        batch.delete_unchanged("f", 8);
        batch.count("g", 2);
        batch.count("h", -1);
        let expected = "mg a v c\r\nmg b c T3\r\nmg b c t\r\nms c 5 c T0 C7\r\n12\r\n3\r\nms d 0 c T9 ME\r\n\r\nmd e\r\n\
                        md f C8\r\nma g N0 J2 D2\r\nma h MD D1\r\n";
        assert_eq!((core::str::from_utf8(&batch.bytes), batch.commands), (Ok(expected), 9));
    }

    #[test]
    fn what_is_no_answer_is_not_taken_for_one() {
        for line in [
            "",
            "VA",
            "VA x c1",
            "VA 99999999999 c1",
            "hd",
            "HTTP/1.1 400 Bad Request",
            "ERROR",
            "CLIENT_ERROR x",
        ] {
            assert!(head(line.as_bytes()).is_none(), "{line}");
        }
        assert!(head(b"HD\xff").is_none());
        assert!(matches!(head(b"VA 3 c12 W"), Some(Head::Value { length: 3, number: 12 })));
        assert!(matches!(head(b"HD c12 t3"), Some(Head::Whole(Answer::Lasts(12, 3)))));
        assert!(matches!(head(b"HD c12 t-1"), Some(Head::Whole(Answer::Lasts(12, FOR_EVER)))));
        let full = head(b"SERVER_ERROR out of memory storing object");
        assert!(matches!(full, Some(Head::Whole(Answer::Failed(error))) if error.kind() == Kind::Full));
    }

    #[test]
    fn a_counter_may_end_with_a_blank() {
        assert_eq!(Answer::Value(b"9 ".to_vec(), 1).counter(), Ok(9));
        assert_eq!(Answer::Value(b"nine".to_vec(), 1).counter(), Ok(0));
        assert_eq!(Answer::Missing.counter(), Ok(0));
    }
}
