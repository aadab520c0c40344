//! Why nothing fits, in kube-scheduler's words.
//!
//! Source: `FitError.Error` in `pkg/scheduler/framework/types.go`.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Write;

use crate::cache::Cache;
use crate::framework::{Profile, Reason};
use crate::model::{Dim, Dims};

use super::filtered::{Filtered, Stop};

/// Two ways in which kube-scheduler 1.37.2 is known to put the same failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wording {
    /// As its binary writes it to a pod.
    Live {
        /// What PostFilter plugins said.
        post_filter: PostFilterSaid,
    },
    /// As its recorded answers have it (`tests/corpus`): nodes that a PreFilter left out are
    /// counted under all plugins that rejected, and PostFilter's words are left out.
    Recorded,
}

/// What kube-scheduler's PostFilter plugins say at the end of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PostFilterSaid {
    /// Nothing.
    Nothing,
    /// One of them did not find its own state ([`crate::framework::FailingPostFilter`]):
    /// `fwk.ErrNotFound`.
    NotFound,
}

impl PostFilterSaid {
    fn words(self) -> &'static str {
        match self {
            Self::Nothing => "",
            Self::NotFound => " not found",
        }
    }
}

/// The text of the condition and the event: `0/3 nodes are available: 1 Insufficient cpu, …`.
///
/// Here reasons become words: `cache` is the one that the filters read.
pub fn fit_error(
    filtered: &Filtered,
    cache: &Cache,
    profile: &Profile,
    wording: Wording,
) -> String {
    let mut text = format!("0/{} nodes are available:", cache.nodes().live().len());
    match &filtered.stop {
        Some(Stop::NoNodes) => return "no nodes available to schedule pods".to_owned(),
        Some(Stop::Broken(why)) => return why.to_string(),
        Some(Stop::Refused { reason, .. }) => return reason.words(cache.dims()).into_owned(),
        Some(Stop::PreFilter { reasons, .. }) => {
            let _ = write!(text, " {}.", Reason::join(reasons, cache.dims()));
        }
        None => {
            let excluded = excluded_reason(filtered, profile, wording);
            let counted = histogram(filtered, &excluded, cache.dims());
            if !counted.is_empty() {
                let _ = write!(text, " {}.", counted.join(", "));
            }
        }
    }
    if let Wording::Live { post_filter } = wording {
        text.push_str(post_filter.words());
    }
    text
}

/// "count reason" for every reason, sorted as strings: "10 x" comes before "2 y".
fn histogram(filtered: &Filtered, excluded: &str, dims: &Dims) -> Vec<String> {
    // Thousands of nodes are out for a few reasons, and each pod of the class is told: the words
    // of each reason are made once.
    let mut known: BTreeMap<(&str, Option<Dim>), (usize, &Reason)> = BTreeMap::new();
    let mut counts: BTreeMap<Cow<'_, str>, usize> = BTreeMap::new();
    for reason in filtered.rejected.iter().flat_map(|rejection| rejection.verdict.reasons()) {
        match reason.key() {
            Some(key) => known.entry(key).or_insert((0, reason)).0 += 1,
            None => *counts.entry(reason.words(dims)).or_default() += 1,
        }
    }
    for (nodes, reason) in known.into_values() {
        *counts.entry(reason.words(dims)).or_default() += nodes;
    }
    if !filtered.excluded.is_empty() {
        *counts.entry(excluded.into()).or_default() += filtered.excluded.len();
    }
    let mut lines: Vec<String> = counts.iter().map(|(r, n)| format!("{n} {r}")).collect();
    lines.sort_unstable();
    lines
}

/// The reason of nodes that a PreFilter left out: the names, sorted, of the set of rejecting
/// plugins (`findNodesThatFitPod`). The binary writes it when only the node that the pod is
/// promised has been judged; the recorded answers show the set as it is in the end.
fn excluded_reason(filtered: &Filtered, profile: &Profile, wording: Wording) -> String {
    let mut plugins = match wording {
        Wording::Recorded => filtered.rejectors(),
        Wording::Live { .. } => {
            [filtered.narrowed_by.as_slice(), filtered.refused_promise.as_slice()].concat()
        }
    };
    plugins.sort_unstable();
    plugins.dedup();
    format!("node(s) didn't satisfy plugin(s) [{}]", plugin_names(&plugins, profile).join(" "))
}

/// Names of the plugins at these places, sorted as `sets.List` does.
pub(super) fn plugin_names<'a>(places: &[usize], profile: &'a Profile) -> Vec<&'a str> {
    let mut names: Vec<&str> =
        places.iter().filter_map(|p| profile.plugin(*p)).map(|p| p.name()).collect();
    names.sort_unstable();
    names
}
