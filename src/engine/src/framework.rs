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
mod binding;
mod context;
mod failing;
mod fault;
mod groups;
mod hints;
mod plugin;
mod profile;
mod reads;
mod reason;
mod registry;
mod state;
mod verdict;

pub use awaits::{Awaits, Fact, Likeness, Trigger};
pub(crate) use awaits::{repels, value};
pub use binding::{
    Bind, Permission, Permit, PostBind, PreBind, PreFlight, Progress, Reserve, Write,
};
pub use context::{Context, PodView};
pub use failing::FailingPostFilter;
pub use fault::Fault;
pub use groups::{GroupKey, Grouped, Groups, Keeps, PodMoved, Touched};
pub use hints::{Action, ClusterEvent, Hint, Hints, Registration, Resource, Subject};
pub use plugin::{
    Filter, Plugin, PostFilter, PreEnqueue, PreFilter, PreScore, QueueSort, Score, SortKey,
};
pub use profile::{Point, Profile, ProfileBuilder, ProfileError, Weighted};
pub use reads::{Reads, UnknownFacts};
pub use reason::{Cause, Reason, Reasons};
pub use registry::{Registry, RegistryError, nearest};
pub use state::State;
pub use verdict::{Code, PreFiltered, PreScored, Reserved, TakenVolume, Verdict, Verdicts};

/// Highest score of a node by one plugin after normalization (`framework.MaxNodeScore`).
pub const MAX_NODE_SCORE: i64 = 100;
