//! How deeply values may be nested, for those that write and those that read them alike.
//!
//! Between two levels are frames of the user's types, whose length nobody knows. So the stack is measured as well.

use core::ptr;

use serde::ser::Error as _;

use super::Unfit;
use crate::fork::stack_end;

/// How many levels there may be.
const LEVELS: usize = 128;
/// How much stack they may take; of a thread that has little left, half of that.
const STACK: usize = 128 << 10;

/// How deep a value is nested in others.
#[derive(Debug, Clone, Copy)]
pub(super) struct Depth {
    levels: usize,
    /// Where the stack may reach: downwards, as it grows everywhere that the standard library runs.
    floor: usize,
}

impl Depth {
    /// Not in any.
    pub(super) const OUTSIDE: Self = Self { levels: 0, floor: 0 };

    /// One level deeper.
    ///
    /// # Errors
    /// When that is too deep.
    pub(super) fn deeper(self) -> Result<Self, Unfit> {
        let here = here();
        let floor = if self.levels == 0 { floor(here) } else { self.floor };
        if self.levels == LEVELS || here < floor {
            return Err(Unfit::custom("it is nested too deeply"));
        }
        Ok(Self { levels: self.levels + 1, floor })
    }
}

fn floor(here: usize) -> usize {
    let left = stack_end().map_or(usize::MAX, |end| here.saturating_sub(end));
    here.saturating_sub(STACK.min(left / 2))
}

/// About where the stack has grown to.
fn here() -> usize {
    let mark = 0_u8;
    ptr::from_ref(&mark).addr()
}
