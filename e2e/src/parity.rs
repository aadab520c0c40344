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
        /// The condition's message without preemption's report, of which Berth says nothing yet.
        message: String,
    },
}

impl Verdict {
    /// A refusal.
    pub fn refused(reason: &str, message: &str) -> Self {
        let message = message.split_once(" preemption: ").map_or(message, |(before, _)| before);
        Self::Refused { reason: reason.to_owned(), message: message.to_owned() }
    }

    /// The node, where it was placed.
    pub fn node(&self) -> Option<&str> {
        match self {
            Self::Placed(node) => Some(node),
            Self::Refused { .. } => None,
        }
    }
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
        let mut objects = cluster::objects(&mut draw);
        objects.extend(pods::running(&mut draw));
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
    fn refusals_are_compared_to_the_letter_but_for_preemption() {
        let of = |message| Verdict::refused("Unschedulable", message);
        let plain = of("0/2 nodes are available: 2 Insufficient cpu.");
        let told = of("0/2 nodes are available: 2 Insufficient cpu. preemption: 0/2 nodes");
        assert_eq!(plain, told);
        assert_ne!(plain, of("0/2 nodes are available: 2 Insufficient memory."));
        assert_ne!(plain, of("0/2 nodes are available: 2 Insufficient cpu. not found"));
        assert_ne!(
            plain,
            Verdict::refused("SchedulerError", "0/2 nodes are available: 2 Insufficient cpu.")
        );
    }
}
