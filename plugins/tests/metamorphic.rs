//! How verdicts change, or do not, when the cluster changes: properties that need no second
//! scheduler to compare with. Random clusters, all plugins of the tree as configured by default.
//!
//! `BERTH_SEEDS=20000 cargo test --release -p berth-plugins --test metamorphic` runs more.
#![allow(clippy::unwrap_used, missing_docs)]

mod metamorphic {
    pub(crate) mod names;
    mod nominated;
    pub(crate) mod scenario;
    pub(crate) mod storage;
    pub(crate) mod template;
    pub(crate) mod unrelated;
    pub(crate) mod verdict;
}

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use berth_engine::Input;
use berth_engine::base::Random;
use berth_engine::record::{
    NodeRecord, ObjectKey, PodRecord, Quantity, ResourceList, WhenUnsatisfiable,
};
use metamorphic::names::Names;
use metamorphic::scenario::{Dice, Scenario};
use metamorphic::unrelated;
use metamorphic::verdict::{Answer, Verdict, highest_scores, judge, judge_after};

const FIT: &str = "NodeResourcesFit";
const TAINTS: &str = "TaintToleration";

/// Runs `check` on the scenarios of 300 seeds, or of `BERTH_SEEDS`.
fn on_scenarios(check: impl Fn(u64, &Scenario)) {
    let seeds = std::env::var("BERTH_SEEDS").map_or(300, |n| n.parse().unwrap());
    for seed in 0..seeds {
        check(seed, &Scenario::new(seed));
    }
}

/// Places of the profile's filters, in whose order a node's first rejection counts.
fn filters() -> Vec<&'static str> {
    let names = berth_plugins::default_plugins().iter().map(|(name, _)| *name);
    names.collect()
}

/// Whether the node's answer comes from behind `plugin` in the order of filters.
fn passed(answer: &Answer, plugin: &str) -> bool {
    match answer {
        Answer::Fits => true,
        Answer::Excluded => false,
        Answer::Rejected { plugin: by, .. } => {
            let place = |name: &str| filters().iter().position(|f| *f == name).unwrap();
            place(by) > place(plugin)
        }
    }
}

/// The others' answers, which a change of one node must not touch.
fn others(verdict: &Verdict, but: &str) -> BTreeMap<String, Answer> {
    verdict.nodes.clone().into_iter().filter(|(name, _)| name != but).collect()
}

#[test]
fn scenarios_are_worth_judging() {
    let (mut answers, mut plugins, mut stops) = ([0; 3], BTreeSet::new(), 0);
    for seed in 0..300 {
        for verdict in judge(&Scenario::new(seed)) {
            stops += usize::from(verdict.stop.is_some());
            for answer in verdict.nodes.values() {
                match answer {
                    Answer::Fits => answers[0] += 1,
                    Answer::Excluded => answers[1] += 1,
                    Answer::Rejected { plugin, .. } => {
                        answers[2] += 1;
                        plugins.insert(plugin.clone());
                    }
                }
            }
        }
    }
    assert!(answers.iter().all(|n| *n > 0) && stops > 0, "{answers:?}, {stops} stops");
    for name in [
        "NodeUnschedulable",
        TAINTS,
        "NodeAffinity",
        "NodePorts",
        FIT,
        "VolumeRestrictions",
        "NodeVolumeLimits",
        "VolumeBinding",
        "VolumeZone",
        "PodTopologySpread",
        "InterPodAffinity",
        "NodeDeclaredFeatures",
    ] {
        assert!(plugins.contains(name), "{name} rejects no node: {plugins:?}");
    }
}

#[test]
fn the_order_of_objects_changes_nothing() {
    on_scenarios(|seed, scenario| {
        let expected = judge(scenario);
        let found = judge_after(scenario.shuffled(seed), &scenario.pending, None);
        assert_eq!(found, expected, "seed {seed}");
    });
}

/// As after hours of watching: every object was another one first, and some have gone.
#[test]
fn what_was_there_before_changes_nothing() {
    on_scenarios(|seed, scenario| {
        let before = Scenario::new(seed ^ 0x5555);
        let mut inputs = before.inputs();
        inputs.extend(before.assigned.iter().map(|pod| Input::PodDeleted {
            key: ObjectKey::new(&pod.namespace, &pod.name),
            uid: pod.uid.clone(),
        }));
        inputs.extend(scenario.shuffled(seed));
        for node in &before.nodes {
            if scenario.nodes.iter().all(|n| n.name != node.name) {
                inputs.push(Input::NodeDeleted { name: node.name.clone() });
            }
        }
        for object in &before.objects {
            if scenario.objects.iter().all(|o| unrelated::key(o) != unrelated::key(object)) {
                inputs.push(unrelated::deleted(object));
            }
        }
        let found = judge_after(inputs, &scenario.pending, None);
        assert_eq!(found, judge(scenario), "seed {seed}");
    });
}

