//! Node objects.

use std::sync::Arc;

use crate::base::{NodeIdx, Sym};
use crate::model::{Action, Reads};
use crate::record::NodeRecord;

use super::Cache;
use super::entry::Told;

impl Cache {
    /// A node was added or changed. Returns false where nothing that scheduling reads is different.
    pub fn apply_node(&mut self, record: &Arc<NodeRecord>) -> bool {
        let name = self.symbols.intern(&record.name);
        let node = self.nodes.row(name, &self.symbols);
        let (reads, actions) = match self.nodes.record(node) {
            None => (Reads::NODE_EXISTS | Reads::DOMAINS, Action::ADD),
            Some(old) if old == record => return false,
            Some(old) => differences(old, record),
        };
        let added = actions == Action::ADD;
        let former = self.former_node(node, reads);
        self.nodes.set_record(node, record, &mut self.dims, &mut self.symbols);
        self.replace_images(node, record);
        self.announce_node(node, reads, former, Told::Node(actions));
        if added {
            self.renew_nominations(name, node);
        }
        true
    }

    /// A node is gone. Its pods stay counted on its row until they are gone too.
    pub fn delete_node(&mut self, name: &str) -> bool {
        let Some(node) = self.symbols.get(name).and_then(|name| self.nodes.find(name)) else {
            return false;
        };
        if !self.nodes.live().contains(node) {
            return false;
        }
        for (image, _) in self.nodes.set_images(node, Box::default()) {
            self.images.remove(image);
        }
        for pod in self.nominations.on_node(node).to_vec() {
            self.delete_nominated_pod(pod, Told::Nobody);
        }
        let reads = Reads::NODE_EXISTS | Reads::DOMAINS;
        let former = self.former_node(node, reads);
        self.nodes.clear_record(node);
        self.announce_node(node, reads, former, Told::Node(Action::DELETE));
        true
    }

    pub(super) fn replace_images(&mut self, node: NodeIdx, record: &NodeRecord) {
        // Of a name that is listed twice the last size counts, as in getNodeImageStates of the
        // reference's snapshot.
        let mut images: Vec<(Sym, i64)> = Vec::new();
        let listed = record.images.iter().flat_map(|i| i.names.iter().map(|n| (n, i.size)));
        for (name, size) in listed {
            let name = self.symbols.intern(name);
            match images.iter_mut().find(|(known, _)| *known == name) {
                Some(image) => image.1 = size,
                None => {
                    images.push((name, size));
                    self.images.add(name);
                }
            }
        }
        for (image, _) in self.nodes.set_images(node, images.into_boxed_slice()) {
            self.images.remove(image);
        }
    }

    /// Pods that were promised a node before it was there.
    fn renew_nominations(&mut self, name: Sym, node: NodeIdx) {
        let waiting: Vec<_> = self
            .pending
            .iter()
            .filter(|(_, p)| p.nominated == Some(name))
            .map(|(pod, _)| pod)
            .collect();
        let mut waiting: Vec<_> =
            waiting.into_iter().filter(|p| self.pods.get(*p).is_some_and(is_waiting)).collect();
        waiting.sort_unstable();
        for pod in waiting {
            self.add_nominated_pod(pod, node);
        }
    }
}

fn is_waiting(pod: &crate::model::Pod) -> bool {
    use crate::model::Stage;
    matches!(pod.stage, Stage::Queued)
}

/// What is different, and the event that kube-scheduler derives from it (`framework/events.go`).
fn differences(old: &NodeRecord, new: &NodeRecord) -> (Reads, Action) {
    let mut reads = Reads::NOTHING;
    let mut actions = Action::NONE;
    let mut note = |differs: bool, read: Reads, action: Action| {
        if differs {
            reads |= read;
            actions = actions.or(action);
        }
    };
    let uncordoned = old.unschedulable && !new.unschedulable;
    note(old.unschedulable != new.unschedulable, Reads::NODE_UNSCHEDULABLE, Action::NONE);
    note(uncordoned, Reads::NOTHING, Action::UPDATE_NODE_TAINT);
    note(
        old.allocatable != new.allocatable,
        Reads::NODE_ALLOCATABLE,
        Action::UPDATE_NODE_ALLOCATABLE,
    );
    let labels = Reads::NODE_LABELS | Reads::DOMAINS;
    note(old.labels != new.labels, labels, Action::UPDATE_NODE_LABEL);
    let taints = Reads::NODE_TAINTS | Reads::DOMAIN_TAINTS;
    note(old.taints != new.taints, taints, Action::UPDATE_NODE_TAINT);
    note(old.conditions != new.conditions, Reads::NODE_STATUS, Action::UPDATE_NODE_CONDITION);
    note(old.annotations != new.annotations, Reads::NODE_STATUS, Action::UPDATE_NODE_ANNOTATION);
    note(
        old.declared_features != new.declared_features,
        Reads::NODE_FEATURES,
        Action::UPDATE_NODE_DECLARED_FEATURE,
    );
    note(old.images != new.images, Reads::NODE_IMAGES, Action::NONE);
    (reads, actions)
}
