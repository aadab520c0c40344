//! Pods that are promised a node and count there for others of no higher priority.
//!
//! Source: `pkg/scheduler/backend/queue/nominator.go`.

use hashbrown::HashMap;
use rustc_hash::FxBuildHasher;

use crate::base::{NodeIdx, PodIdx, Sweep, Sym};
use crate::model::Reads;
use crate::stored::{LoadError, Reader, Writer};

use super::Cache;
use super::entry::Told;

/// Nominations by node and by pod. Bounded by the number of pending pods.
#[derive(Debug, Clone, Default)]
pub struct Nominations {
    by_node: HashMap<NodeIdx, Vec<PodIdx>, FxBuildHasher>,
    by_pod: HashMap<PodIdx, NodeIdx, FxBuildHasher>,
}

impl Nominations {
    /// The node the pod is promised.
    pub fn of_pod(&self, pod: PodIdx) -> Option<NodeIdx> {
        self.by_pod.get(&pod).copied()
    }

    /// The pods promised to a node, in the order of their nomination.
    pub fn on_node(&self, node: NodeIdx) -> &[PodIdx] {
        self.by_node.get(&node).map(|p| p.as_slice()).unwrap_or_default()
    }

    /// Nodes that are promised to a pod, in no order.
    pub fn nodes(&self) -> impl Iterator<Item = NodeIdx> {
        self.by_node.keys().copied()
    }

    /// Whether nobody is promised anything.
    pub fn is_empty(&self) -> bool {
        self.by_pod.is_empty()
    }

    /// Looks for what is broken of both ways; the promises.
    pub(super) fn check(&self, sweep: &mut Sweep) -> Vec<(PodIdx, NodeIdx)> {
        let both: usize = self.by_node.values().map(Vec::len).sum();
        sweep.equal(both, self.by_pod.len(), || "promises by node".to_owned());
        let empty = self.by_node.values().any(Vec::is_empty);
        sweep.expect(!empty, || "a node is promised to nobody".to_owned());
        for (pod, node) in &self.by_pod {
            let known = self.on_node(*node).contains(pod);
            sweep.expect(known, || format!("node {} is not promised to {}", node.at(), pod.at()));
        }
        self.by_pod.iter().map(|(pod, node)| (*pod, *node)).collect()
    }

    /// Writes the nodes with the pods that are promised them.
    pub(super) fn save(&self, out: &mut Writer) {
        let Self { by_node, by_pod: _ } = self;
        out.map(by_node.iter());
    }

    /// The nominations as they were.
    pub(super) fn load(from: &mut Reader<'_>) -> Result<Self, LoadError> {
        let mut all = Self::default();
        from.each(|from, (node, pods): (NodeIdx, Vec<PodIdx>)| {
            for pod in pods {
                if all.by_pod.contains_key(&pod) {
                    return Err(from.malformed("a pod that is promised two nodes"));
                }
                all.insert(pod, node);
            }
            Ok(())
        })?;
        Ok(all)
    }

    fn insert(&mut self, pod: PodIdx, node: NodeIdx) {
        self.by_pod.insert(pod, node);
        self.by_node.entry(node).or_default().push(pod);
    }

    /// Where the pod stands among those that are promised its node.
    pub(super) fn place_of(&self, pod: PodIdx) -> Option<(NodeIdx, usize)> {
        let node = self.of_pod(pod)?;
        let place = self.on_node(node).iter().position(|one| *one == pod)?;
        Some((node, place))
    }

    /// Puts a pod back where it stood.
    fn put_back(&mut self, pod: PodIdx, node: NodeIdx, place: usize) {
        self.by_pod.insert(pod, node);
        let pods = self.by_node.entry(node).or_default();
        pods.insert(place.min(pods.len()), pod);
    }

    fn remove(&mut self, pod: PodIdx) -> Option<NodeIdx> {
        let node = self.by_pod.remove(&pod)?;
        if let Some(pods) = self.by_node.get_mut(&node) {
            pods.retain(|p| *p != pod);
            if pods.is_empty() {
                self.by_node.remove(&node);
            }
        }
        Some(node)
    }
}

impl Cache {
    /// Promises the node named `name` to the pod, in place of what it was promised before. Waiting
    /// pods may use what it gives up.
    pub fn nominate(&mut self, pod: PodIdx, name: Sym) {
        // A nomination may name a node that is not there, or not yet: it counts nowhere until the
        // node comes. A row that is kept for its pods alone is another node's once they are gone.
        let node = self.nodes.find(name).filter(|node| self.nodes.live().contains(*node));
        if node.is_some() && self.nominations.of_pod(pod) == node {
            return;
        }
        self.drop_nomination(pod);
        if let Some(node) = node {
            self.add_nominated_pod(pod, node);
        }
    }

    /// Takes a promise back.
    pub fn drop_nomination(&mut self, pod: PodIdx) {
        self.delete_nominated_pod(pod, Told::PodLeft);
    }

    /// Nominates the pod for the node, in place of the one before (`AddNominatedPod`).
    pub(super) fn add_nominated_pod(&mut self, pod: PodIdx, node: NodeIdx) {
        self.delete_nominated_pod(pod, Told::Nobody);
        self.nominations.insert(pod, node);
        self.announce_node(node, Reads::NODE_ROOM, None, Told::Nobody);
    }

    /// Ends the pod's nomination (`DeleteNominatedPodIfExists`).
    pub(super) fn delete_nominated_pod(&mut self, pod: PodIdx, told: Told) {
        if let Some(node) = self.nominations.remove(pod) {
            self.announce_node(node, Reads::NODE_ROOM, None, told);
        }
    }

    /// Promises the node again to a pod that stood at this place.
    pub(super) fn restore_nominated_pod(&mut self, pod: PodIdx, node: NodeIdx, place: usize) {
        self.nominations.put_back(pod, node, place);
        self.announce_node(node, Reads::NODE_ROOM, None, Told::Nobody);
    }

    /// A nominated pod is another than it was: it takes something else of its node.
    pub(super) fn update_nominated_pod(&mut self, pod: PodIdx) {
        if let Some(node) = self.nominations.of_pod(pod) {
            self.announce_node(node, Reads::NODE_ROOM, None, Told::PodLeft);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::sync::Arc;

    use super::*;
    use crate::record::{NodeRecord, PodRecord, PodSpec};

    #[test]
    fn a_promise_of_a_node_that_is_gone_is_not_of_the_node_in_its_row() {
        let mut cache = Cache::default();
        cache.set_schedulers(["berth"].into_iter());
        let node = |name: &str| NodeRecord { name: name.into(), ..NodeRecord::default() };
        let spec = PodSpec { scheduler_name: "berth".into(), ..PodSpec::default() };
        let mut pod = PodRecord::new("d", "old", "old", Arc::new(spec));
        pod.node_name = Some("gone".into());
        cache.apply_pod(&pod);
        pod = PodRecord { name: "new".into(), uid: "new".into(), node_name: None, ..pod };
        pod.nominated_node_name = Some("gone".into());
        cache.apply_pod(&pod);
        cache.delete_pod("old");
        cache.apply_node(&Arc::new(node("other")));
        let row = cache.find_node("other").unwrap();
        assert_eq!(cache.nominations().on_node(row), []);
        cache.apply_node(&Arc::new(node("gone")));
        let row = cache.find_node("gone").unwrap();
        assert_eq!(cache.nominations().on_node(row), [cache.pods().find("new").unwrap()]);
        assert_eq!(cache.check([]), Vec::<String>::new());
    }
}
