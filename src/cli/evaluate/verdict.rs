//! Verdicts as they are printed.

use std::collections::BTreeMap;

use berth_engine::Decided;
use berth_engine::base::NodeIdx;
use berth_engine::cache::Cache;
use berth_engine::cycle::{Filtered, Pick, Preemption, Scores, Stop, Wording, fit_error};
use berth_engine::framework::{Code, Profile, Reason};
use serde::Serialize;
use serde_json::Value;

/// What was decided for one pod.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Cycle {
    pod: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pre_filter: Option<Status>,
    #[serde(skip_serializing_if = "Option::is_none")]
    nodes: Option<BTreeMap<String, Status>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scores: Option<BTreeMap<String, NodeScore>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    best: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    chosen: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    preemption: Option<Preempted>,
}

/// What preemption could do.
#[derive(Debug, Serialize)]
struct Preempted {
    eligible: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    candidates: BTreeMap<String, VictimList>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    selected: Vec<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct VictimList {
    victims: Vec<String>,
    pdb_violations: usize,
}

#[derive(Debug, Serialize)]
struct Status {
    code: &'static str,
    #[serde(skip_serializing_if = "String::is_empty")]
    plugin: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    reasons: Vec<String>,
}

#[derive(Debug, Serialize)]
struct NodeScore {
    total: i64,
    plugins: BTreeMap<String, i64>,
}

/// An answer with the name of its case.
pub(super) fn with_id(id: &str, mut answer: Value) -> Value {
    if let Some(fields) = answer.as_object_mut() {
        fields.insert("id".to_owned(), id.into());
    }
    answer
}

/// The answer to a case that cannot be run.
pub(super) fn failed(id: &str, line: usize, error: &str) -> Value {
    with_id(id, serde_json::json!({ "error": format!("line {line}: {error}") }))
}

impl Cycle {
    /// The pod is not tried: a PreEnqueue plugin holds it.
    pub(super) fn gated(pod: String, plugin: String, reason: &Reason, cache: &Cache) -> Self {
        let code = "Gated/UnschedulableAndUnresolvable";
        let reasons = texts(std::slice::from_ref(reason), cache);
        Self { pod, pre_filter: Some(Status { code, plugin, reasons }), ..Self::default() }
    }

    /// What the cycle said, in the names of nodes and plugins.
    pub(super) fn of(decided: &Decided, pod: String, profile: &Profile, cache: &Cache) -> Self {
        match decided {
            Decided::Broken(error) => {
                Self { pod, error: Some(error.to_string()), ..Self::default() }
            }
            Decided::Reject { filtered } => {
                let message = Some(fit_error(filtered, cache, profile, Wording::Recorded));
                Self { message, ..Self::filtered(filtered, pod, profile, cache) }
            }
            Decided::Place { pick, filtered, scores } => {
                Self::filtered(filtered, pod, profile, cache)
                    .placed(pick, scores, profile, cache, filtered)
            }
        }
    }

    /// Adds what preemption could do.
    pub(super) fn add_preemption(&mut self, preemption: &Preemption, cache: &Cache) {
        let candidates = preemption.candidates.iter().map(|victims| {
            let list = VictimList {
                victims: victims.pods.iter().map(|pod| cache.pod_name(*pod)).collect(),
                pdb_violations: victims.violations,
            };
            (node_name(cache, victims.node), list)
        });
        let mut selected: Vec<String> =
            preemption.selected.iter().map(|n| node_name(cache, *n)).collect();
        selected.sort_unstable();
        self.preemption = Some(Preempted {
            eligible: preemption.ineligible.is_none(),
            reason: preemption.ineligible,
            candidates: candidates.collect(),
            selected,
        });
    }

    fn filtered(filtered: &Filtered, pod: String, profile: &Profile, cache: &Cache) -> Self {
        if let Some(Stop::PreFilter { plugin, resolvable, reasons, .. }) = &filtered.stop {
            let code =
                if *resolvable { Code::Unschedulable } else { Code::UnschedulableAndUnresolvable };
            let status = Status {
                code: code.as_str(),
                plugin: plugin.map(|p| plugin_name(profile, p)).unwrap_or_default(),
                reasons: texts(reasons, cache),
            };
            return Self { pod, pre_filter: Some(status), ..Self::default() };
        }
        if let Some(Stop::Refused { plugin, reason, .. }) = &filtered.stop {
            let status = Status {
                code: Code::UnschedulableAndUnresolvable.as_str(),
                plugin: plugin_name(profile, *plugin),
                reasons: texts(std::slice::from_ref(reason), cache),
            };
            return Self { pod, pre_filter: Some(status), ..Self::default() };
        }
        let fit = |code| Status { code, plugin: String::new(), reasons: Vec::new() };
        let success = filtered.feasible.iter().map(|n| (*n, fit(Code::Success.as_str())));
        let excluded = filtered.excluded.iter().map(|n| (n, fit("PreFilterExcluded")));
        let rejected = filtered.rejected.iter().map(|r| {
            let status = Status {
                code: r.verdict.code().as_str(),
                plugin: plugin_name(profile, r.plugin),
                reasons: texts(r.verdict.reasons(), cache),
            };
            (r.node, status)
        });
        let nodes = success
            .chain(excluded)
            .chain(rejected)
            .map(|(node, status)| (node_name(cache, node), status))
            .collect();
        Self { pod, nodes: Some(nodes), ..Self::default() }
    }

    fn placed(
        mut self,
        pick: &Pick,
        scores: &Option<Scores>,
        profile: &Profile,
        cache: &Cache,
        filtered: &Filtered,
    ) -> Self {
        if let Some(scores) = scores {
            let score_of = |(at, node): (usize, &NodeIdx)| {
                let of = |(plugin, own): &(usize, Vec<i64>)| {
                    (plugin_name(profile, *plugin), own.get(at).copied().unwrap_or(0))
                };
                let total = scores.totals.get(at).copied().unwrap_or(0);
                // A plugin that scores no node is asked by one engine and left out by the other.
                let scoring =
                    scores.by_plugin.iter().filter(|(_, own)| own.iter().any(|s| *s != 0));
                let plugins = scoring.map(of).collect();
                (node_name(cache, *node), NodeScore { total, plugins })
            };
            self.scores = Some(filtered.feasible.iter().enumerate().map(score_of).collect());
        }
        self.best = pick.best.iter().map(|n| node_name(cache, *n)).collect();
        self.best.sort_unstable();
        self.chosen = Some(node_name(cache, pick.node));
        self
    }
}

fn node_name(cache: &Cache, node: NodeIdx) -> String {
    cache.node_name(node).to_owned()
}

fn plugin_name(profile: &Profile, place: usize) -> String {
    profile.plugin(place).map(|p| p.name().to_owned()).unwrap_or_default()
}

fn texts(reasons: &[Reason], cache: &Cache) -> Vec<String> {
    reasons.iter().map(|reason| reason.words(cache.dims()).into_owned()).collect()
}
