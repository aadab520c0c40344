//! Nominated pods against assigned ones.

use berth_engine::Input;
use berth_engine::record::{LabelSelector, PodRecord, Volume, WhenUnsatisfiable};

use super::verdict::{Answer, Verdict, judge_after};
use crate::on_scenarios;

/// Whether a hard spread constraint has an empty selector. The reference counts no pod for one
/// (`countPodsMatchSelector`) and yet lets `AddPod` count all (`updateWithPod`); so do we.
fn spreads_over_all(pod: &PodRecord) -> bool {
    pod.spec.topology_spread.iter().any(|constraint| {
        constraint.when_unsatisfiable == WhenUnsatisfiable::DoNotSchedule
            && constraint.selector == Some(LabelSelector::default())
    })
}

/// Nominated pods reach the filters by `AddPod` on a copy of the node, assigned ones by the whole
/// state: two ways to one verdict. A node fits if it does with the pod there and without.
#[test]
fn a_nominated_pod_counts_as_an_assigned_one() {
    on_scenarios(|seed, scenario| {
        let mut rival = scenario.pending[0].clone();
        // Two kinds of pods are the exception, here as in the reference. Where nobody else repels,
        // InterPodAffinity says Skip and is not told of one that does; where no claim is used by
        // another pod, VolumeRestrictions says Skip and is not told of one that uses it.
        let affinity = rival.spec.affinity.as_deref();
        let claims = |v: &Volume| matches!(v, Volume::Claim { .. });
        if affinity.is_some_and(|a| !a.anti_required.is_empty())
            || rival.spec.volumes.iter().any(claims)
        {
            return;
        }
        rival.priority = 100;
        let pending = &scenario.pending[1..];
        let without = judge_after(scenario.inputs(), pending, None);
        for node in &scenario.nodes {
            let with = |rival: PodRecord| {
                let mut inputs = scenario.inputs();
                inputs.push(Input::PodApplied(Box::new(rival)));
                judge_after(inputs, pending, None)
            };
            let assigned = with(PodRecord { node_name: Some(node.name.clone()), ..rival.clone() });
            let nominated =
                with(PodRecord { nominated_node_name: Some(node.name.clone()), ..rival.clone() });
            for at in 0..pending.len() {
                let answer = |of: &[Verdict]| of[at].nodes.get(&*node.name).cloned();
                if spreads_over_all(&pending[at]) {
                    continue;
                }
                let (Some(without), Some(assigned), Some(nominated)) =
                    (answer(&without), answer(&assigned), answer(&nominated))
                else {
                    continue;
                };
                let expected = if assigned == Answer::Fits { without } else { assigned };
                assert_eq!(
                    nominated, expected,
                    "seed {seed}: {} on {}",
                    pending[at].name, node.name
                );
            }
        }
    });
}
