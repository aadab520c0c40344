//! The points of a pod that has its node: Reserve, Permit, PreBind, Bind, PostBind.
//!
//! Source: `staging/src/k8s.io/kube-scheduler/framework/interface.go`. There a plugin that waits
//! holds a goroutine; here it is asked again where something that it reads has changed, and keeps
//! nothing itself.

use crate::base::{Millis, NodeIdx};
use crate::record::ObjectKey;

use crate::framework::{Context, Fault, Plugin, PodView, Reason, Reserved, State};

/// Books something for the pod beside the room on its node. What is booked is data that the cache
/// keeps with the pod, and gives back in reverse order, so there is nothing to unreserve.
pub trait Reserve: Plugin {
    /// Runs once the node is chosen, with what PreFilter kept in `state`.
    ///
    /// # Errors
    /// Why the attempt fails; the pod backs off.
    fn reserve(&self, cx: &Context<'_>, state: &State, node: NodeIdx) -> Result<Reserved, Fault>;
}

/// What a Permit plugin says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Permission {
    /// Go on.
    Allow,
    /// Wait so many milliseconds at most, counted from the first time it is said.
    Wait(Millis),
    /// The pod must not be bound now. It waits until something that the plugin reads changes.
    Reject(Reason),
    /// The plugin failed; the pod backs off.
    Broken(Fault),
}

/// May hold a pod back before its bind.
pub trait Permit: Plugin {
    /// Asked when the pod is assumed on its node. A plugin that says [`Permission::Wait`] is asked
    /// again after every change of what it [reads](Plugin::reads), among which are other pods that
    /// are assumed or leave, until it says something else or its time is over.
    fn permit(&self, cx: &Context<'_>, node: NodeIdx) -> Permission;
}

/// What a PreBind plugin says before it is run (`PreBindPreFlight`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PreFlight {
    /// There is nothing to do for this pod.
    Skip,
    /// It is to be run.
    Run {
        /// Beside those of its neighbours that say the same (`AllowParallel`).
        parallel: bool,
    },
    /// The plugin failed; the pod backs off.
    Broken(Fault),
}

/// How far what a PreBind plugin wants has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// It is there.
    Done,
    /// Not yet: asked again after every change of what the plugin reads.
    Wait,
    /// It cannot come about on this node. The pod waits until something that the plugin reads
    /// changes.
    Reject(Reason),
    /// The plugin failed; the pod backs off.
    Broken(Fault),
}

/// What a PreBind plugin wants written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Write {
    /// Bind a volume to a claim, or mark the claim for provisioning on a node.
    Volume {
        /// The claim.
        claim: ObjectKey,
        /// The volume to bind; `None` asks the provisioner for one.
        volume: Option<Box<str>>,
        /// The node chosen.
        node: Box<str>,
    },
}

/// Has something to write, or to wait for, before the bind.
pub trait PreBind: Plugin {
    /// Whether it has anything to do for this pod; asked before Permit waits, and changes nothing.
    fn pre_flight(&self, cx: &Context<'_>, node: NodeIdx) -> PreFlight;

    /// What is to be written. The next step is [`PreBind::progress`], once all is answered.
    ///
    /// # Errors
    /// The plugin failed; the pod backs off.
    fn pre_bind(&self, cx: &Context<'_>, node: NodeIdx) -> Result<Vec<Write>, Fault>;

    /// Whether what was written has come about. Asked when all writes are answered, and again after
    /// every change of what the plugin reads.
    fn progress(&self, _cx: &Context<'_>, _node: NodeIdx) -> Progress {
        Progress::Done
    }

    /// How many milliseconds the writes and what they bring about may take, and the error after
    /// that. Ten minutes by default, as `bindTimeoutSeconds` of VolumeBinding.
    fn patience(&self) -> (Millis, &str) {
        (600_000, "context deadline exceeded")
    }
}

/// Asks for the bind.
pub trait Bind: Plugin {
    /// Whether this plugin binds the pod; where not, the next one is asked.
    fn bind(&self, pod: &PodView<'_>, node: NodeIdx) -> bool;
}

/// Hears of a pod that is bound.
pub trait PostBind: Plugin {
    /// Is told.
    fn post_bind(&self, pod: &PodView<'_>, node: NodeIdx);
}
