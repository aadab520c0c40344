//! What can happen to the scheduler. The set is closed: a new variant is an architectural change.

use std::sync::Arc;

use crate::base::{CycleId, Draw, HashKey, Random, WriteId};
use crate::framework::Profile;
use crate::object::{Change, Object};
use crate::record::{NodeRecord, ObjectKey, PodRecord};

/// One thing that happened, in the order in which the shell learned of it.
///
/// Kinds that kube-scheduler 1.37 watches and that have no variant yet: `resource.k8s.io`
/// ResourceClaim, ResourceSlice, DeviceClass and DeviceTaintRule, and `scheduling.k8s.io`
/// PodGroup. Pods that need them are refused (see [`crate::record::PodSpec::resource_claims`]);
/// their variants come with devices and groups and will be [`Change`]s of new [`Object`]s.
#[derive(Debug, Clone, PartialEq)]
pub enum Input {
    /// A pod was added or changed.
    PodApplied(Box<PodRecord>),
    /// A pod is gone, or has ended and so left the watch.
    PodDeleted {
        /// Namespace and name.
        key: ObjectKey,
        /// `metadata.uid`.
        uid: Box<str>,
    },
    /// A node was added or changed.
    NodeApplied(Arc<NodeRecord>),
    /// A node is gone.
    NodeDeleted {
        /// `metadata.name`.
        name: Box<str>,
    },
    /// Another object was added, changed or deleted.
    Object(Box<Object>, Change),
    /// What became of a bind that an [`crate::Effect::Bind`] asked for. One for a cycle that is
    /// over changes nothing.
    BindOutcome {
        /// The cycle that asked.
        cycle: CycleId,
        /// What the API server said, or what a look at the pod told.
        outcome: BindOutcome,
    },
    /// What became of a write that an [`crate::Effect::Write`] asked for. One for a cycle that is
    /// over changes nothing.
    WriteOutcome {
        /// The write.
        id: WriteId,
        /// What the API server said.
        outcome: WriteOutcome,
    },
    /// New profiles are in force from here on.
    Config(Arc<Config>),
    /// The scheduler is to work in another way.
    Control(Control),
    /// A pod is taken in as if it were pending, even where `spec.nodeName` is set, without queueing
    /// it: for `berth evaluate` and what-if questions. Changes nothing where its uid is known.
    PodAdmitted(Box<PodRecord>),
    /// A pod that was taken in so counts on a node as assigned.
    PodAssigned {
        /// `metadata.uid`.
        uid: Box<str>,
        /// The node's name.
        node: Box<str>,
        /// `status.startTime` in milliseconds.
        started_ms: u64,
    },
    /// Only time has passed.
    Tick,
}

/// How the scheduler works, besides what the configuration file says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Control {
    /// What chance begins with. Comes before every other input, and once.
    Begin(Origin),
    /// Takes no pods while paused: before the first lists are whole, and while shutting down.
    /// Inputs and outcomes are taken in all the same.
    Pause(bool),
    /// How nodes are chosen. Both ways give the same choice.
    Method(Method),
    /// So many conditions may be written from now on, and of those so many that are no attempt's:
    /// made anew, or lost. All of both before the first such input.
    ConditionRoom {
        /// Conditions in all.
        all: usize,
        /// Of those, the ones that are said again.
        again: usize,
    },
    /// Rankings take at most so many cells of four bytes; 32 million before.
    RankingCells(usize),
}

/// What chance begins with: all that the engine does not learn from the cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// How one of equally good nodes is drawn.
    pub draw: Draw,
    /// The key of the hash of names.
    pub hash_key: HashKey,
}

impl Origin {
    /// A seeded draw, and a key that is no secret.
    pub fn seeded(seed: u64) -> Self {
        Self { draw: Draw::Seeded(Random::new(seed)), hash_key: HashKey::PUBLIC }
    }

    /// The first node by name, and a key that is no secret.
    pub fn first_by_name() -> Self {
        Self { draw: Draw::FirstByName, hash_key: HashKey::PUBLIC }
    }
}

