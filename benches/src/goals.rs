//! The goals, and whether they are met. A time that misses its goal is reported and is no failure, because the machine
//! may be the cause.

use crate::contenders::Kind;
use crate::results::{Figures, Measured, Verdict};

/// A goal of a contender with so many threads.
pub(crate) struct Goal {
    pub(crate) threads: usize,
    pub(crate) contender: &'static str,
    pub(crate) bound: Bound,
}

pub(crate) enum Bound {
    /// At most so many times the baseline's time.
    OfBaseline(f64),
    /// Less time than each of these contenders.
    AheadOf(&'static [Kind]),
    /// At most so many allocations per call.
    Allocations(f64),
}

/// Returns the goals for the measured number of threads.
pub(crate) fn judge<'g>(
    goals: &'g [Goal],
    measured: &'g Measured,
) -> impl Iterator<Item = Verdict> + use<'g> {
    goals.iter().filter(|goal| goal.threads == measured.threads).map(|goal| goal.judge(measured))
}

impl Goal {
    fn judge(&self, measured: &Measured) -> Verdict {
        let figures = &measured.figures;
        let ours = figures.iter().find(|it| it.contender == self.contender).expect("goals name contenders");
        let (goal, found, met) = match self.bound {
            Bound::OfBaseline(most) => {
                let found = format!("{:.2} x", ours.ratio);
                (format!("at most {most:.1} x {}", measured.baseline), found, ours.ratio <= most)
            }
            Bound::AheadOf(kinds) => ahead_of(kinds, ours, figures),
            Bound::Allocations(most) => {
                let found = ours.allocations.expect("they are counted in our own process");
                (format!("at most {most} allocations"), found.to_string(), found <= most)
            }
        };
        let goal = format!("{}: {goal}", self.contender);
        Verdict { row: row_and_threads(&measured.row, measured.threads), goal, found, met }
    }
}

fn ahead_of(kinds: &[Kind], ours: &Figures, figures: &[Figures]) -> (String, String, bool) {
    let others = figures.iter().filter(|it| kinds.contains(&it.kind));
    let best = others.min_by(|a, b| a.ratio.total_cmp(&b.ratio)).expect("there are others");
    let whom = if kinds.len() == 1 { "exact crate" } else { "other crate" };
    (
        format!("ahead of every {whom}"),
        format!("{:.1} ns, {} {:.1} ns", ours.ns_per_call, best.contender, best.ns_per_call),
        ours.ratio < best.ratio,
    )
}

/// Returns the name of a row with its number of threads.
pub(crate) fn row_and_threads(row: &str, threads: usize) -> String {
    format!("{row}, {threads} thread{}", if threads == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figures(contender: &str, kind: Kind, ns_per_call: f64) -> Figures {
        let contender = contender.to_owned();
        Figures {
            contender,
            kind,
            ns: vec![],
            ns_per_call,
            ratio: ns_per_call,
            misses: 0.0,
            allocations: Some(0.5),
        }
    }

    fn verdicts(goals: &[Goal]) -> Vec<(String, bool)> {
        let figures = vec![
            figures("floor", Kind::Floor, 1.0),
            figures("inexact", Kind::Inexact, 1.5),
            figures("ours", Kind::Ours, 2.0),
            figures("exact", Kind::Exact, 3.0),
        ];
        let (row, baseline) = ("hit".to_owned(), "floor".to_owned());
        let measured = Measured { row, capacity: 1, threads: 2, baseline, figures };
        judge(goals, &measured)
            .map(|verdict| (format!("{}: {}", verdict.row, verdict.found), verdict.met))
            .collect()
    }

    fn goal(threads: usize, bound: Bound) -> Goal {
        Goal { threads, contender: "ours", bound }
    }

    #[test]
    fn goals_are_met_up_to_their_bound() {
        let found = ("hit, 2 threads: 2.00 x".to_owned(), true);
        assert_eq!(verdicts(&[goal(2, Bound::OfBaseline(2.0))]), [found]);
        assert!(!verdicts(&[goal(2, Bound::OfBaseline(1.99))])[0].1);
        assert!(!verdicts(&[goal(2, Bound::Allocations(0.0))])[0].1);
    }

    #[test]
    fn a_goal_looks_at_the_kinds_it_names() {
        let exact = ("hit, 2 threads: 2.0 ns, exact 3.0 ns".to_owned(), true);
        assert_eq!(verdicts(&[goal(2, Bound::AheadOf(&[Kind::Exact]))]), [exact]);
        let all = ("hit, 2 threads: 2.0 ns, inexact 1.5 ns".to_owned(), false);
        assert_eq!(verdicts(&[goal(2, Bound::AheadOf(&[Kind::Exact, Kind::Inexact]))]), [all]);
    }

    #[test]
    fn goals_for_other_numbers_of_threads_are_not_judged() {
        assert_eq!(verdicts(&[goal(1, Bound::OfBaseline(2.0))]), []);
    }
}
