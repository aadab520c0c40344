//! Spreads pods that match a selector evenly over zones, hosts or other domains of nodes.
//!
//! Source: `pkg/scheduler/framework/plugins/podtopologyspread/{plugin,common,filtering}.go` and
//! `scoring.go`. KEP-895; its parts are KEP-3022 (minDomains), KEP-3094 (inclusion policies),
//! KEP-3243 (matchLabelKeys) and KEP-1258 (default constraints).

mod args;
mod constraint;
mod default_selector;
mod go_ln;
mod groups;
mod hard;
mod soft;
#[cfg(test)]
mod tests;

pub use args::{
    LabelSelector, LabelSelectorRequirement, PodTopologySpreadArgs, TopologySpreadConstraint,
};

use std::hash::BuildHasher;

use berth_engine::base::{NodeIdx, PodIdx};
use berth_engine::framework::{
    Awaits, Cause, Context, Filter, Grouped, Groups, Keeps, MAX_NODE_SCORE, Plugin, PreFilter,
    PreFiltered, PreScore, PreScored, Reads, Reason, Score, State, Verdict, Verdicts,
};
use berth_engine::model::LabelSelectorError;
use berth_engine::record::{self, WhenUnsatisfiable};
use rustc_hash::FxBuildHasher;

use constraint::Constraint;
use groups::SpreadGroups;
use hard::{Hard, Judgement};
use soft::{IGNORED, Soft};

/// The name in configurations.
pub const NAME: &str = "PodTopologySpread";
/// The node would be too full against the emptiest domain.
pub const REASON: &str = "node(s) didn't match pod topology spread constraints";
/// The node is in no domain.
pub const REASON_LABEL: &str =
    "node(s) didn't match pod topology spread constraints (missing required label)";

/// The plugin, with the constraints for pods that have none.
#[derive(Debug, Clone)]
pub struct PodTopologySpread {
    defaults: Vec<record::TopologySpreadConstraint>,
    // The defaults are kube-scheduler's own; nodes without their keys are scored all the same.
    system: bool,
}

impl PodTopologySpread {
    /// The plugin with its arguments.
    #[allow(clippy::needless_pass_by_value, reason = "the shape of all constructors with args")]
    pub fn new(args: PodTopologySpreadArgs) -> Self {
        let system = args.defaulting_type == "System";
        let defaults = if system {
            vec![system_default("kubernetes.io/hostname", 3), system_default(ZONE, 5)]
        } else {
            args.default_constraints.iter().map(TopologySpreadConstraint::record).collect()
        };
        Self { defaults, system }
    }

    /// The constraints that hold for the pod: its own, else the default ones.
    fn constraints(
        &self,
        cx: &Context<'_>,
        action: WhenUnsatisfiable,
    ) -> Result<Vec<Constraint>, LabelSelectorError> {
        let own = &cx.pod.class.spec.topology_spread;
        if !own.is_empty() {
            let own = own.iter().filter(|c| c.when_unsatisfiable == action);
            return own.map(|c| Constraint::own(c, cx)).collect();
        }
        let defaults = self.defaults.iter().filter(|c| c.when_unsatisfiable == action);
        if defaults.clone().next().is_none() {
            return Ok(Vec::new());
        }
        let selector = default_selector::of(cx);
        if selector.is_empty() {
            return Ok(Vec::new());
        }
        Ok(defaults.map(|c| Constraint::new(c, selector.clone(), cx)).collect())
    }

    fn hard(&self, cx: &Context<'_>) -> Result<Vec<Constraint>, LabelSelectorError> {
        self.constraints(cx, WhenUnsatisfiable::DoNotSchedule)
    }

    fn requires_all_keys(&self, cx: &Context<'_>) -> bool {
        !self.system || !cx.pod.class.spec.topology_spread.is_empty()
    }

    fn soft(&self, cx: &Context<'_>, nodes: &[NodeIdx]) -> Result<Soft, LabelSelectorError> {
        let constraints = self.constraints(cx, WhenUnsatisfiable::ScheduleAnyway)?;
        Ok(Soft::new(&constraints, self.requires_all_keys(cx), cx, nodes))
    }
}

const ZONE: &str = "topology.kubernetes.io/zone";

/// `systemDefaultConstraints`.
fn system_default(key: &str, max_skew: i32) -> record::TopologySpreadConstraint {
    record::TopologySpreadConstraint {
        max_skew,
        topology_key: key.into(),
        when_unsatisfiable: WhenUnsatisfiable::ScheduleAnyway,
        selector: None,
        min_domains: None,
        honor_node_affinity: true,
        honor_node_taints: false,
        match_label_keys: Box::default(),
    }
}

impl Plugin for PodTopologySpread {
    fn name(&self) -> &str {
        NAME
    }

    /// A pod, a node's labels and its taints move counts and minima, and so open other nodes.
    /// Services and owners make the selector of default constraints, which filter only where a
    /// configuration says so.
    fn reads(&self) -> Reads {
        let own = Reads::PODS | Reads::NODE_LABELS | Reads::DOMAINS | Reads::DOMAIN_TAINTS;
        let filters = |c: &record::TopologySpreadConstraint| {
            c.when_unsatisfiable == WhenUnsatisfiable::DoNotSchedule
        };
        if self.defaults.iter().any(filters) { own | Reads::SELECTOR_OWNERS } else { own }
    }

    /// Pods that its hard constraints count: one that comes may be the last that the emptiest
    /// domain lacked. Without such constraints it rejects no node.
    fn awaits(&self, cx: &Context<'_>, awaits: &mut Awaits) {
        let Ok(constraints) = self.hard(cx) else { return awaits.facts(self.reads()) };
        if !constraints.is_empty() {
            awaits.facts(self.reads().without(Reads::PODS));
        }
        constraints.iter().for_each(|constraint| constraint.awaits(cx, awaits));
    }

