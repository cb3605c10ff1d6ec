//! The advice on the bounds of namespaces.

use std::collections::BTreeSet;

use lru_memo::CacheAdvice;
use lru_memo::shared::advice;
use serde::Serialize;

use crate::failure::Failure;
use crate::format::visible;
use crate::row::Row;
use crate::sources::FoundNamespace;

/// How much worse than an unbounded cache an advised bound may be.
const WITHIN: f64 = 0.01;

/// How many sizes a curve has for each doubling.
const STEPS: f64 = 16.0;

/// The advice on the bound of one namespace.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Advice {
    /// The smallest bound that is within 1 % of an unbounded cache.
    pub(crate) smallest: usize,
    /// The calls that were seen.
    pub(crate) observed: u64,
    pub(crate) unbounded_hit_ratio: f64,
    /// At powers of two, and at some multiples of the present bound.
    pub(crate) hit_ratios: Vec<Point>,
    #[serde(skip)]
    text: String,
}

/// The hit ratio of a bound.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct Point {
    pub(crate) maxsize: usize,
    pub(crate) hit_ratio: f64,
}

/// A namespace with its advice.
#[derive(Serialize)]
pub(crate) struct Advised {
    store: String,
    name: String,
    id: String,
    pub(crate) maxsize: Option<usize>,
    #[serde(flatten)]
    pub(crate) advice: Advice,
    #[serde(skip)]
    pub(crate) title: String,
    #[serde(skip)]
    pub(crate) curve: Vec<Point>,
}

/// Returns the advice of a namespace, if it has some.
pub(crate) fn find(found: &FoundNamespace<'_>) -> Result<Option<CacheAdvice>, Failure> {
    let failed = |error| Failure::store(&found.source.label, &error);
    advice(&*found.source.store, &found.space).map_err(failed)
}

impl Row {
    /// The row of a namespace with the advised bound, if the store has some advice.
    pub(crate) fn advised(found: &FoundNamespace<'_>) -> Self {
        let advice = find(found).ok().flatten();
        Self { advised: advice.map(|advice| advice.smallest(WITHIN)), ..Self::new(found) }
    }
}

impl Advice {
    pub(crate) fn new(advice: &CacheAdvice, maxsize: Option<usize>) -> Self {
        let at = |maxsize| Point { maxsize, hit_ratio: advice.hit_ratio(maxsize) };
        let end = advice.smallest(0.0);
        let mut sizes: BTreeSet<usize> = (0..usize::BITS).map(|bit| 1 << bit).collect();
        // The first one at which the curve has ended is the last.
        let last = sizes.iter().copied().find(|&size| size >= end).unwrap_or(usize::MAX);
        sizes.retain(|&size| size <= last);
        if let Some(maxsize) = maxsize {
            sizes.extend([maxsize.div_ceil(2), maxsize]);
            sizes.extend([2, 4, 8].map(|times| maxsize.saturating_mul(times)));
        }
        Self {
            smallest: advice.smallest(WITHIN),
            observed: advice.observed(),
            unbounded_hit_ratio: advice.hit_ratio(usize::MAX),
            hit_ratios: sizes.into_iter().map(at).collect(),
            text: advice.to_string(),
        }
    }
}

impl Advised {
    pub(crate) fn of(found: &FoundNamespace<'_>) -> Result<Option<Self>, Failure> {
        let Some(advice) = find(found)? else { return Ok(None) };
        let row = Row::new(found);
        let title = row.title();
        let Row { store, name, id, maxsize, .. } = row;
        let end = maxsize.unwrap_or(1).saturating_mul(8).max(advice.smallest(0.0)).max(8);
        let at = |maxsize| Point { maxsize, hit_ratio: advice.hit_ratio(maxsize) };
        let mut sizes: BTreeSet<usize> = sizes(end).into_iter().collect();
        sizes.extend(
            maxsize.filter(|&maxsize| maxsize > 0).into_iter().chain([advice.smallest(WITHIN).max(1)]),
        );
        let curve = sizes.into_iter().map(at).collect();
        Ok(Some(Self { store, name, id, maxsize, advice: Advice::new(&advice, maxsize), title, curve }))
    }

    /// Returns the advice as a table, under the title.
    pub(crate) fn text(&self) -> String {
        let lines: String = self.advice.text.lines().map(|line| format!("  {line}\n")).collect();
        format!("{} ({})\n{lines}", self.title, visible(&self.store))
    }
}

/// Returns the sizes of a curve, up to this one.
fn sizes(end: usize) -> Vec<usize> {
    let steps = ((end as f64).log2() * STEPS).ceil() as u32;
    let mut sizes: Vec<usize> =
        (0..=steps).map(|step| (f64::from(step) / STEPS).exp2().round() as usize).collect();
    sizes.dedup();
    sizes
}