/// How nodes are chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Method {
    /// By rankings kept per class, see [`crate::ranking`]; the plain scan where they cannot tell.
    #[default]
    Class,
    /// By the plain scan, always.
    Scan,
}

/// The end of a bind. Each asks for a different next step, so each is its own variant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BindOutcome {
    /// The API server has bound the pod to the node asked for.
    Bound,
    /// 409: the pod is bound already, or its uid differs, or it is being deleted. The watch tells
    /// what is true; until it does, the pod waits in backoff.
    Conflict(String),
    /// 404: the pod is gone. The watch will tell.
    Gone,
    /// Another pod has the name: the one asked for is gone for good, whatever the watch says.
    Replaced,
    /// 401, 403 or a request the server calls invalid: trying again at once cannot help.
    Denied(String),
    /// 429: the server asks to slow down.
    Throttled(String),
    /// 5xx, connection refused: surely not bound.
    Unavailable(String),
    /// The answer was lost, the pod is not bound, and the bind cannot be carried out any more: the
    /// pod has been written since.
    NotBound {
        /// What the pod's condition says: the text of the error.
        message: String,
        /// `metadata.resourceVersion` of the pod since; 0 where unknown.
        resource_version: u64,
        /// The condition has been written with this message, as reason `SchedulerError`.
        is_told: bool,
    },
}

impl BindOutcome {
    /// All values of [`BindOutcome::label`], so that every series exists from the start.
    pub const LABELS: [&'static str; 8] = [
        "bound",
        "conflict",
        "gone",
        "replaced",
        "denied",
        "throttled",
        "unavailable",
        "not_bound",
    ];

    /// The label of the outcome in metrics.
    pub fn label(&self) -> &'static str {
        match self {
            Self::Bound => "bound",
            Self::Conflict(_) => "conflict",
            Self::Gone => "gone",
            Self::Replaced => "replaced",
            Self::Denied(_) => "denied",
            Self::Throttled(_) => "throttled",
            Self::Unavailable(_) => "unavailable",
            Self::NotBound { .. } => "not_bound",
        }
    }
}

/// The end of a write before a bind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WriteOutcome {
    /// It is written.
    Written,
    /// It is not, and the writer has given up.
    Failed(String),
}

/// Everything that a configuration file says to the engine. Equal files are equal configurations:
/// what is compiled from one does not count.
#[derive(Debug, Clone)]
pub struct Config {
    /// Hash of the configuration in force, for reports.
    pub hash: u64,
    /// The configuration that the rest is compiled from, with all defaults, as YAML; empty where it
    /// was not made from a file.
    pub text: Arc<str>,
    /// Profiles by `schedulerName`, in the order of the file.
    pub profiles: Vec<Arc<Profile>>,
    /// `podInitialBackoffSeconds`, in milliseconds.
    pub backoff_initial_ms: u64,
    /// `podMaxBackoffSeconds`, in milliseconds.
    pub backoff_max_ms: u64,
    /// `--pod-max-in-unschedulable-pods-duration`, in milliseconds.
    pub parked_max_ms: u64,
}

impl PartialEq for Config {
    fn eq(&self, other: &Self) -> bool {
        let same = |(a, b): (&Arc<Profile>, &Arc<Profile>)| Arc::ptr_eq(a, b);
        let timing = |c: &Self| (c.backoff_initial_ms, c.backoff_max_ms, c.parked_max_ms);
        let profiles = self.profiles.iter().zip(&other.profiles);
        timing(self) == timing(other)
            && self.profiles.len() == other.profiles.len()
            && (!self.text.is_empty() && self.text == other.text || profiles.clone().all(same))
    }
}

/// No profiles, and kube-scheduler's defaults for the rest.
impl Default for Config {
    fn default() -> Self {
        Self {
            hash: 0,
            text: Arc::default(),
            profiles: Vec::new(),
            backoff_initial_ms: 1_000,
            backoff_max_ms: 10_000,
            parked_max_ms: 300_000,
        }
    }
}
