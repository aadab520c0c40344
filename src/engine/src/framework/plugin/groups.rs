//! What the class engine may keep of a plugin's answers, and how it asks for them in groups.
//!
//! A pod of a class that was evaluated a moment ago finds most of its answers still true: only
//! the nodes that something happened to have to be judged again. A plugin tells with
//! [`Keeps`] on what its answers depend. Those that read one node's row are kept per node. Those
//! that count pods over domains of nodes implement [`Grouped`]: they reduce a node to a few
//! numbers, nodes with equal numbers are a group, and a group is judged and scored as one node.

use std::fmt::Debug;

use smallvec::SmallVec;

use crate::base::{LabelSetIdx, NodeIdx, Sym};
use crate::model::Class;

use crate::framework::{Context, Plugin, PreScored, Reads};

/// On what a plugin's answers about pods of one class depend.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keeps {
    /// It cannot say: pods of the class are decided by the plain scan.
    Nothing,
    /// It takes no part in cycles of this class: its PreFilter skips, it does not score.
    Aside,
    /// On the class, and on these facts about the node itself. PreFilter and PreScore read the
    /// class only, a normalization the set of raw scores only. All of them may read what storage is
    /// ([`Reads::STORAGE`]), where it is among the facts: a change there calls for asking anew, and
    /// so does a node that comes or gets other labels.
    Node(Reads),
    /// On the numbers that its [`Grouped`] makes of a node.
    Groups,
}

/// Numbers that one or several plugins make of a node.
pub type GroupKey = SmallVec<[i64; 6]>;

/// A plugin whose answers about a node follow from a few numbers.
pub trait Grouped: Plugin {
    /// What it knows about pods like this one, counted anew; `None` where the pod has to go by the
    /// plain scan, as it has where PreFilter, which is not asked then, would reject it or leave
    /// nodes out.
    fn open(&self, cx: &Context<'_>) -> Option<Box<dyn Groups>>;
}

/// A pod that counts on a node has come there or gone from there. A change of its labels or its
/// template, and the begin of its deletion, are a going and a coming.
#[derive(Debug, Clone, Copy)]
pub struct PodMoved<'a> {
    /// Its class.
    pub class: &'a Class,
    /// Its labels.
    pub labels: LabelSetIdx,
    /// The node, which may have no object.
    pub node: NodeIdx,
    /// 1 or -1.
    pub amount: i64,
    /// Whether it is being deleted.
    pub terminating: bool,
}

/// Nodes whose numbers are others now.
#[derive(Debug, Default)]
pub struct Touched {
    /// These.
    pub nodes: Vec<NodeIdx>,
    /// All nodes that have the label with this value.
    pub domains: Vec<(Sym, Sym)>,
    /// All: what the numbers stand for is another.
    pub all: bool,
}

impl Touched {
    /// Names `node` itself for those of the domains from the `known`th on that are no more than it.
    pub(crate) fn narrow(
        &mut self,
        known: usize,
        node: NodeIdx,
        mut is_alone: impl FnMut(Sym, Sym) -> bool,
    ) {
        let mut at = known;
        while let Some((key, value)) = self.domains.get(at).copied() {
            if is_alone(key, value) {
                self.domains.swap_remove(at);
                self.nodes.push(node);
            } else {
                at += 1;
            }
        }
    }
}

/// What a [`Grouped`] knows about pods of one class, kept current.
///
/// All contexts handed in are of pods that are alike: of one class, with the same owner, and with
/// the same values of all labels that a selector in the cluster asks for.
pub trait Groups: Debug + Send + Sync {
    /// Facts that it has counted over all nodes or other objects and that [`Groups::follow`] does
    /// not bring: a change of one calls for counting anew.
    fn reads(&self) -> Reads;

    /// Whether pods that come and go matter. Where not, only those with affinity terms are told.
    fn follows_all(&self) -> bool;

    /// Whether [`Groups::follow`] does anything at all: else no pod that comes or goes changes a
    /// node's numbers.
    fn follows_pods(&self) -> bool {
        true
    }

    /// Whether [`Groups::follow`] may do anything for pods like the moved one: of its class, with
    /// its labels, being deleted or not as it is, on any node. The answer is kept until all is
    /// counted anew; a plugin that cannot tell says yes.
    fn concerns(&self, _cx: &Context<'_>, _moved: &PodMoved<'_>) -> bool {
        true
    }

    /// Follows one pod. The node is a row of `cx.nodes` and has there the labels and taints that it
    /// had for the pods before, until [`Groups::follow_node`] says otherwise.
    fn follow(&mut self, cx: &Context<'_>, moved: &PodMoved<'_>, touched: &mut Touched);

    /// Whether it follows nodes as well: a node that comes, goes or gets other labels or taints
    /// ([`Reads::NODE_OBJECT`]) calls for no new count then.
    fn follows_nodes(&self) -> bool {
        false
    }

    /// Follows one node, without the pods on it: it is there from now on (`amount` 1) or no longer
    /// (-1), as a row of `cx.nodes`. One that changes goes as it was, its pods before it, and comes
    /// as it is, its pods after it.
    fn follow_node(&mut self, _cx: &Context<'_>, _node: NodeIdx, _amount: i64) {}

    /// What its counts take in bytes, roughly, where that grows with nodes or domains. Asked before
    /// each choice: it has to be told from a few lengths.
    fn bytes(&self) -> usize {
        0
    }

    /// Adds the numbers of a node to `key`: as many for each node, until `Touched::all` is set.
    fn key(&self, cx: &Context<'_>, node: NodeIdx, key: &mut GroupKey);

    /// Whether the filter passes nodes with these numbers.
    fn fits(&self, _key: &[i64]) -> bool {
        true
    }

    /// PreScore, over the groups of feasible nodes: the numbers, and how many nodes have them.
    fn pre_score(&mut self, _cx: &Context<'_>, _groups: &[(&[i64], u64)]) -> PreScored {
        PreScored::Proceed
    }

    /// The raw score of nodes with these numbers.
    fn raw(&self, _cx: &Context<'_>, _key: &[i64]) -> i64 {
        0
    }
}
