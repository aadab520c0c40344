//! The traits a plugin implements, one per extension point.

mod binding;
mod groups;
mod hints;

use std::fmt::Debug;

use crate::base::{NodeIdx, PodIdx};

use super::{
    Awaits, Context, PodView, PreFiltered, PreScored, Reads, Reason, State, Verdict, Verdicts,
};

pub use binding::{
    Bind, Permission, Permit, PostBind, PreBind, PreFlight, Progress, Reserve, Write,
};
pub use groups::{GroupKey, Grouped, Groups, Keeps, PodMoved, Touched};
pub use hints::{ClusterEvent, Hint, Hints, Registration, Subject};

/// What every plugin has: a name, what it reads, and the points it takes part in.
///
/// A plugin is built once per profile and lives as long as the configuration is in force. It keeps
/// no state between pods: what it knows about one pod's cycle is in its [`State`].
pub trait Plugin: Debug + Send + Sync {
    /// The name in configurations, metrics and events.
    fn name(&self) -> &str;

    /// What its filter's verdicts depend on; [`Reads::EVERYTHING`] where it cannot say.
    fn reads(&self) -> Reads {
        Reads::EVERYTHING
    }

    /// What has to happen before its rejection of this pod is lifted on any node, in more detail
    /// than [`Plugin::reads`] has it. Declaring too little loses wake-ups; too much costs looks.
    ///
    /// Asked when its rejection stands: what it rejects by then is all that has to be lifted. A
    /// node that comes is one of the facts about nodes ([`Reads::NODE_EXISTS`]), and has room.
    fn awaits(&self, _cx: &Context<'_>, awaits: &mut Awaits) {
        awaits.facts(self.reads() | Reads::NODE_EXISTS);
    }

    /// What its verdicts depend on of the pod beyond its class: two pods of one class with equal
    /// marks get equal verdicts on every node. Labels are what differs between pods of a class, so
    /// a plugin that matches labels hashes which of the terms in play match the pod; most plugins
    /// read the class only.
    fn mark(&self, _cx: &Context<'_>) -> u64 {
        0
    }

    /// What may be kept of its answers about pods of the class of this one, which has no node yet
    /// and is not promised one.
    fn keeps(&self, _cx: &Context<'_>) -> Keeps {
        Keeps::Nothing
    }

    /// Whether Reserve, Permit or PreBind has anything to do for pods about which it keeps answers.
    fn acts(&self, _cx: &Context<'_>) -> bool {
        true
    }

    /// Itself as one that is asked in groups.
    fn as_grouped(&self) -> Option<&dyn Grouped> {
        None
    }

    /// Itself as a gate before the queue.
    fn as_pre_enqueue(&self) -> Option<&dyn PreEnqueue> {
        None
    }
    /// Itself as the order of the queue.
    fn as_queue_sort(&self) -> Option<&dyn QueueSort> {
        None
    }
    /// Itself before the filters.
    fn as_pre_filter(&self) -> Option<&dyn PreFilter> {
        None
    }
    /// Itself as a filter.
    fn as_filter(&self) -> Option<&dyn Filter> {
        None
    }
    /// Itself after filters that left no node.
    fn as_post_filter(&self) -> Option<&dyn PostFilter> {
        None
    }
    /// Itself before the scores.
    fn as_pre_score(&self) -> Option<&dyn PreScore> {
        None
    }
    /// Itself as a score.
    fn as_score(&self) -> Option<&dyn Score> {
        None
    }
    /// Itself at Reserve.
    fn as_reserve(&self) -> Option<&dyn Reserve> {
        None
    }
    /// Itself at Permit.
    fn as_permit(&self) -> Option<&dyn Permit> {
        None
    }
    /// Itself at PreBind.
    fn as_pre_bind(&self) -> Option<&dyn PreBind> {
        None
    }
    /// Itself at Bind.
    fn as_bind(&self) -> Option<&dyn Bind> {
        None
    }
    /// Itself after a bind.
    fn as_post_bind(&self) -> Option<&dyn PostBind> {
        None
    }
    /// Its hints, where [`Plugin::reads`] is undeclared.
    fn as_hints(&self) -> Option<&dyn Hints> {
        None
    }
}

/// Decides whether a pod may enter the queue.
pub trait PreEnqueue: Plugin {
    /// `Err` with the reason where the pod has to wait outside.
    ///
    /// # Errors
    /// The reason, as in the pod's condition.
    fn pre_enqueue(&self, pod: &PodView<'_>) -> Result<(), Reason>;
}

/// The order of the queue, as a key: smaller keys first. Equal keys go by arrival.
pub type SortKey = [i64; 2];

/// Orders the queue. All profiles use the same one.
pub trait QueueSort: Plugin {
    /// The pod's key; `queued_ms` is when it came to the queue, or back to it.
    fn key(&self, priority: i32, queued_ms: u64) -> SortKey;
}

/// Looks at the pod once, before the filters.
pub trait PreFilter: Plugin {
    /// Keeps in `state` what its filter needs.
    fn pre_filter(&self, cx: &Context<'_>, state: &mut State) -> PreFiltered;

    /// Follows a pod being added to the copy of a node that `cx.nodes` is (`AddPod`).
    fn add_pod(&self, _cx: &Context<'_>, _state: &mut State, _pod: PodIdx, _node: NodeIdx) {}

    /// Follows a pod being taken from the copy of a node that `cx.nodes` is (`RemovePod`).
    fn remove_pod(&self, _cx: &Context<'_>, _state: &mut State, _pod: PodIdx, _node: NodeIdx) {}
}

/// Says which nodes a pod fits.
pub trait Filter: Plugin {
    /// Judges `nodes`, in order; `verdicts` has one place for each and says `Fit` to begin with.
    fn filter(
        &self,
        cx: &Context<'_>,
        state: &State,
        nodes: &[NodeIdx],
        verdicts: &mut Verdicts<'_>,
    );
}

/// Acts where no node fits. Preemption will live here.
pub trait PostFilter: Plugin {
    /// A node to nominate, or the reason why there is none.
    ///
    /// # Errors
    /// The reason, as it appears at the end of the pod's condition.
    fn post_filter(
        &self,
        cx: &Context<'_>,
        rejected: &[(NodeIdx, &Verdict)],
    ) -> Result<NodeIdx, Reason>;
}

/// Looks at the pod and the feasible nodes once, before the scores.
pub trait PreScore: Plugin {
    /// Keeps in `state` what its score needs.
    fn pre_score(&self, cx: &Context<'_>, nodes: &[NodeIdx], state: &mut State) -> PreScored;
}

/// Says how well a pod fits a node.
pub trait Score: Plugin {
    /// Scores `nodes`, in order, into `scores`, which has one place for each and is 0.
    fn score(&self, cx: &Context<'_>, state: &State, nodes: &[NodeIdx], scores: &mut [i64]);

    /// Whether scores are final as they are, without a look at those of other nodes: then
    /// [`Score::normalize`] is the default one.
    fn is_absolute(&self) -> bool {
        false
    }

    /// Brings the scores of all feasible nodes into 0..=100. Leaves them as they are by default.
    fn normalize(&self, _cx: &Context<'_>, _state: &State, _scores: &mut [i64]) {}
}
