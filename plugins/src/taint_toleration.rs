//! Keeps pods off tainted nodes that they do not tolerate, and away from those with soft taints.
//!
//! Source: `pkg/scheduler/framework/plugins/tainttoleration/taint_toleration.go`.

use berth_engine::base::{NodeIdx, Sym};
use berth_engine::framework::{
    Cause, Context, Filter, Keeps, Plugin, PreFilter, PreFiltered, PreScore, PreScored, Reads,
    Reason, Score, State, Verdict, Verdicts,
};
use berth_engine::model::Tolerations;
use berth_engine::record::TaintEffect;

use crate::normalize::{Order, normalize};

/// The name in configurations.
pub const NAME: &str = "TaintToleration";
/// Why a node does not do.
pub const REASON: &str = "node(s) had untolerated taint(s)";

pub(crate) type Taint = (Sym, Sym, TaintEffect);

/// The plugin.
#[derive(Debug, Clone, Copy, Default)]
pub struct TaintToleration;

impl TaintToleration {
    /// The plugin; it has no arguments.
    pub fn new() -> Self {
        Self
    }
}

impl Plugin for TaintToleration {
    fn name(&self) -> &str {
        NAME
    }

    fn reads(&self) -> Reads {
        Reads::NODE_TAINTS
    }

    fn keeps(&self, _cx: &Context<'_>) -> Keeps {
        Keeps::Node(self.reads())
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

impl PreFilter for TaintToleration {
    fn pre_filter(&self, _cx: &Context<'_>, _state: &mut State) -> PreFiltered {
        PreFiltered::Proceed
    }
}

impl Filter for TaintToleration {
    fn filter(
        &self,
        cx: &Context<'_>,
        _state: &State,
        nodes: &[NodeIdx],
        verdicts: &mut Verdicts<'_>,
    ) {
        for (at, node) in nodes.iter().enumerate() {
            let taint = untolerated(&cx.pod.class.tolerations, cx.nodes.taints(*node));
            if let Some((key, value, effect)) = taint {
                let cause = Cause::Taint { key, value, effect };
                verdicts.set(at, Verdict::unresolvable(Reason::new(&REASON, cause)));
            }
        }
    }
}

impl PreScore for TaintToleration {
    /// The reference keeps the tolerations for PreferNoSchedule here; that is all it does, as
    /// no other toleration tolerates such a taint.
    fn pre_score(&self, _cx: &Context<'_>, _nodes: &[NodeIdx], _state: &mut State) -> PreScored {
        PreScored::Proceed
    }
}

impl Score for TaintToleration {
    fn score(&self, cx: &Context<'_>, _state: &State, nodes: &[NodeIdx], scores: &mut [i64]) {
        for (score, node) in scores.iter_mut().zip(nodes) {
            *score = intolerable(&cx.pod.class.tolerations, cx.nodes.taints(*node));
        }
    }

    fn normalize(&self, _cx: &Context<'_>, _state: &State, scores: &mut [i64]) {
        normalize(scores, Order::LessIsBetter);
    }
}

/// Whether every NoSchedule and NoExecute taint is tolerated.
pub(crate) fn fits(tolerations: &Tolerations, taints: &[Taint]) -> bool {
    untolerated(tolerations, taints).is_none()
}

/// The first NoSchedule or NoExecute taint that is not tolerated.
fn untolerated(tolerations: &Tolerations, taints: &[Taint]) -> Option<Taint> {
    let hard = |effect| matches!(effect, TaintEffect::NoSchedule | TaintEffect::NoExecute);
    taints.iter().find(|t| hard(t.2) && !tolerations.tolerate(**t)).copied()
}

/// Number of PreferNoSchedule taints that are not tolerated.
fn intolerable(tolerations: &Tolerations, taints: &[Taint]) -> i64 {
    let soft = taints.iter().filter(|t| t.2 == TaintEffect::PreferNoSchedule);
    soft.fold(0, |n, t| n + i64::from(!tolerations.tolerate(*t)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::testing::{Scene, check_filter, check_scores};

    #[test]
    fn hard_taints_have_to_be_tolerated() {
        let refused = format!("a unresolvable {REASON}");
        let refused = refused.as_str();
        for (text, expected) in [
            ("pod / node a taint=k=v:NoSchedule", refused),
            ("pod / node a taint=k=v:NoExecute", refused),
            ("pod / node a taint=k=v:PreferNoSchedule", "a fits"),
            ("pod / node a taint=k=v:Unheard", "a fits"),
            ("pod tolerate=k=v / node a taint=k=v:NoSchedule", "a fits"),
            ("pod tolerate=k=w / node a taint=k=v:NoSchedule", refused),
            ("pod tolerate=k / node a taint=k=v:NoSchedule", "a fits"),
            ("pod tolerate=k:NoExecute / node a taint=k=v:NoSchedule", refused),
            ("pod tolerate=* / node a taint=k=v:NoSchedule taint=l=:NoExecute", "a fits"),
            ("pod tolerate=k / node a taint=k=v:NoSchedule taint=l=:NoExecute", refused),
        ] {
            check_filter(&TaintToleration, text, expected);
        }
    }

    #[test]
    fn a_rejection_names_the_first_taint_that_is_not_tolerated() {
        let nodes = "node a taint=k=v:NoSchedule taint=l=w:NoExecute / node b";
        let scene = Scene::parse(&format!("pod tolerate=k / {nodes}"));
        let of = |text| scene.cache.symbols().get(text).unwrap();
        let (key, value, effect) = (of("l"), of("w"), TaintEffect::NoExecute);
        let expected = [Some(Cause::Taint { key, value, effect }), None];
        assert_eq!(scene.causes(&TaintToleration), expected);
    }

    #[test]
    fn soft_taints_are_counted_and_turned_round() {
        let nodes = "node a / node b taint=k=v:PreferNoSchedule \
                     / node c taint=k=v:PreferNoSchedule taint=l=:PreferNoSchedule \
                       taint=m=:PreferNoSchedule";
        for (pod, expected) in [
            ("pod", "a 100 | b 67 | c 0"),
            ("pod tolerate=k", "a 100 | b 100 | c 0"),
            ("pod tolerate=k:NoSchedule", "a 100 | b 67 | c 0"),
            ("pod tolerate=*", "a 100 | b 100 | c 100"),
        ] {
            check_scores(&TaintToleration, &format!("{pod} / {nodes}"), expected);
        }
    }
}
