//! Records: what a cache notes of each use, for the advice on its bound.

/// What a cache does with a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Use {
    /// A lookup has found it.
    Hit = 1,
    /// A lookup has not found it.
    Missed,
    /// It was stored, as the most recent one.
    Stored,
    /// A run has ended whose value is not to be stored.
    Unstored,
    /// It was invalidated.
    Left,
    /// All keys were invalidated, by a process of many.
    #[cfg(feature = "_stores")]
    Cleared,
}

#[cfg(feature = "_stores")]
impl Use {
    /// Returns the use with this number.
    pub(super) fn of(number: u8) -> Option<Self> {
        let all = [Self::Hit, Self::Missed, Self::Stored, Self::Unstored, Self::Left, Self::Cleared];
        all.into_iter().find(|used| *used as u8 == number)
    }
}

/// A use of a key in one word; 0 is none.
#[derive(Clone, Copy)]
pub(super) struct Record(u64);

impl Record {
    pub(super) fn new(key: u32, used: Use) -> Self {
        Self(u64::from(key) << 32 | used as u64)
    }

    /// Returns the record with this word, if it is one.
    pub(super) fn of(word: u64) -> Option<Self> {
        (word != 0).then_some(Self(word))
    }

    pub(super) fn word(self) -> u64 {
        self.0
    }

    /// Returns the key's hash and the use.
    pub(super) fn parts(self) -> (u32, Use) {
        let used = match self.0 as u32 {
            1 => Use::Hit,
            2 => Use::Missed,
            3 => Use::Stored,
            4 => Use::Unstored,
            #[cfg(feature = "_stores")]
            6 => Use::Cleared,
            _ => Use::Left,
        };
        ((self.0 >> 32) as u32, used)
    }
}
