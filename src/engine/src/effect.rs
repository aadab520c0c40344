//! What the scheduler asks of the world. The set is closed: a new variant is an architectural
//! change. The shell acts on each or refuses it loudly; it never drops one in silence.

use std::sync::Arc;

use crate::base::{CycleId, WriteId};
use crate::framework::Write;
use crate::record::{ObjectKey, Owner};
use crate::stored::stored;

/// A pod as an effect names it: enough for a request that cannot hit a namesake.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PodName {
    /// Namespace and name.
    pub key: ObjectKey,
    /// `metadata.uid`.
    pub uid: Box<str>,
}

/// One thing to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Bind the pod to the node, and report an [`crate::Input::BindOutcome`] for it, always.
    Bind {
        /// What the outcome names.
        cycle: CycleId,
        /// The pod.
        pod: Arc<PodName>,
        /// `metadata.resourceVersion` of the pod as last seen, 0 where unknown: the bind is asked
        /// for on condition that the pod still has it, so that one that is carried out late fails
        /// once the pod has been written.
        resource_version: u64,
        /// The node's name.
        node: Arc<str>,
        /// `schedulerName` of the profile that decided.
        profile: Arc<str>,
        /// How the decision came about, for the log.
        decision: Decision,
    },
    /// Write the pod's `PodScheduled` condition. Asked for only where it changes something.
    Condition {
        /// The pod.
        pod: PodName,
        /// Always False here: the API server itself writes True when it binds.
        reason: FailureReason,
        /// Text for people, in kube-scheduler's words.
        message: String,
        /// `observedGeneration`: the version of the spec it speaks of; 0 where unknown.
        generation: i64,
    },
    /// Write (or clear, with `None`) the pod's `status.nominatedNodeName`.
    Nominate {
        /// The pod.
        pod: PodName,
        /// The node's name.
        node: Option<Box<str>>,
    },
    /// Publish an event about the pod.
    Event {
        /// The pod.
        pod: Arc<PodName>,
        /// `schedulerName` of the profile: the event's `reportingController`.
        profile: Arc<str>,
        /// What it says.
        event: PodEvent,
    },
    /// Delete a victim of preemption. Not asked for yet.
    Evict {
        /// The victim.
        victim: PodName,
        /// The pod that needs the room.
        preemptor: PodName,
        /// Where.
        node: Box<str>,
    },
    /// Write what a PreBind plugin wants, and report an [`crate::Input::WriteOutcome`] for it. No
    /// plugin asks for it yet.
    Write {
        /// What the outcome names.
        id: WriteId,
        /// The pod that is to be bound.
        pod: Arc<PodName>,
        /// What to write.
        write: Write,
    },
}

/// Reason of `PodScheduled=False`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FailureReason {
    /// `Unschedulable`: plugins rejected every node.
    Unschedulable,
    /// `SchedulerError`: the attempt itself failed.
    SchedulerError,
    /// `SchedulerError` as well: no profile has the pod's `schedulerName` any more. Not
    /// `Unschedulable`, for which a cluster autoscaler would add nodes.
    ProfileGone,
}

impl FailureReason {
    /// The word in the condition.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unschedulable => "Unschedulable",
            Self::SchedulerError | Self::ProfileGone => "SchedulerError",
        }
    }
}

/// Events about pods, §6.4 of kube-scheduler's behaviour.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PodEvent {
    /// Normal, reason Scheduled, action Binding. The shell publishes it after the bind.
    Scheduled {
        /// The node's name.
        node: Arc<str>,
        /// The pod's controller, where events are told by controller.
        controller: Option<Arc<Owner>>,
    },
    /// Warning, reason FailedScheduling, action Scheduling.
    FailedScheduling {
        /// Text, not yet cut to 1,024 bytes.
        note: String,
    },
}

/// How a decision came about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Decision {
    /// Nodes evaluated.
    pub evaluated: u32,
    /// Nodes that passed all filters.
    pub feasible: u32,
    /// Nodes with the highest total.
    pub best: u32,
    /// The total score of the chosen node; 0 where only one was feasible.
    pub score: i64,
    /// Which attempt of this pod it was, from 1.
    pub attempt: u32,
}

stored! { struct PodName { key, uid } }

stored! { struct Decision { evaluated, feasible, best, score, attempt } }
