//! What the filters found: the nodes that fit, and why the others do not.

use crate::base::{NodeIdx, NodeSet};
use crate::framework::{Reads, Reason, Reasons, State, Verdict};

use super::CycleError;

/// Why a node is out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    /// The node.
    pub node: NodeIdx,
    /// Place of the plugin in the profile.
    pub plugin: usize,
    /// Its verdict.
    pub verdict: Verdict,
}

/// Why no node was judged, or the judging broke off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stop {
    /// There is no node at all.
    NoNodes,
    /// A PreFilter rejected the pod for every node.
    PreFilter {
        /// Names of the plugins, as in kube-scheduler's rejector set.
        plugins: Vec<usize>,
        /// Name in the verdict; empty where several plugins together left no node.
        plugin: Option<usize>,
        /// Whether preemption may help.
        resolvable: bool,
        /// At least one.
        reasons: Reasons,
    },
    /// A PreFilter says that this scheduler cannot place the pod, see
    /// [`crate::framework::PreFiltered::Refuse`].
    Refused {
        /// Place of the plugin.
        plugin: usize,
        /// What has to change before the pod is looked at again.
        until: Reads,
        /// Its words are the condition's.
        reason: Reason,
    },
    /// The attempt is an error.
    Broken(CycleError),
}

/// The outcome of the filters.
#[derive(Debug, Default)]
pub struct Filtered {
    /// Nodes the pod fits, ascending.
    pub feasible: Vec<NodeIdx>,
    /// Nodes it does not fit, ascending within PreFilterExcluded and judged ones.
    pub rejected: Vec<Rejection>,
    /// Nodes that a PreFilter left out: mostly all but one.
    pub excluded: NodeSet,
    /// Plugins that narrowed the nodes.
    pub narrowed_by: Vec<usize>,
    /// Plugins that rejected the node that the pod is promised, which is tried before the others.
    pub refused_promise: Vec<usize>,
    /// PreFilter plugins that were asked: all, unless one rejected the pod for good.
    pub pre_filters_asked: usize,
    /// Set where nothing could be judged.
    pub stop: Option<Stop>,
    /// Nodes judged.
    pub evaluated: usize,
    pub(super) states: Vec<State>,
    pub(super) skipped: Vec<bool>,
}

impl Filtered {
    pub(super) fn stopped(stop: Stop) -> Self {
        Self { stop: Some(stop), ..Self::default() }
    }

    /// Places of the plugins that rejected, each once.
    pub fn rejectors(&self) -> Vec<usize> {
        let mut places: Vec<usize> = match &self.stop {
            Some(Stop::PreFilter { plugins, .. }) => plugins.clone(),
            Some(Stop::Refused { plugin, .. }) => vec![*plugin],
            _ => Vec::new(),
        };
        // Kept with each pod that waits: no more room than there are plugins.
        if self.stop.is_none() {
            for Rejection { plugin, .. } in &self.rejected {
                if places.last() != Some(plugin) && !places.contains(plugin) {
                    places.push(*plugin);
                }
            }
        }
        if !self.excluded.is_empty() {
            places.extend(&self.narrowed_by);
        }
        places.sort_unstable();
        places.dedup();
        places
    }
}
