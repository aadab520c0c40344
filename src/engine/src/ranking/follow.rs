//! A ranking reads the log: what is new to it, and which nodes have to be judged again for that.

use crate::base::{NodeIdx, NodeSet};
use crate::cache::Logged;
use crate::framework::{PodMoved, Touched};

use super::labelled::Labelled;
use super::tops::NO_GROUP;
use super::{Ranking, Refused, Work};

/// Nodes, each once, in the order in which they came.
#[derive(Debug, Default)]
struct Marked {
    set: NodeSet,
    list: Vec<NodeIdx>,
}

impl Marked {
    fn add(&mut self, node: NodeIdx) {
        if self.set.insert(node) {
            self.list.push(node);
        }
    }

    /// Lets `take` have the nodes: ascending where they are many, so that columns are read in
    /// order. Few are not looked for in the set, which has a bit for every row.
    fn each(&self, rows: usize, take: impl FnMut(NodeIdx)) {
        if self.list.len() * 64 > rows {
            self.set.iter().for_each(take);
        } else {
            self.list.iter().copied().for_each(take);
        }
    }

    fn clear(&mut self) {
        for node in self.list.drain(..) {
            self.set.remove(node);
        }
    }
}

/// What a reading of the log has to do; one for all rankings, so that its room is used again.
#[derive(Debug, Default)]
pub(super) struct Notes {
    // Nodes to be judged from scratch.
    whole: Marked,
    // Nodes to be judged by their room.
    room: Marked,
    touched: Touched,
    labelled: Labelled,
    // The nodes of a call.
    nodes: Vec<NodeIdx>,
    // Nodes with news of their room only: bit i of word b for row 64 b + i.
    rooms: Vec<u64>,
}

impl Notes {
    fn clear(&mut self) {
        self.whole.clear();
        self.room.clear();
        self.touched.nodes.clear();
        self.touched.domains.clear();
        self.touched.all = false;
    }
}

/// What the log has.
#[derive(Debug, Clone, Copy, Default)]
struct News {
    // It is not enough to follow it.
    outdated: bool,
    // Pods came or went that plugins with counts have to be told of.
    pods: bool,
}

impl Ranking {
    /// Brings the ranking up to the end of the log.
    pub(super) fn catch_up(&mut self, work: &Work<'_>, notes: &mut Notes) -> Result<(), Refused> {
        let log = work.cx.cache.log();
        if self.position == log.end() {
            return Ok(());
        }
        self.columns.grow(work.cx.nodes.rows());
        if self.sort_rooms(work, notes) {
            self.reweigh(work, &notes.nodes)?;
            self.position = log.end();
            return Ok(());
        }
        notes.clear();
        let news = self.sort(work, notes);
        if news.outdated {
            return self.recount(work);
        }
        if news.pods {
            self.follow(work, &mut notes.touched);
        }
        if notes.touched.all {
            return self.regroup(work);
        }
        let Notes { whole, room, touched, labelled, nodes, .. } = notes;
        for node in touched.nodes.drain(..) {
            whole.add(node);
        }
        for (key, value) in touched.domains.drain(..) {
            for node in labelled.nodes(work.cx.nodes, key, value) {
                whole.add(*node);
            }
        }
        let rows = self.columns.rows();
        nodes.clear();
        whole.each(rows, |node| nodes.push(node));
        let live = work.cx.nodes.live();
        for node in nodes.iter().filter(|node| !live.contains(**node)) {
            self.take_out(*node);
        }
        nodes.retain(|node| live.contains(*node));
        self.evaluate(work, nodes)?;
        nodes.clear();
        room.each(rows, |node| {
            if !whole.set.contains(node) && self.columns.group(node) != NO_GROUP {
                nodes.push(node);
            }
        });
        self.reweigh(work, nodes)?;
        self.position = log.end();
        Ok(())
    }

    /// Sorts what is new where that is much and nothing but pods, whose coming and going changes
    /// no more than the room of their nodes: the nodes in a group are left in `notes.nodes`,
    /// ascending. False, and nothing has happened, where there is other news.
    ///
    /// 1,000 classes in turn find 1,000 pods each time: a bit for each costs 1 ns, a list 5.
    fn sort_rooms(&self, work: &Work<'_>, notes: &mut Notes) -> bool {
        let Some(entries) = work.cx.cache.log().since(self.position) else { return false };
        let known = self.columns.known();
        if entries.len() < known.len() || self.roles.room_in_keys {
            return false;
        }
        let told_of_all = self.counted.iter().any(|c| c.groups.follows_all());
        let told_of_terms = !self.counted.is_empty();
        if told_of_all {
            return false;
        }
        let Notes { rooms, nodes, .. } = notes;
        rooms.clear();
        rooms.resize(known.len(), 0);
        // To the end in any case: a loop without a way out takes half the time.
        let only_rooms = entries.fold(true, |only_rooms, entry| {
            let Logged::Pod { node, terms, .. } = entry else { return false };
            if let Some(word) = rooms.get_mut(node.at() / 64) {
                *word |= 1 << (node.at() % 64);
            }
            only_rooms & !(*terms & told_of_terms)
        });
        if !only_rooms {
            return false;
        }
        nodes.clear();
        for (at, (new, known)) in rooms.iter().zip(known).enumerate() {
            let mut rest = new & known;
            while rest != 0 {
                nodes.push(NodeIdx::new(at * 64 + rest.trailing_zeros() as usize));
                rest &= rest - 1;
            }
        }
        true
    }

    /// Sorts what is new.
    fn sort(&self, work: &Work<'_>, notes: &mut Notes) -> News {
        let mut news = News::default();
        let Some(entries) = work.cx.cache.log().since(self.position) else {
            return News { outdated: true, ..news };
        };
        let counted = self.counted_reads();
        let all = self.counted.iter().any(|c| c.groups.follows_all());
        let Notes { whole, room, .. } = notes;
        let moved = if self.roles.room_in_keys { &mut *whole } else { room };
        let mut changed: Vec<NodeIdx> = Vec::new();
        for entry in entries {
            match entry {
                Logged::Pod { node, terms, .. } => {
                    news.pods |= all || *terms;
                    moved.add(*node);
                }
                Logged::Node(node, reads) => {
                    news.outdated |= reads.intersects(counted);
                    changed.push(*node);
                }
                Logged::World(reads) => news.outdated |= reads.intersects(counted),
            }
        }
        for node in changed {
            whole.add(node);
        }
        news
    }

    /// Tells the plugins with counts which pods came and went.
    fn follow(&mut self, work: &Work<'_>, touched: &mut Touched) {
        let all = self.counted.iter().any(|c| c.groups.follows_all());
        let Some(entries) = work.cx.cache.log().since(self.position) else { return };
        for entry in entries {
            let Logged::Pod { node, class, labels, amount, terminating, terms } = entry else {
                continue;
            };
            if !all && !terms {
                continue;
            }
            let Some(class) = work.cx.cache.classes().get(*class) else { continue };
            let moved = PodMoved {
                class,
                labels: *labels,
                node: *node,
                amount: i64::from(*amount),
                terminating: *terminating,
            };
            for counted in &mut self.counted {
                if *terms || counted.groups.follows_all() {
                    counted.groups.follow(&work.cx, &moved, touched);
                }
            }
        }
    }
}
