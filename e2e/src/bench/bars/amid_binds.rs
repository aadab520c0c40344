//! Bars of pods that fit nowhere and are in the middle of a burst of binds.

use super::{Bar, bar, percent, thousands};
use crate::bench::contestant::Contestant::{Berth, BerthPlain};
use crate::bench::figures::Figures;
use crate::bench::refusals::RefusalFigures;
use crate::bench::summary::Summary;

/// 30 pods that fit nowhere, amid 10,000 binds.
pub(super) const AMID_BINDS: &str = "unfit-amid-binds/5000Nodes_10000Pods";

/// Longest wait for the condition, in s.
const LONGEST: f64 = 2.0;

/// What binds keep of their rate: what other writes may take of the server.
const KEPT: f64 = 0.97;

/// The worst pod of all rounds counts.
pub(super) fn told(summary: &Summary<'_>) -> Bar {
    let rounds: Vec<RefusalFigures> = summary
        .shape(AMID_BINDS)
        .map(|shape| shape.rounds(Berth).filter_map(|one| one.refusals).collect())
        .unwrap_or_default();
    let worst = |figure: fn(&RefusalFigures) -> f64| {
        rounds.iter().map(figure).max_by(f64::total_cmp).map(|ms| ms / 1000.0)
    };
    let longest = worst(|one| one.condition_max_ms).zip(worst(|one| one.event_max_ms));
    let missing: usize = rounds.iter().map(|one| one.conditions_missing + one.events_missing).sum();
    let to_come = rounds.iter().map(|one| one.binds_to_come).min().unwrap_or_default();
    let words = |(condition, event): (f64, f64)| {
        format!(
            "{condition:.2} s with {} binds to come, {missing} missing; its event {event:.1} s",
            thousands(to_come as f64)
        )
    };
    // Where the burst was over first, nothing was shown.
    let verdict = longest.map(|(condition, _)| condition <= LONGEST && missing == 0 && to_come > 0);
    let what = "first condition of pods that fit nowhere, amid 10,000 binds";
    bar(what, "≤ 2 s from the verdict, none missing", longest.map(words), verdict)
}

/// Of the same burst with pods that fit in their place.
pub(super) fn binds(summary: &Summary<'_>) -> Bar {
    let ratio =
        summary.shape(AMID_BINDS).and_then(|shape| shape.paired(Berth, BerthPlain, Figures::rate));
    let words = ratio.map(|ratio| {
        let (low, high) = (percent(ratio.low), percent(ratio.high));
        format!("{} ({low}–{high}; pairs: {})", percent(ratio.median), ratio.count)
    });
    let what = "pods/s beside them, of the same burst without them";
    bar(what, "≥ 97 %", words, ratio.map(|ratio| ratio.median >= KEPT))
}
