//! A pod of the running scheduler, as it is judged at this moment: `/debug/pod`.

use berth_engine::Snapshot;
use berth_engine::model::{NODE_NONE, Stage};
use serde_json::{Value, json};

use super::gate;
use super::verdict::Cycle;

/// What the scheduler knows of the pod `namespace`/`name`, and of one that waits for a node the
/// cycle as `berth evaluate` prints it: every node's verdict, every score, the choice. `None` where
/// there is no such pod.
pub fn judge(snapshot: &mut Snapshot, namespace: &str, name: &str) -> Option<Value> {
    let namespace = snapshot.symbols().get(namespace)?;
    let is_it = |class| snapshot.classes().get(class).is_some_and(|c| c.namespace == namespace);
    let found = snapshot.pods().iter().find(|(_, row)| *row.name == *name && is_it(row.class));
    let (pod, stage, node) = found.map(|(pod, row)| (pod, row.stage, row.node))?;
    let text = snapshot.pod_name(pod);
    let node = (node != NODE_NONE).then(|| snapshot.node_name(node));
    let state = match stage {
        Stage::Foreign => "of another scheduler",
        Stage::Queued => "waiting",
        Stage::Assumed => "being bound",
        Stage::Bound => "on its node",
    };
    let mut answer = json!({ "pod": text, "state": state });
    if let Some(node) = node {
        answer["node"] = node.into();
    }
    let profile = snapshot.profile_of(pod).filter(|_| stage == Stage::Queued).cloned();
    if let Some(profile) = profile {
        let cycle = match gate(snapshot, pod, &profile) {
            Some((plugin, reason)) => Cycle::gated(text, plugin, &reason, snapshot),
            None => {
                let decided = snapshot.decide(pod, &profile, true);
                Cycle::of(&decided, text, &profile, snapshot)
            }
        };
        answer["profile"] = profile.scheduler_name().into();
        answer["cycle"] = serde_json::to_value(cycle).unwrap_or_default();
    }
    Some(answer)
}
