//! Why nothing fits, in kube-scheduler's words.
//!
//! Source: `FitError.Error` in `pkg/scheduler/framework/types.go`.

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::framework::Profile;

use super::filter::{Filtered, Stop};

/// The text of the condition and the event: `0/3 nodes are available: 1 Insufficient cpu, …`.
///
/// `post_filter` is what PostFilter plugins said, joined by comma and space.
pub fn fit_error(
    filtered: &Filtered,
    nodes: usize,
    profile: &Profile,
    post_filter: Option<&str>,
) -> String {
    let mut text = format!("0/{nodes} nodes are available:");
    match &filtered.stop {
        Some(Stop::NoNodes) => return "no nodes available to schedule pods".to_owned(),
        Some(Stop::Broken(why)) => return why.clone(),
        Some(Stop::PreFilter { reasons, .. }) => {
            let _ = write!(text, " {}.", reasons.join(", "));
        }
        None => {
            let counted = histogram(filtered, profile);
            if !counted.is_empty() {
                let _ = write!(text, " {}.", counted.join(", "));
            }
        }
    }
    if let Some(said) = post_filter.filter(|s| !s.is_empty()) {
        let _ = write!(text, " {said}");
    }
    text
}

/// "count reason" for every reason, sorted as strings: "10 x" comes before "2 y".
fn histogram(filtered: &Filtered, profile: &Profile) -> Vec<String> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for rejection in &filtered.rejected {
        for reason in rejection.verdict.reasons() {
            *counts.entry(reason.as_ref()).or_default() += 1;
        }
    }
    let excluded = excluded_reason(filtered, profile);
    if !filtered.excluded.is_empty() {
        *counts.entry(&excluded).or_default() += filtered.excluded.len();
    }
    let mut lines: Vec<String> = counts.iter().map(|(r, n)| format!("{n} {r}")).collect();
    lines.sort_unstable();
    lines
}

/// The reason of nodes that a PreFilter left out. It names, sorted, the plugins that narrowed the
/// nodes and those that rejected the others: the reference's rejector set as it is in the end.
fn excluded_reason(filtered: &Filtered, profile: &Profile) -> String {
    let names = plugin_names(&filtered.rejectors(), profile);
    format!("node(s) didn't satisfy plugin(s) [{}]", names.join(" "))
}

/// Names of the plugins at these places, sorted as `sets.List` does.
pub(super) fn plugin_names<'a>(places: &[usize], profile: &'a Profile) -> Vec<&'a str> {
    let mut names: Vec<&str> =
        places.iter().filter_map(|p| profile.plugin(*p)).map(|p| p.name()).collect();
    names.sort_unstable();
    names
}
