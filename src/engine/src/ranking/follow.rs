//! A ranking reads the log: what is new to it, and which nodes have to be judged again for that.

use crate::base::{NodeIdx, NodeSet, missing, push_rows};
use crate::cache::{Cache, Logged};
use crate::framework::{Context, PodMoved, Reads, Touched};

use super::labelled::Labelled;
use super::tops::NO_GROUP;
use super::{Ranking, Refused, Work};

/// The row of a node by itself.
const ROW: NodeIdx = NodeIdx::FIRST;

/// Nodes whose change counts follow in one reading of the log. Each is told of twice with all its
/// pods, up to 110 each: 64 nodes are at most 14,080 pods, where counting 5,000 nodes of 3 pods or
/// more anew takes as many.
const FORMER_MAX: usize = 64;

/// What makes a node one that storage may name.
const RELABELLING: Reads = Reads::NODE_EXISTS.or(Reads::NODE_LABELS);

/// Which promised nodes have to be judged again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Heed {
    /// None: nothing has happened.
    None,
    /// Those that the notes name.
    Noted,
    /// All.
    All,
}

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
    // Nodes whose counts are others.
    counted: Marked,
    // Nodes to be judged by their room.
    room: Marked,
    touched: Touched,
    labelled: Labelled,
    // The nodes of a call.
    nodes: Vec<NodeIdx>,
    // Nodes that counts have to follow: what they were, as the log has it by this number.
    former: Vec<(NodeIdx, u64)>,
}

impl Notes {
    /// Whether something has happened to the node itself.
    pub(super) fn names(&self, node: NodeIdx) -> bool {
        self.whole.set.contains(node) || self.room.set.contains(node)
    }

    /// What all rankings share reads the log to its end: part of it is about to go.
    pub(super) fn catch_up(&mut self, cache: &Cache) {
        self.labelled.catch_up(cache);
    }

    fn clear(&mut self) {
        self.whole.clear();
        self.counted.clear();
        self.room.clear();
        self.former.clear();
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
    // Storage, or nodes that may be what it names, are not what plugins were asked about.
    stored: bool,
}

impl Ranking {
    /// Brings the ranking up to the end of the log.
    pub(super) fn catch_up(&mut self, work: &Work<'_>, notes: &mut Notes) -> Result<(), Refused> {
        let heed = self.read(work, notes)?;
        self.judge_nominated_nodes(work, notes, heed)
    }

    /// Reads the log to its end; which promised nodes have to be looked at for that.
    fn read(&mut self, work: &Work<'_>, notes: &mut Notes) -> Result<Heed, Refused> {
        let log = work.cx.cache.log();
        if self.position == log.end() {
            return Ok(Heed::None);
        }
        self.columns.grow(work.cx.nodes.rows());
        notes.clear();
        let heard = self.hear(work);
        let only_pods = work.cx.cache.nominations().is_empty() && self.is_of_rooms(work);
        let news = if only_pods { News::default() } else { self.sort(work, notes) };
        if news.stored {
            *self = Self::open(work, std::mem::take(&mut self.buffers))?;
            return Ok(Heed::None);
        }
        self.nodes_followed += notes.former.len();
        // What is a wide key was decided by the nodes that were there.
        if news.outdated || self.nodes_followed * 2 > work.cx.nodes.live().len() {
            self.recount(work)?;
            return Ok(Heed::All);
        }
        let recounted = heard || !notes.former.is_empty();
        if recounted {
            self.follow(work, notes);
        }
        if notes.touched.all {
            self.regroup(work)?;
            return Ok(Heed::All);
        }
        self.take_up(work, notes)?;
        if self.table.is_sparse() {
            self.regroup(work)?;
            return Ok(Heed::All);
        }
        if only_pods {
            self.take_rooms(work, &mut notes.nodes);
            self.reweigh(work, &notes.nodes)?;
        }
        self.position = log.end();
        Ok(if recounted { Heed::All } else { Heed::Noted })
    }

