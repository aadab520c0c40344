//! A case as it is read.

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

/// One case. Objects stay text until the decoders take them.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
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
    /// What happens, each event from the same state: the case is about wake-ups then.
    #[serde(default)]
    pub(super) events: Option<Vec<Event>>,
    /// The one pod that waits, in a case with events.
    #[serde(default)]
    pub(super) pod: Option<Box<RawValue>>,
    /// The pods to schedule, in this order.
    #[serde(default)]
    pub(super) pending: Option<Vec<Box<RawValue>>>,
    /// What the case is about, for its reader.
    #[serde(default, rename = "topic")]
    _topic: IgnoredAny,
    /// The verdict that is right, for who compares.
    #[serde(default, rename = "expect")]
    _expect: IgnoredAny,
}

/// One event of a case about wake-ups.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Event {
    /// What happens to the object.
    pub(super) verb: Verb,
    /// The object as it then is.
    pub(super) object: Box<RawValue>,
    /// What it is meant to be, for its reader.
    #[serde(default, rename = "what")]
    _what: IgnoredAny,
}

/// What happens to an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Verb {
    Create,
    Update,
    UpdateStatus,
    Delete,
}
