//! Which computations are under way, and which keys were invalidated meanwhile: a value computed before a clear,
//! or before an invalidation of its key, must not be stored after it.
//!
//! Time is cut into eras. A computation belongs to the era in which it began; an invalidation closes the newest
//! era and leaves its key there; a clear forgets all eras. An era is kept only while a computation that began in
//! it or before it is running, so the list is as long as the invalidations since the oldest of those: when there
//! is more than one era, something runs in the oldest.

use alloc::collections::VecDeque;

/// The era in which a computation began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Era(u64);

struct Span<I> {
    running: usize,
    /// What ended this era; only the newest has not ended.
    ended_by: Option<I>,
}

/// The computations under way, and the invalidations `I` that concern them.
pub(crate) struct Running<I> {
    /// The number of the oldest era that is kept.
    first: u64,
    spans: VecDeque<Span<I>>,
}

impl<I> Running<I> {
    pub(crate) const fn new() -> Self {
        Self { first: 0, spans: VecDeque::new() }
    }

    /// Notes that a computation begins.
    #[inline(never)]
    pub(crate) fn begin(&mut self) -> Era {
        if self.spans.is_empty() {
            self.spans.push_back(Span { running: 0, ended_by: None });
        }
        let newest = self.spans.len() - 1;
        self.spans[newest].running += 1;
        Era(self.first + newest as u64)
    }

    /// Notes that a computation has ended, and hands back what is of no concern any more.
    #[must_use = "dropping an invalidation runs the key's own code: do it outside of every lock"]
    pub(crate) fn end(&mut self, era: Era) -> VecDeque<I> {
        let mut forgotten = VecDeque::new();
        if let Some(span) = self.position(era).and_then(|at| self.spans.get_mut(at)) {
            span.running -= 1;
            while self.spans.len() > 1 && self.spans[0].running == 0 {
                forgotten.extend(self.spans.pop_front().and_then(|span| span.ended_by));
                self.first += 1;
            }
        }
        forgotten
    }

    /// Whether anything is running that an invalidation could concern.
    pub(crate) fn any(&self) -> bool {
        self.spans.front().is_some_and(|oldest| oldest.running > 0)
    }

    /// Notes an invalidation: it concerns all computations that are running now. There must be [`any`](Self::any).
    pub(crate) fn invalidate(&mut self, by: I) {
        let newest = self.spans.back_mut().expect("a computation is running");
        newest.ended_by = Some(by);
        self.spans.push_back(Span { running: 0, ended_by: None });
    }

    /// Forgets all computations: none that is running now will be stored.
    #[must_use = "dropping an invalidation runs the key's own code: do it outside of every lock"]
    pub(crate) fn clear(&mut self) -> impl Sized + use<I> {
        self.first += self.spans.len() as u64;
        core::mem::take(&mut self.spans)
    }

    /// The invalidations since a computation began, or `None` when everything was cleared since.
    pub(crate) fn since(&self, era: Era) -> Option<impl Iterator<Item = &I>> {
        let from = self.position(era)?;
        Some(self.spans.iter().skip(from).filter_map(|span| span.ended_by.as_ref()))
    }

    fn position(&self, era: Era) -> Option<usize> {
        let at = era.0.checked_sub(self.first)?;
        usize::try_from(at).ok().filter(|&at| at < self.spans.len())
    }
}