#[test]
fn an_unrelated_object_changes_nothing() {
    on_scenarios(|seed, scenario| {
        let expected = judge(scenario);
        for (what, input) in unrelated::inputs(scenario) {
            let mut inputs = scenario.inputs();
            let at = Random::new(seed).below(inputs.len() + 1);
            inputs.insert(at, input);
            let found = judge_after(inputs, &scenario.pending, None);
            assert_eq!(found, expected, "seed {seed}, {what}");
        }
    });
}

#[test]
fn renaming_renames_the_verdict() {
    on_scenarios(|seed, scenario| {
        let expected: Vec<Verdict> = judge(scenario).iter().map(Verdict::without_message).collect();
        let renamed = judge(&Scenario::named(seed, Names::SECOND));
        let found: Vec<Verdict> = renamed.iter().map(Verdict::translated).collect();
        assert_eq!(found, expected, "seed {seed}");
    });
}

#[test]
fn without_its_taints_a_node_is_no_worse() {
    on_scenarios(|seed, scenario| {
        let before = judge(scenario);
        for at in 0..scenario.nodes.len() {
            let mut freed = scenario.clone();
            freed.nodes[at].taints.clear();
            let name = &scenario.nodes[at].name;
            for ((pod, before), after) in scenario.pending.iter().zip(&before).zip(judge(&freed)) {
                let Some(old) = before.nodes.get(&**name) else { continue };
                let new = &after.nodes[&**name];
                assert!(!new.is_by(TAINTS), "seed {seed}: {name}: {new:?}");
                let mut spread = pod.spec.topology_spread.iter();
                let counts = spread.any(|c| c.honor_node_taints);
                if !counts {
                    // Only the node itself is judged anew, and only where its taints kept pods out.
                    assert_eq!(others(&after, name), others(before, name), "seed {seed}");
                    assert!(old == new || old.is_by(TAINTS), "seed {seed}: {old:?} {new:?}");
                }
            }
        }
    });
}

/// So much of everything that no request fails on it.
fn abundant() -> ResourceList {
    let amounts = ["cpu", "memory", "pods", "ephemeral-storage", "example.com/gpu"];
    amounts.into_iter().map(|name| (name, Quantity::from_units(1 << 50))).collect()
}

#[test]
fn a_node_with_plenty_of_room_is_not_too_small() {
    on_scenarios(|seed, scenario| {
        let before = judge(scenario);
        for at in 0..scenario.nodes.len() {
            let mut grown = scenario.clone();
            grown.nodes[at].allocatable = abundant();
            let name = &scenario.nodes[at].name;
            for (before, after) in before.iter().zip(judge(&grown)) {
                assert_eq!(after.stop, before.stop, "seed {seed}");
                assert_eq!(others(&after, name), others(before, name), "seed {seed}");
                let (Some(old), Some(new)) = (before.nodes.get(&**name), after.nodes.get(&**name))
                else {
                    continue;
                };
                assert!(!new.is_by(FIT), "seed {seed}: {new:?}");
                assert!(old == new || old.is_by(FIT), "seed {seed}: {old:?} {new:?}");
                assert!(old == new || passed(new, FIT), "seed {seed}: {old:?} {new:?}");
            }
        }
    });
}

/// Counts of reasons in a message `0/N nodes are available: 2 this, 1 that.`
fn counts(message: &str) -> BTreeMap<&str, usize> {
    let (_, list) = message.split_once(": ").unwrap_or(("", ""));
    let items = list.trim_end_matches('.').split(", ");
    let counted = items.filter_map(|item| item.split_once(' '));
    counted.filter_map(|(count, reason)| Some((reason, count.parse().ok()?))).collect()
}

