//! What an event touches: the facts, rooms and labels by which waiting classes are found.

use crate::base::{ClassIdx, LabelSetIdx, NodeIdx};
use crate::cache::{Cache, Changed, Moved};
use crate::framework::{Fact, Likeness, Reads, Trigger, repels, value};
use crate::model::Dim;
use crate::queue::wider;

use super::Engine;

/// Facts about a node by which it may have room that it had not.
const ROOM: Reads = Reads::NODE_ROOM.or(Reads::NODE_ALLOCATABLE).or(Reads::NODE_EXISTS);

/// What a node has left of a resource, and of places for pods where none is named; below 0 where
/// it takes no pod.
pub(super) fn free(cache: &Cache, node: NodeIdx, dim: Option<Dim>) -> i64 {
    let nodes = cache.nodes();
    let is_open =
        nodes.live().contains(node) && nodes.rooms().get(node.at()).is_some_and(|r| r.left > 0);
    match dim {
        _ if !is_open => -1,
        None => i64::MAX,
        Some(dim) => nodes.column(dim).get(node).map_or(-1, |amounts| amounts.free()),
    }
}

impl Engine {
    /// Lets all be due who wait for one of the changes.
    pub(super) fn touch(&mut self, changes: &[Changed]) {
        for change in changes.iter().filter(|change| !change.reads.is_empty()) {
            match (change.moved, change.reads.intersects(Reads::PODS)) {
                (Some(moved), _) => self.touch_moved(&moved),
                (None, true) => self.queue.touch_pods(),
                (None, false) => {}
            }
            let facts = change.reads.without(Reads::PODS);
            let of_node = facts.of_one_node();
            let of_all = if change.node.is_some() { facts.without(of_node) } else { facts };
            for fact in Fact::each(of_all) {
                self.queue.touch(Trigger::Fact(fact));
            }
            match change.node {
                Some(node) => self.touch_node(node, of_node),
                None if facts.intersects(ROOM) => {
                    for node in self.cache.nodes().live().to_vec() {
                        self.touch_node(node, of_node);
                    }
                }
                None => {}
            }
        }
    }

    fn touch_node(&mut self, node: NodeIdx, facts: Reads) {
        let Self { queue, cache, .. } = self;
        // A node that is gone can take nobody.
        if !cache.nodes().live().contains(node) {
            return;
        }
        queue.touch_node(node, facts);
        if facts.intersects(ROOM) {
            queue.touch_room(node, |dim| free(cache, node, dim));
        }
    }

    /// A pod has come to a node or left it.
    fn touch_moved(&mut self, moved: &Moved) {
        if !self.queue.asks_for_pods() {
            return;
        }
        for fact in Fact::each(Reads::PODS) {
            self.queue.touch(Trigger::Fact(fact));
        }
        self.touch_like(moved.like, moved.came, moved.left);
        if let Some(was) = moved.was {
            self.touch_like(was, false, true);
        }
    }

    fn touch_like(&mut self, (class, labels): (ClassIdx, LabelSetIdx), came: bool, left: bool) {
        let Self { queue, cache, .. } = self;
        let Some(class) = cache.classes().get(class) else { return };
        let mut tell = |like: Likeness| {
            if came {
                queue.touch(Trigger::PodCame(like));
            }
            if left {
                queue.touch(Trigger::PodLeft(like));
            }
        };
        for (key, text) in cache.labels().iter(labels) {
            wider(class.namespace, key, value(text)).into_iter().for_each(&mut tell);
        }
        tell(Likeness::any(Some(class.namespace)));
        tell(Likeness::any(None));
        let terms = class.pod_terms.as_deref().filter(|terms| left && terms.repels());
        for term in terms.iter().flat_map(|terms| &terms.anti_required) {
            for like in repels(term) {
                queue.touch(Trigger::RepellerLeft(like));
            }
        }
    }
}
