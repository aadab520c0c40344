//! A handful of rules: CPU, pod count, node selector, cordon, gates.

use std::sync::Arc;

use berth_engine::Config;
use berth_engine::base::NodeIdx;
use berth_engine::framework::{
    Bind, Context, Filter, Keeps, Plugin, PodView, PreEnqueue, Profile, ProfileBuilder, QueueSort,
    Reads, Reason, Score, SortKey, State, Verdict, Verdicts,
};
use berth_engine::model::Dim;

macro_rules! plugin {
    ($name:ident, $reads:expr, $point:ident -> $trait:ident) => {
        #[derive(Debug)]
        pub struct $name;

        impl Plugin for $name {
            fn name(&self) -> &str {
                stringify!($name)
            }
            fn reads(&self) -> Reads {
                $reads
            }
            fn keeps(&self, _: &Context<'_>) -> Keeps {
                Keeps::Node($reads)
            }
            fn $point(&self) -> Option<&dyn $trait> {
                Some(self)
            }
        }
    };
}

plugin!(Room, Reads::NODE_ROOM | Reads::NODE_ALLOCATABLE, as_filter -> Filter);
plugin!(Selector, Reads::NODE_LABELS, as_filter -> Filter);
plugin!(Cordon, Reads::NODE_UNSCHEDULABLE, as_filter -> Filter);
plugin!(Gates, Reads::NOTHING, as_pre_enqueue -> PreEnqueue);
plugin!(Sort, Reads::NOTHING, as_queue_sort -> QueueSort);
plugin!(Binder, Reads::NOTHING, as_bind -> Bind);
plugin!(Emptier, Reads::NODE_ROOM, as_score -> Score);

fn judge(
    nodes: &[NodeIdx],
    verdicts: &mut Verdicts<'_>,
    fits: impl Fn(NodeIdx) -> bool,
    why: &'static str,
) {
    for (at, node) in nodes.iter().enumerate() {
        if !fits(*node) {
            verdicts.set(at, Verdict::unschedulable(why));
        }
    }
}

impl Filter for Room {
    fn filter(&self, cx: &Context<'_>, _: &State, nodes: &[NodeIdx], out: &mut Verdicts<'_>) {
        let need = cx.pod.class.request.get(Dim::CPU);
        let fits = |n| {
            let free = cx.nodes.allocatable(n, Dim::CPU) - cx.nodes.requested(n, Dim::CPU);
            need <= free && (cx.nodes.pods(n).len() as i64) < cx.nodes.pods_allowed(n)
        };
        judge(nodes, out, fits, "no room");
    }
}

impl Filter for Selector {
    fn filter(&self, cx: &Context<'_>, _: &State, nodes: &[NodeIdx], out: &mut Verdicts<'_>) {
        let wanted = &cx.pod.class.node_selector;
        let fits = |n| wanted.iter().all(|(k, v)| cx.nodes.label(n, *k) == Some(*v));
        judge(nodes, out, fits, "wrong labels");
    }
}

impl Filter for Cordon {
    fn filter(&self, cx: &Context<'_>, _: &State, nodes: &[NodeIdx], out: &mut Verdicts<'_>) {
        judge(nodes, out, |n| !cx.nodes.unschedulable(n), "cordoned");
    }
}

impl PreEnqueue for Gates {
    fn pre_enqueue(&self, pod: &PodView<'_>) -> Result<(), Reason> {
        if pod.gates.is_empty() { Ok(()) } else { Err("gated".into()) }
    }
}

impl QueueSort for Sort {
    fn key(&self, priority: i32, queued_ms: u64) -> SortKey {
        [-i64::from(priority), queued_ms as i64]
    }
}

impl Bind for Binder {
    fn bind(&self, _: &PodView<'_>, _: NodeIdx) -> bool {
        true
    }
}

impl Score for Emptier {
    fn is_absolute(&self) -> bool {
        true
    }

    fn score(&self, cx: &Context<'_>, _: &State, nodes: &[NodeIdx], scores: &mut [i64]) {
        for (score, node) in scores.iter_mut().zip(nodes) {
            *score = (100 - cx.nodes.pods(*node).len() as i64).max(0);
        }
    }
}

/// All of them.
pub fn base() -> Vec<Arc<dyn Plugin>> {
    vec![
        Arc::new(Room),
        Arc::new(Selector),
        Arc::new(Cordon),
        Arc::new(Gates),
        Arc::new(Sort),
        Arc::new(Binder),
        Arc::new(Emptier),
    ]
}

/// The profile `name` of all of them, and of `more`.
pub fn profile(name: &str, more: Vec<Arc<dyn Plugin>>) -> Profile {
    let mut builder = ProfileBuilder::new(name);
    for plugin in base().into_iter().chain(more) {
        builder.add_everywhere(&plugin, 1).unwrap();
    }
    builder.build().unwrap()
}

/// A configuration with the [`profile`] `berth`.
pub fn config(more: Vec<Arc<dyn Plugin>>) -> Arc<Config> {
    config_named("berth", more)
}

/// A configuration with the [`profile`] `name`.
pub fn config_named(name: &str, more: Vec<Arc<dyn Plugin>>) -> Arc<Config> {
    Arc::new(Config { hash: 1, profiles: vec![Arc::new(profile(name, more))], ..Config::default() })
}