#[test]
fn a_node_without_room_only_counts_in_the_message() {
    on_scenarios(|seed, scenario| {
        let mut larger = scenario.clone();
        larger.nodes.push(NodeRecord { name: "full".into(), ..NodeRecord::default() });
        for (before, after) in judge(scenario).iter().zip(judge(&larger)) {
            assert_eq!(others(&after, "full"), before.nodes, "seed {seed}");
            assert_eq!(after.best.is_empty(), before.best.is_empty(), "seed {seed}");
            for (node, scores) in &before.scores {
                for (plugin, score) in scores {
                    // How widely an image is spread is a share of all nodes.
                    if plugin != "ImageLocality" {
                        assert_eq!(after.scores[node][plugin], *score, "seed {seed}: {plugin}");
                    }
                }
            }
            let (Some(old), Some(new)) = (&before.message, &after.message) else { continue };
            let nodes = scenario.nodes.len();
            assert!(old.starts_with(&format!("0/{nodes} ")), "seed {seed}: {old}");
            assert!(new.starts_with(&format!("0/{} ", nodes + 1)), "seed {seed}: {new}");
            let Some(answer) = after.nodes.get("full") else {
                let rest = |text: &str| text.split_once(' ').unwrap().1.to_owned();
                assert_eq!(rest(new), rest(old), "seed {seed}");
                continue;
            };
            let mut expected = counts(old);
            for reason in answer.reasons() {
                *expected.entry(reason).or_default() += 1;
            }
            if *answer != Answer::Excluded {
                assert_eq!(counts(new), expected, "seed {seed}: {old} / {new}");
            }
        }
    });
}

#[test]
fn a_pod_that_goes_makes_room() {
    on_scenarios(|seed, scenario| {
        let before = judge(scenario);
        for at in 0..scenario.assigned.len() {
            let mut fewer = scenario.clone();
            fewer.assigned.remove(at);
            for (before, after) in before.iter().zip(judge(&fewer)) {
                for (name, new) in after.nodes.iter().filter(|(_, a)| a.is_by(FIT)) {
                    let Some(old) = before.nodes.get(name) else { continue };
                    assert!(!passed(old, FIT), "seed {seed}: {name}: {old:?} {new:?}");
                    if old.is_by(FIT) {
                        let kept = new.reasons().iter().all(|r| old.reasons().contains(r));
                        assert!(kept, "seed {seed}: {name}: {old:?} {new:?}");
                    }
                }
            }
        }
    });
}

#[test]
fn scores_are_within_their_range() {
    let highest = highest_scores();
    on_scenarios(|seed, scenario| {
        for verdict in judge(scenario) {
            let mut best: (i64, BTreeSet<String>) = (-1, BTreeSet::new());
            for (node, scores) in &verdict.scores {
                for (plugin, score) in scores {
                    let max = highest[plugin];
                    let within = (0..=max).contains(score) && score % (max / 100) == 0;
                    assert!(within, "seed {seed}: {plugin} gives {node} {score} of {max}");
                }
                let total = scores.values().sum();
                if total > best.0 {
                    best = (total, BTreeSet::new());
                }
                if total == best.0 {
                    best.1.insert(node.clone());
                }
            }
            assert_eq!(verdict.best, best.1, "seed {seed}");
        }
    });
}

/// 2,500 nodes: above the number from which a scan is spread over threads.
#[test]
fn threads_change_nothing() {
    let pool = Arc::new(rayon::ThreadPoolBuilder::new().num_threads(3).build().unwrap());
    let seeds = std::env::var("BERTH_SEEDS").map_or(300, |n| n.parse().unwrap());
    for seed in 0..(seeds / 50).max(1) {
        let scenario = Scenario::sized(&mut Dice::new(seed, Names::FIRST), 2_500);
        let on_pool = judge_after(scenario.inputs(), &scenario.pending, Some(Arc::clone(&pool)));
        assert_eq!(on_pool, judge(&scenario), "seed {seed}");
    }
}

/// A pod that everybody waits for is no obstacle: without constraints between pods, more of them on
/// other nodes change no filter's verdict.
#[test]
fn pods_elsewhere_matter_to_constraints_between_pods_only() {
    on_scenarios(|seed, scenario| {
        let before = judge(scenario);
        for node in &scenario.nodes {
            let mut fuller = scenario.clone();
            let mut more = scenario.pending[0].clone();
            more.uid = "more-uid".into();
            more.node_name = Some(node.name.clone());
            let repels = |p: &PodRecord| {
                p.spec.affinity.as_deref().is_some_and(|a| !a.anti_required.is_empty())
            };
            if repels(&more) || !more.spec.volumes.is_empty() {
                return;
            }
            fuller.assigned.push(more);
            for ((pod, before), after) in scenario.pending.iter().zip(&before).zip(judge(&fuller)) {
                let affinity = pod.spec.affinity.as_deref();
                let among_pods = affinity
                    .is_some_and(|a| !a.pod_required.is_empty() || !a.anti_required.is_empty());
                let mut spread = pod.spec.topology_spread.iter();
                let hard = |c| c == WhenUnsatisfiable::DoNotSchedule;
                if !among_pods && !spread.any(|c| hard(c.when_unsatisfiable)) {
                    let (name, what) = (&node.name, &pod.name);
                    assert_eq!(others(&after, name), others(before, name), "seed {seed}: {what}");
                }
            }
        }
    });
}
