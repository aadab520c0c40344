//! Why an attempt ends in an error.

use std::sync::Arc;

use crate::framework::{Fault, MAX_NODE_SCORE, Point};

/// Why an attempt ends in an error: the reason `SchedulerError` of the pod's condition, whose
/// message is the text, in kube-scheduler's words where it has some.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CycleError {
    /// A plugin failed at a point.
    ///
    /// Source: `RunPreFilterPlugins`, `RunFilterPlugins` and their like in
    /// `pkg/scheduler/framework/runtime/framework.go`.
    #[error("running {}: {fault}", call(*point, plugin))]
    Plugin {
        /// Its name.
        plugin: Box<str>,
        /// Where.
        point: Point,
        /// What it says.
        fault: Fault,
    },
    /// A PreBind plugin cannot tell whether it has anything to do (`RunPreBindPreFlights`).
    #[error("running PreBindPreFlight {plugin:?}: {fault}")]
    PreFlight {
        /// Its name.
        plugin: Box<str>,
        /// What it says.
        fault: Fault,
    },
    /// A Permit plugin failed after it had let the pod wait (`WaitOnPermit`).
    #[error("waiting on permit for pod: {fault}")]
    Waiting {
        /// Its name.
        plugin: Box<str>,
        /// What it says.
        fault: Fault,
    },
    /// A plugin panicked.
    #[error("plugin {plugin:?} panicked: {message}")]
    Panicked {
        /// Its name.
        plugin: Box<str>,
        /// What the panic says.
        message: Box<str>,
    },
    /// A plugin left the range of scores.
    #[error(
        "plugin {plugin:?} returns an invalid score {score}, it should in the range of \
         [0, {MAX_NODE_SCORE}] after normalizing"
    )]
    InvalidScore {
        /// Its name.
        plugin: Box<str>,
        /// The first score that is out of range.
        score: i64,
    },
    /// A plugin of a point does not implement it any more.
    #[error("plugin {plugin:?} does not extend {} plugin", point.as_str())]
    NotImplemented {
        /// Its name.
        plugin: Box<str>,
        /// The point.
        point: Point,
    },
    /// No Bind plugin takes the pod.
    #[error("no Bind plugin of the profile takes the pod")]
    NoBinder,
    /// Only a queued pod gets a node.
    #[error("the pod is not in the queue")]
    NotQueued,
    /// A plan has as many pods as it may.
    #[error("a plan holds {most} pods at most")]
    PlanFull {
        /// How many.
        most: usize,
    },
    /// A placement was asked for where there is no node.
    #[error("no node was found for the pod")]
    NoNode,
    /// The cache does not take the pod on the node.
    #[error("the pod cannot be assumed on node {node}")]
    NotAssumed {
        /// The node's name.
        node: Arc<str>,
    },
    /// A plugin has no state of this attempt.
    #[error("the plugins are not prepared for the pod")]
    NotPrepared,
    /// There are not as many scores as nodes.
    #[error("the scores do not belong to the nodes")]
    ScoresAmiss,
    /// The pod is not in the cache, so that no plugin can be asked.
    #[error("the pod is gone")]
    Gone,
}

impl CycleError {
    /// Whether Berth is at fault, not a plugin: such an error is counted and logged besides.
    pub(crate) fn is_internal(&self) -> bool {
        match self {
            Self::NotImplemented { .. }
            | Self::NotQueued
            | Self::NoNode
            | Self::NotAssumed { .. }
            | Self::NotPrepared
            | Self::ScoresAmiss
            | Self::Gone => true,
            Self::Plugin { .. }
            | Self::PreFlight { .. }
            | Self::Waiting { .. }
            | Self::Panicked { .. }
            | Self::InvalidScore { .. }
            | Self::NoBinder
            | Self::PlanFull { .. } => false,
        }
    }

    pub(crate) fn of_plugin(plugin: &str, point: Point, fault: Fault) -> Self {
        Self::Plugin { plugin: plugin.into(), point, fault }
    }
}

/// A plugin's call, as kube-scheduler's framework puts it.
fn call(point: Point, plugin: &str) -> String {
    match point {
        Point::Filter => format!("{plugin:?} filter plugin"),
        point => format!("{} plugin {plugin:?}", point.as_str()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_told_in_the_words_of_kube_scheduler() {
        let plugin = |point| {
            let fault = Fault::new("no claim");
            CycleError::Plugin { plugin: "VolumeBinding".into(), point, fault }.to_string()
        };
        let filter = "running \"VolumeBinding\" filter plugin: no claim";
        assert_eq!(plugin(Point::Filter), filter);
        let pre_filter = "running PreFilter plugin \"VolumeBinding\": no claim";
        assert_eq!(plugin(Point::PreFilter), pre_filter);
        let score = CycleError::InvalidScore { plugin: "Mine".into(), score: 101 };
        let text = "plugin \"Mine\" returns an invalid score 101, it should in the range of \
                    [0, 100] after normalizing";
        assert_eq!(score.to_string(), text);
    }
}
