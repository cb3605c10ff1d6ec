//! What is run on a cache, made of arbitrary bytes.

use arbitrary::{Arbitrary, Result, Unstructured};
use lru_memo_tests::model::{Body, Ending, Operation};

use crate::subjects::SUBJECTS;
use crate::trap::Hook;

/// Keys are smaller than this: few enough to meet again, more than any bounded cache holds.
pub(crate) const KEYS: u8 = 7;

/// The hooks that may panic. The function is not among them: it ends as its operation says.
const HOOKS: [Hook; 6] =
    [Hook::Hash, Hook::Eq, Hook::CloneKey, Hook::CloneValue, Hook::DropKey, Hook::DropValue];

/// How deep operations may run inside of others.
const DEPTH: usize = 4;

#[derive(Debug)]
pub(crate) struct Program {
    /// Where among the [`SUBJECTS`].
    pub(crate) subject: usize,
    pub(crate) steps: Vec<Step>,
}

#[derive(Debug)]
pub(crate) struct Step {
    pub(crate) operation: Operation,
    /// The hook that panics, and how often it is passed before.
    pub(crate) trap: Option<(Hook, u32)>,
}

impl<'a> Arbitrary<'a> for Program {
    fn arbitrary(bytes: &mut Unstructured<'a>) -> Result<Self> {
        let subject = bytes.choose_index(SUBJECTS.len())?;
        let mut steps = Vec::new();
        while !bytes.is_empty() {
            steps.push(step(bytes)?);
        }
        Ok(Self { subject, steps })
    }
}

fn step(bytes: &mut Unstructured<'_>) -> Result<Step> {
    let trap =
        if bytes.ratio(1_u8, 4)? { Some((*bytes.choose(&HOOKS)?, bytes.int_in_range(0..=3)?)) } else { None };
    let mut operation = operation(bytes, DEPTH)?;
    if let (Some(_), Operation::Call(_, body) | Operation::Refresh(_, body)) = (trap, &mut operation) {
        // One panic at a time, in the step itself: a second one would abort, and one inside of another operation
        // would leave too much open.
        body.meanwhile.clear();
        if body.ending == Ending::Panics {
            body.ending = Ending::Fails;
        }
    }
    Ok(Step { operation, trap })
}

fn operation(bytes: &mut Unstructured<'_>, depth: usize) -> Result<Operation> {
    let kind = bytes.int_in_range(0..=31)?;
    match kind {
        27..=30 => return Ok(Operation::Advance(bytes.int_in_range(0..=7)?)),
        31 => return Ok(Operation::Clear),
        _ => {}
    }
    let key = bytes.int_in_range(0..=KEYS - 1)?;
    Ok(match kind {
        0..=14 => Operation::Call(key, body(bytes, depth)?),
        15..=17 => Operation::Refresh(key, body(bytes, depth)?),
        18 | 19 => Operation::Peek(key),
        20..=23 => Operation::Put(key),
        _ => Operation::Invalidate(key),
    })
}

fn body(bytes: &mut Unstructured<'_>, depth: usize) -> Result<Body> {
    let kind: u8 = bytes.arbitrary()?;
    let ending = match kind % 8 {
        6 => Ending::Fails,
        7 => Ending::Panics,
        _ => Ending::Returns,
    };
    // Mostly none, so that programs are long rather than deep.
    let count = (kind / 8).saturating_sub(24) / 2;
    let mut meanwhile = Vec::new();
    if depth > 0 {
        for _ in 0..count {
            meanwhile.push(operation(bytes, depth - 1)?);
        }
    }
    Ok(Body { meanwhile, ending })
}