    /// Judges the noted nodes again, each by what may be different.
    fn take_up(&mut self, work: &Work<'_>, notes: &mut Notes) -> Result<(), Refused> {
        let Notes { whole, counted, room, touched, labelled, nodes, .. } = notes;
        for node in touched.nodes.drain(..) {
            counted.add(node);
        }
        for (key, value) in touched.domains.drain(..) {
            for node in labelled.nodes(work.cx.cache, key, value) {
                counted.add(*node);
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
        for (marked, by_count) in [(counted, true), (room, false)] {
            nodes.clear();
            marked.each(rows, |node| {
                if !whole.set.contains(node) && self.columns.group(node) != NO_GROUP {
                    nodes.push(node);
                }
            });
            if by_count {
                self.regroup_nodes(work, nodes)?;
            } else {
                self.reweigh(work, nodes)?;
            }
        }
        Ok(())
    }

    /// Whether what is new is much, and nothing but pods that took room or gave it back.
    fn is_of_rooms(&self, work: &Work<'_>) -> bool {
        let log = work.cx.cache.log();
        let much = log.end() - self.position >= self.columns.known().len() as u64;
        much && !self.roles.room_in_keys && log.is_of_pods(self.position)
    }

    /// Leaves the nodes where pods came and went, and that are in a group, in `nodes`, ascending.
    fn take_rooms(&self, work: &Work<'_>, nodes: &mut Vec<NodeIdx>) {
        nodes.clear();
        let known = self.columns.known();
        work.cx.cache.log().moved(self.position, |at, new| {
            push_rows(at, new & known.get(at).copied().unwrap_or(0), nodes);
        });
    }

    /// Sorts what is new.
    fn sort(&self, work: &Work<'_>, notes: &mut Notes) -> News {
        let mut news = News::default();
        let log = work.cx.cache.log();
        let Some(entries) = log.since(self.position) else {
            return News { outdated: true, ..news };
        };
        let (followed, counted) = self.counted_reads();
        let stored = self.roles.reads.common(Reads::STORAGE);
        let Notes { whole, room, former, .. } = notes;
        let moved = if self.roles.room_in_keys { &mut *whole } else { room };
        let mut changed: Vec<NodeIdx> = Vec::new();
        for (number, entry) in (self.position..).zip(entries) {
            match entry {
                Logged::Pod { node, .. } => moved.add(*node),
                Logged::Node(node, reads) => {
                    news.stored |= !stored.is_empty() && reads.intersects(RELABELLING);
                    news.outdated |= reads.intersects(counted);
                    if reads.intersects(followed) && former.iter().all(|(known, _)| known != node) {
                        news.outdated |= former.len() == FORMER_MAX || log.former(number).is_none();
                        if !news.outdated {
                            former.push((*node, number));
                        }
                    }
                    if *reads != Reads::VOLUME_ATTACHMENTS || self.roles.reads.intersects(*reads) {
                        changed.push(*node);
                    }
                }
                Logged::World(reads) => {
                    news.outdated |= reads.intersects(counted);
                    news.stored |= reads.intersects(stored);
                }
            }
        }
        for node in changed {
            whole.add(node);
        }
        news
    }

    /// Tells the plugins with counts which pods came and went, and which nodes changed.
    ///
    /// A count is a sum over pods of what each is on its node, so the order is free: all pods that
    /// moved are told of on nodes as they were, then the nodes that changed go with the pods that
    /// they have now, and come again with the same pods.
    fn follow(&mut self, work: &Work<'_>, notes: &mut Notes) {
        let Notes { former, touched, labelled, .. } = notes;
        let log = work.cx.cache.log();
        let Some(entries) = log.since(self.position) else { return };
        // Rows of a table of one node mean nothing here; such nodes are judged from scratch.
        let mut elsewhere = Touched::default();
        let was = |node: NodeIdx| {
            let (_, number) = former.iter().find(|(known, _)| *known == node)?;
            Some(Context { nodes: log.former(*number)?, ..work.cx })
        };
        let all = self.counted.iter().any(|c| c.groups.follows_all());
        for entry in entries {
            let Logged::Pod { node, class, labels, amount, terminating, terms, kind } = entry
            else {
                continue;
            };
            if !(all | terms) || self.concerns.is_idle(*kind) {
                continue;
            }
            let Some(class) = work.cx.cache.classes().get(*class) else {
                missing("class", class.at());
                continue;
            };
            let (labels, terminating, amount) = (*labels, *terminating, i64::from(*amount));
            let moved = PodMoved { class, labels, node: *node, amount, terminating };
            match was(*node) {
                None => {
                    let known = touched.domains.len();
                    self.follow_pod(&work.cx, &moved, touched);
                    touched.narrow(known, *node, |key, value| {
                        work.cx.nodes.label(*node, key) == Some(value)
                            && labelled.is_alone(work.cx.cache, key, *node)
                    });
                }
                Some(cx) => {
                    let moved = PodMoved { node: ROW, ..moved };
                    self.follow_pod(&cx, &moved, &mut elsewhere);
                }
            }
        }
        for (node, _) in former.iter() {
            if let Some(cx) = was(*node) {
                self.follow_pods_of(&cx, *node, ROW, -1, &mut elsewhere);
                self.follow_node(&cx, ROW, -1);
            }
            self.follow_node(&work.cx, *node, 1);
            self.follow_pods_of(&work.cx, *node, *node, 1, &mut elsewhere);
        }
        touched.domains.append(&mut elsewhere.domains);
        touched.all |= elsewhere.all;
    }

    fn follow_node(&mut self, cx: &Context<'_>, node: NodeIdx, amount: i64) {
        if cx.nodes.live().contains(node) {
            self.counted.iter_mut().for_each(|c| c.groups.follow_node(cx, node, amount));
        }
    }

    /// Tells of the pods on `node`, which is `row` of `cx.nodes`.
    fn follow_pods_of(
        &mut self,
        cx: &Context<'_>,
        node: NodeIdx,
        row: NodeIdx,
        amount: i64,
        touched: &mut Touched,
    ) {
        let cache = cx.cache;
        for pod in cache.nodes().pods(node).iter().filter_map(|pod| cache.pods().get(*pod)) {
            let Some(class) = cache.classes().get(pod.class) else {
                missing("class", pod.class.at());
                continue;
            };
            let (labels, terminating) = (pod.labels, pod.terminating);
            let moved = PodMoved { class, labels, node: row, amount, terminating };
            self.follow_pod(cx, &moved, touched);
        }
    }

    fn follow_pod(&mut self, cx: &Context<'_>, moved: &PodMoved<'_>, touched: &mut Touched) {
        let terms = moved.class.pod_terms.is_some();
        for counted in &mut self.counted {
            if counted.follows_pods && (terms || counted.groups.follows_all()) {
                counted.groups.follow(cx, moved, touched);
            }
        }
    }
}
