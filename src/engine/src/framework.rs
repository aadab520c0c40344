//! The one module a plugin author reads.
//!
//! A plugin implements [`Plugin`] and, for each extension point it takes part in, that point's
//! trait: [`PreEnqueue`], [`QueueSort`], [`PreFilter`], [`Filter`], [`PostFilter`], [`PreScore`],
//! [`Score`], [`Reserve`], [`Permit`], [`PreBind`], [`Bind`], [`PostBind`]. Extension points,
//! plugin names, codes and reasons are kube-scheduler's own words.
//!
//! Filters and scores are batch-shaped: one call for a set of nodes, with the loop inside. A
//! plugin declares with [`Plugin::reads`] what its verdicts depend on; that is how waiting pods
//! are woken exactly. A plugin that does not declare it gives [`Hints`] as in kube-scheduler.
//!
//! Plugins register by name in a [`Registry`]; a [`Profile`] is what a configuration makes of
//! them.

mod awaits;
mod context;
mod failing;
mod fault;
mod plugin;
mod point;
mod profile;
mod reason;
mod registry;
mod state;
mod verdict;

pub use awaits::{Awaits, Fact, Likeness, Trigger};
pub(crate) use awaits::{repels, value};
pub use context::Context;
pub use failing::FailingPostFilter;
pub use fault::Fault;
pub use plugin::{
    Bind, ClusterEvent, Filter, GroupKey, Grouped, Groups, Hint, Hints, Keeps, Permission, Permit,
    Plugin, PodMoved, PostBind, PostFilter, PreBind, PreEnqueue, PreFilter, PreFlight, PreScore,
    Progress, QueueSort, Registration, Reserve, Score, SortKey, Subject, Touched, Write,
};
pub use point::Point;
pub use profile::{Profile, ProfileBuilder, ProfileError, Weighted};
pub use reason::{Cause, Reason, Reasons};
pub use registry::{Registry, RegistryError, nearest};
pub use state::State;
pub use verdict::{Code, PreFiltered, PreScored, Verdict, Verdicts};

pub use crate::model::{Action, PodView, Reads, Reserved, Resource, TakenVolume, UnknownFacts};

/// Highest score of a node by one plugin after normalization (`framework.MaxNodeScore`).
pub const MAX_NODE_SCORE: i64 = 100;
