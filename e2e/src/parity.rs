//! The same pods on the same cluster, decided by kube-scheduler and by Berth.
//!
//! A [`Round`] is a seeded cluster of fewer than 100 nodes (with more, kube-scheduler looks at a
//! sample) and seeded pods, all of one priority. They go to one scheduler after the other, each on
//! a control plane of its own without controllers, one pod at a time. The reference comes first:
//! its choices are the state in which each pod of the second run is tried, whatever the second
//! scheduler chose. What may be chosen is computed from the reference's API objects, see
//! [`expected`].

pub mod cluster;
pub mod configuration;
pub mod draw;
pub mod expected;
pub mod objects;
pub mod pods;
pub mod replay;
pub mod shapes;

use serde_json::Value;

use crate::controlplane::{ControlPlane, Options};
use crate::scheduler::{Kind, Scheduler};
use draw::Draw;

/// What a scheduler made of a pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Bound to this node.
    Placed(String),
    /// `PodScheduled=False`.
    Refused {
        /// The condition's reason.
        reason: String,
        /// The condition's message up to what PostFilter plugins said.
        message: String,
        /// What they said: preemption's report, or `not found`. Berth says nothing there yet.
        post_filter: String,
    },
}

/// How two verdicts on a pod that fits nowhere relate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Likeness {
    /// The same reason and message.
    Same,
    /// The same but for the plugins in `node(s) didn't satisfy plugin(s) [A B]`: a known
    /// difference. kube-scheduler lists those that narrowed the nodes (`findNodesThatFitPod`),
    /// Berth those that rejected the remaining ones too, as `tests/corpus` has it.
    OtherPlugins,
    /// Something else.
    Different,
}

impl Verdict {
    /// A refusal, its message parted where PostFilter's words begin. DynamicResources says
    /// `not found` where a PreFilter plugin before it has rejected the pod.
    pub fn refused(reason: &str, message: &str) -> Self {
        let not_found = || message.strip_suffix(". not found").map(|text| text.len() + 1);
        let end = message.find(" preemption: ").or_else(not_found).unwrap_or(message.len());
        let (message, post_filter) = message.split_at(end);
        let text = |part: &str| part.trim_start().to_owned();
        Self::Refused {
            reason: text(reason),
            message: text(message),
            post_filter: text(post_filter),
        }
    }

    /// Compares two refusals, PostFilter's words aside.
    pub fn likeness(&self, other: &Self) -> Likeness {
        let (
            Self::Refused { reason: a_reason, message: a, .. },
            Self::Refused { reason: b_reason, message: b, .. },
        ) = (self, other)
        else {
            return Likeness::Different;
        };
        if a_reason != b_reason {
            return Likeness::Different;
        }
        likeness(a, b)
    }

    /// The node, where it was placed.
    pub fn node(&self) -> Option<&str> {
        match self {
            Self::Placed(node) => Some(node),
            Self::Refused { .. } => None,
        }
    }
}

/// Compares the messages of two refusals.
pub fn likeness(a: &str, b: &str) -> Likeness {
    if a == b {
        return Likeness::Same;
    }
    match (without_plugins(a), without_plugins(b)) {
        (Some(a), Some(b)) if a == b => Likeness::OtherPlugins,
        _ => Likeness::Different,
    }
}

/// The text around the list of plugins of the nodes that were left out.
fn without_plugins(message: &str) -> Option<(&str, &str)> {
    let (before, rest) = message.split_once("didn't satisfy plugin(s) [")?;
    let (_, after) = rest.split_once(']')?;
    Some((before, after))
}

/// One moment at which a pod is decided.
#[derive(Debug, Clone)]
pub struct Step {
    /// What the pod is about, for reports.
    pub shape: String,
    /// The pod as it is sent, with its gates if it has any.
    pub pod: Value,
    /// Its gates are lifted after this many further pods; 0: it has none.
    pub held_for: usize,
}

/// A cluster and the pods to try on it.
#[derive(Debug)]
pub struct Round {
    /// Names the run.
    pub name: String,
    /// Everything but the pods to try, in an order in which it can be created.
    pub objects: Vec<Value>,
    /// The pods to try.
    pub steps: Vec<Step>,
    /// A KubeSchedulerConfiguration without `clientConnection.kubeconfig`.
    pub configuration: Value,
}

impl Round {
    /// The round of this seed under this configuration.
    pub fn new(name: &str, configuration: Value, seed: u64, pods: usize) -> Self {
        let mut draw = Draw::new(seed);
        let objects = cluster::objects(&mut draw);
        let steps = pods::steps(&mut draw, pods);
        Self { name: name.to_owned(), objects, steps, configuration }
    }

    /// Starts a control plane with the objects of the round, and the scheduler on it.
    ///
    /// # Errors
    /// A server does not start, or the API server refuses an object.
    pub async fn start(&self, kind: Kind) -> anyhow::Result<(ControlPlane, Scheduler)> {
        // `load`: without the not-ready taint that a node controller would have to remove.
        let name = format!("parity-{}-{}", self.name, kind.name());
        let options = Options { name, load: true, ..Options::default() };
        let plane = ControlPlane::start(&options).await?;
        for object in &self.objects {
            objects::create(&plane.client(), object).await?;
        }
        let options = configuration::options(kind, &plane, &self.configuration);
        let scheduler = Scheduler::start(&plane, &options).await?;
        Ok((plane, scheduler))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_are_the_same_but_for_what_is_known() {
        let of = |message| Verdict::refused("Unschedulable", message);
        let plain = of("0/2 nodes are available: 2 Insufficient cpu.");
        let told = "0/2 nodes are available: 2 Insufficient cpu. preemption: 0/2 nodes";
        assert_eq!(plain.likeness(&of(told)), Likeness::Same);
        let other = of("0/2 nodes are available: 2 Insufficient memory.");
        assert_eq!(plain.likeness(&other), Likeness::Different);
        let claim = of("0/2 nodes are available: claim \"x\" not found.");
        let twice = of("0/2 nodes are available: claim \"x\" not found. not found");
        assert_eq!(claim.likeness(&twice), Likeness::Same);
        assert_ne!(claim, twice);
        let one = of("0/2 nodes are available: 1 x, 1 node(s) didn't satisfy plugin(s) [A].");
        let both = of("0/2 nodes are available: 1 x, 1 node(s) didn't satisfy plugin(s) [A B].");
        assert_eq!(one.likeness(&both), Likeness::OtherPlugins);
        let else_ = of("0/2 nodes are available: 1 y, 1 node(s) didn't satisfy plugin(s) [A].");
        assert_eq!(else_.likeness(&both), Likeness::Different);
        let node = Verdict::Placed("n00".to_owned());
        assert_eq!(node.likeness(&one), Likeness::Different);
    }
}
