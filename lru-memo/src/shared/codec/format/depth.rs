//! The limit of nesting in keys and values. Writer and reader use the same limit.
//!
//! Between two levels, the user's types take stack frames of unknown size. So the limit counts levels and also measures
//! the stack.

use core::ptr;

use serde::ser::Error as _;

use super::Unfit;
use crate::sys::fork::stack_end;

/// The maximum number of levels.
const LEVELS: usize = 128;
/// The maximum stack of all levels, in bytes. A thread with little stack left may use half of the rest.
const STACK: usize = 128 << 10;

/// The depth of a value inside other values.
#[derive(Debug, Clone, Copy)]
pub(super) struct Depth {
    levels: usize,
    /// The lowest address that the stack may reach. Stacks grow downwards on all systems with the standard library.
    floor: usize,
}

impl Depth {
    /// The depth of an outermost value.
    pub(super) const OUTSIDE: Self = Self { levels: 0, floor: 0 };

    /// Returns the next deeper level.
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

/// Returns an address near the top of the stack.
fn here() -> usize {
    let mark = 0_u8;
    ptr::from_ref(&mark).addr()
}
