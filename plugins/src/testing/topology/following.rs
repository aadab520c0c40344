//! A state that follows a pod being added or removed is the state with or without that pod.

use berth_engine::base::Random;
use berth_engine::framework::{Plugin, PreFiltered, State, Verdict};

use super::{TopologyScene, pod};
use crate::inter_pod_affinity::{InterPodAffinity, InterPodAffinityArgs};
use crate::pod_topology_spread::{PodTopologySpread, PodTopologySpreadArgs};

fn pick<'a>(random: &mut Random, from: &[&'a str]) -> &'a str {
    from[random.below(from.len())]
}

fn some(random: &mut Random, most: usize, from: &[&str]) -> String {
    (0..random.below(most + 1)).map(|_| format!(" {}", pick(random, from))).collect()
}

const TERMS: [&str; 9] = [
    "join:app=x~zone",
    "join:tier~host",
    "join:app!=y~zone~in:*",
    "shun:app=x~host",
    "shun:app=y~zone",
    "shun:*~rack",
    "shun:tier=2~zone~in:team=y",
    "shun:!tier~host~other",
    "shun:app~zone~default+other",
];
const SPREADS: [&str; 6] = [
    "spread:1:zone:app=x",
    "spread:1:host:app",
    "spread:2:zone:tier=1:min=3",
    "spread:1:zone:app=y:honor-taints",
    "spread:1:host:app=x:keys=tier",
    "spread:1:rack:-",
];

/// Everything but the pod in question, which comes last.
fn words(random: &mut Random) -> String {
    let namespace = pick(random, &["", "", " @other"]);
    let app = pick(random, &["", " app=x", " app=x", " app=y"]);
    let tier = pick(random, &["", " tier=1", " tier=2"]);
    format!("{namespace}{app}{tier}{}{}", some(random, 2, &TERMS), some(random, 2, &SPREADS))
}

fn cluster(random: &mut Random) -> String {
    let mut text = "ns default team=x\nns other team=y\n".to_owned();
    for node in 0..5 {
        let zone = pick(random, &[" zone=1", " zone=2", " zone=3", ""]);
        let rack = pick(random, &["", " rack=1"]);
        let host = if random.below(6) == 0 { String::new() } else { format!(" host={node}") };
        let taint = pick(random, &["", "", " taint:t"]);
        text += &format!("node n{node}{zone}{rack}{host}{taint}\n");
    }
    for _ in 0..random.below(8) {
        text += &format!("on n{}{}\n", random.below(5), words(random));
    }
    text
}

/// The state after PreFilter; `None` where it leaves the filter out, as whoever is added then is
/// not looked at (`RunPreFilterExtensionAddPod`).
fn prepared(scene: &TopologyScene, plugin: &dyn Plugin) -> Option<State> {
    let mut state = State::default();
    match plugin.as_pre_filter().unwrap().pre_filter(&scene.context(), &mut state) {
        PreFiltered::Proceed => Some(state),
        PreFiltered::Skip => None,
        other => panic!("{other:?}"),
    }
}

/// The verdicts after PreFilter without the pod, then following it to its node.
fn check(plugin: &dyn Plugin, random: &mut Random) -> Option<(Vec<Verdict>, Vec<Verdict>)> {
    let cluster = format!("{}pod{}\n", cluster(random), words(random));
    let (words, node) = (words(random), format!("n{}", random.below(5)));
    let mut without = TopologyScene::parse(&cluster);
    without.cache.apply_pod(&pod("extra", &words));
    let mut with = TopologyScene::parse(&cluster);
    let placed = with.place(&node, &words);

    let follow = |scene: &TopologyScene, state: &mut State, uid: &str, add: bool| {
        let name = scene.cache.symbols().get(&node).unwrap();
        let at = scene.cache.nodes().find(name).unwrap();
        let (table, row) = scene.cache.nodes().extract(at);
        let (cx, point) = (scene.context(), plugin.as_pre_filter().unwrap());
        if add {
            point.add_pod(&cx.on(&table), state, scene.find(uid), row);
        } else {
            point.remove_pod(&cx.on(&table), state, scene.find(uid), row);
        }
        scene.verdicts(plugin, state)
    };
    let mut before = prepared(&without, plugin)?;
    let mut after = prepared(&with, plugin).unwrap();
    let (plain, full) = (without.verdicts(plugin, &before), with.verdicts(plugin, &after));
    let text = format!("{cluster}on {node}{words}");
    assert_eq!(follow(&without, &mut before, "extra", true), full, "{text}");
    assert_eq!(follow(&with, &mut after, &placed, false), plain, "{text}");
    Some((plain, full))
}

#[test]
fn states_that_follow_a_pod_are_states_with_it() {
    let affinity = InterPodAffinity::new(InterPodAffinityArgs::default());
    let spread = PodTopologySpread::new(PodTopologySpreadArgs::default());
    for plugin in [&affinity as &dyn Plugin, &spread] {
        let mut random = Random::new(11);
        let judged: Vec<_> = (0..3_000).filter_map(|_| check(plugin, &mut random)).collect();
        let moved = judged.iter().filter(|(plain, full)| plain != full).count();
        assert!(judged.len() > 1_000 && moved > 100, "{} {}", judged.len(), moved);
    }
}