    /// The selectors, which `matchLabelKeys` and default constraints make from the pod's labels and
    /// owner, and whether the pod matches them itself.
    fn mark(&self, cx: &Context<'_>) -> u64 {
        match self.hard(cx) {
            Ok(constraints) if !constraints.is_empty() => FxBuildHasher.hash_one(constraints),
            _ => 0,
        }
    }

    fn keeps(&self, _cx: &Context<'_>) -> Keeps {
        Keeps::Groups
    }

    fn as_grouped(&self) -> Option<&dyn Grouped> {
        Some(self)
    }

    fn as_pre_filter(&self) -> Option<&dyn PreFilter> {
        Some(self)
    }

    fn as_filter(&self) -> Option<&dyn Filter> {
        Some(self)
    }

    fn as_pre_score(&self) -> Option<&dyn PreScore> {
        Some(self)
    }

    fn as_score(&self) -> Option<&dyn Score> {
        Some(self)
    }
}

impl Grouped for PodTopologySpread {
    fn open(&self, cx: &Context<'_>) -> Option<Box<dyn Groups>> {
        let soft = self.constraints(cx, WhenUnsatisfiable::ScheduleAnyway).ok()?;
        let nodes = if soft.is_empty() { Vec::new() } else { cx.nodes.live().to_vec() };
        let soft = Soft::new(&soft, self.requires_all_keys(cx), cx, &nodes);
        let hard = self.hard(cx).ok()?;
        let defaulted = cx.pod.class.spec.topology_spread.is_empty() && !self.defaults.is_empty();
        let owners = if defaulted { Reads::SELECTOR_OWNERS } else { Reads::NOTHING };
        let all_keys = self.requires_all_keys(cx);
        Some(Box::new(SpreadGroups::new(Hard::new(hard, cx), soft, all_keys, owners, cx)))
    }
}

impl PreFilter for PodTopologySpread {
    fn pre_filter(&self, cx: &Context<'_>, state: &mut State) -> PreFiltered {
        match self.hard(cx) {
            Err(e) => PreFiltered::broken(format!(
                "get constraints from pod: obtaining pod's hard topology spread constraints: {e}"
            )),
            Ok(constraints) if constraints.is_empty() => PreFiltered::Skip,
            Ok(constraints) => {
                state.put(Hard::new(constraints, cx));
                PreFiltered::Proceed
            }
        }
    }

    fn add_pod(&self, cx: &Context<'_>, state: &mut State, pod: PodIdx, node: NodeIdx) {
        if let Some(hard) = state.get_mut::<Hard>() {
            hard.update(cx, pod, node, 1);
        }
    }

    fn remove_pod(&self, cx: &Context<'_>, state: &mut State, pod: PodIdx, node: NodeIdx) {
        if let Some(hard) = state.get_mut::<Hard>() {
            hard.update(cx, pod, node, -1);
        }
    }
}

impl Filter for PodTopologySpread {
    fn filter(
        &self,
        cx: &Context<'_>,
        state: &State,
        nodes: &[NodeIdx],
        verdicts: &mut Verdicts<'_>,
    ) {
        let own;
        let hard = match state.get::<Hard>() {
            Some(hard) => hard,
            None => {
                own = Hard::new(self.hard(cx).unwrap_or_default(), cx);
                &own
            }
        };
        for (at, node) in nodes.iter().enumerate() {
            match hard.judge(cx.nodes, *node) {
                Judgement::Fits => {}
                Judgement::NoDomain(key) => {
                    let reason = Reason::new(&REASON_LABEL, Cause::NoLabel(key));
                    verdicts.set(at, Verdict::unresolvable(reason));
                }
                Judgement::Skewed { at: constraint, pods, least } => {
                    let constraint = u32::try_from(constraint).unwrap_or(u32::MAX);
                    let cause = Cause::Skew { constraint, pods, least };
                    verdicts.set(at, Verdict::unschedulable(Reason::new(&REASON, cause)));
                }
            }
        }
    }
}

impl PreScore for PodTopologySpread {
    fn pre_score(&self, cx: &Context<'_>, nodes: &[NodeIdx], state: &mut State) -> PreScored {
        match self.soft(cx, nodes) {
            Err(e) => PreScored::broken(format!(
                "calculating preScoreState: obtaining pod's soft topology spread constraints: {e}"
            )),
            Ok(soft) if soft.is_empty() => PreScored::Skip,
            Ok(soft) => {
                state.put(soft);
                PreScored::Proceed
            }
        }
    }
}

impl Score for PodTopologySpread {
    fn score(&self, cx: &Context<'_>, state: &State, nodes: &[NodeIdx], scores: &mut [i64]) {
        let own;
        let soft = match state.get::<Soft>() {
            Some(soft) => soft,
            None => match self.soft(cx, nodes) {
                Err(_) => return,
                Ok(soft) => {
                    own = soft;
                    &own
                }
            },
        };
        for (score, node) in scores.iter_mut().zip(nodes) {
            *score = soft.raw(cx, *node);
        }
    }

    /// Few pods are good; ignored nodes get nothing.
    fn normalize(&self, _cx: &Context<'_>, _state: &State, scores: &mut [i64]) {
        let counted = || scores.iter().copied().filter(|s| *s != IGNORED);
        let most = counted().max().unwrap_or(0);
        let least = counted().min().unwrap_or(0);
        for score in scores {
            *score = match (*score, most) {
                (IGNORED, _) => 0,
                (_, 0) => MAX_NODE_SCORE,
                (raw, _) => MAX_NODE_SCORE * (most + least - raw) / most,
            };
        }
    }
}
