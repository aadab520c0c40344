//! A case as it is read.

use serde::Deserialize;
use serde_json::value::RawValue;

/// One line of input. Objects stay text until the decoders take them.
#[derive(Debug, Deserialize)]
pub(super) struct Case {
    /// Name of the case, repeated in its answer.
    #[serde(default)]
    pub(super) id: String,
    /// The text of a configuration file: the case is about nothing else then.
    #[serde(default)]
    pub(super) yaml: Option<String>,
    /// A KubeSchedulerConfiguration with one profile; absent: the defaults.
    #[serde(default)]
    pub(super) config: Option<Box<RawValue>>,
    /// Everything in the cluster, with `apiVersion` and `kind`.
    #[serde(default)]
    pub(super) objects: Vec<Box<RawValue>>,
    /// The pods to schedule, in this order.
    #[serde(default)]
    pub(super) pending: Option<Vec<Box<RawValue>>>,
}
