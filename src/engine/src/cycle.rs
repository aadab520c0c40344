//! One pod, all nodes: filter, score, pick. The plain scan, and the definition of right.
//!
//! Enter at [`Scan::filter`], then [`Scan::score`], then [`pick`]. Nothing here changes the cache.
//! Order and codes follow `schedulePod` in `pkg/scheduler/schedule_one.go`, with every node
//! evaluated and scored (`percentageOfNodesToScore: 100`).

mod budget;
mod diagnosis;
mod dry_run;
mod error;
mod extension;
mod filter;
mod filtered;
mod guard;
mod nominated;
mod pick;
mod preemption;
mod prefilter;
mod reserve;
mod score;

pub use diagnosis::{PostFilterSaid, Wording, fit_error};
pub use error::CycleError;
pub(crate) use extension::extension;
pub use filter::{NoFit, Partly};
pub use filtered::{Filtered, Rejection, Stop};
pub(crate) use guard::guarded;
pub use pick::{Feasible, Pick, pick};
pub use preemption::{Preemption, Victims};
pub(crate) use prefilter::Prepared;
pub use score::Scores;

use rayon::ThreadPool;

use crate::base::PodIdx;
use crate::cache::Cache;
use crate::framework::{Context, Profile};

/// Nodes from which on filter and score run on the thread pool.
///
/// Measured by `cargo bench -p berth-plugins --bench scan` on two cores, one decision by the
/// default plugins: 5,000 nodes take 362 µs on one thread and 408 µs on two, 15,000 nodes 1,079
/// and 819. A cycle forks and joins once for the filters and once per score, 20–80 µs each.
pub const PARALLEL_NODES_MIN: usize = 10_000;

/// What a scan works with: the state, the pod's profile, and threads if there are any.
#[derive(Debug, Clone, Copy)]
pub struct Scan<'a> {
    /// The state.
    pub cache: &'a Cache,
    /// The plugins.
    pub profile: &'a Profile,
    /// Where large scans run; the result is the same without.
    pub pool: Option<&'a ThreadPool>,
}

impl<'a> Scan<'a> {
    /// The pod in the view of the cache as it is.
    fn context(&self, pod: PodIdx) -> Option<Context<'a>> {
        let pod = self.cache.view(pod)?;
        Some(Context { cache: self.cache, nodes: self.cache.nodes(), pod })
    }

    /// The pool, where `nodes` are worth it.
    fn pool_for(&self, nodes: usize) -> Option<&'a ThreadPool> {
        self.pool.filter(|pool| nodes >= PARALLEL_NODES_MIN && pool.current_num_threads() > 1)
    }
}
