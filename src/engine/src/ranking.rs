//! A class's ranking of all nodes, kept current: how thousands of like pods are placed without
//! looking at every node for each, with the very choice that [`crate::cycle::Scan`] makes.
//!
//! A ranking keeps, for the pods of one class, which nodes they fit and what each node is worth,
//! in two columns: a *group* for what decides together (taints, affinity, images, topology), an
//! *amount* for what each node's room is worth by itself. What happens to nodes and pods is in the
//! cache's log; before a choice a ranking reads what is new there and judges those nodes again.
//! Then the groups are judged and scored, as one node each, and the best of each group is known:
//! a choice costs the nodes that changed and the groups, not the nodes.
//!
//! Enter at [`Rankings::choose`]. Pods whose answers cannot be kept (claims to bind, a node that
//! the pod itself is promised, plugins that do not tell what they read) are refused and go by the
//! plain scan, as does anything unexpected: a ranking never has the last word on an error.
//!
//! The idea on paper, with sizes: `src/ARCHITECTURE.md`, "Rankings".

mod amounts;
mod choose;
mod columns;
mod concerns;
mod evaluate;
mod follow;
mod kin;
mod labelled;
mod nominated;
mod roles;
mod store;
mod table;
mod tops;
mod unschedulable;

pub use choose::{Choice, Standing};
pub use store::{Rankings, Verdicted};

use rayon::ThreadPool;

use crate::base::PodIdx;
use crate::cache::Cache;
use crate::cycle::{Prepared, Scan};
use crate::framework::{Context, Groups, Point, PreScored, Profile, Reads, State};

use columns::Columns;
use concerns::Concerns;
use evaluate::Buffers;
use follow::{Heed, Notes};
use roles::{GroupedRole, Roles};
use table::Table;

/// Nodes from which on a first evaluation runs on the thread pool.
///
/// Measured by `cargo bench -p berth-plugins --bench engine -- --case=classes-1000 --pods=160` on
/// two cores, microseconds a first evaluation on one thread and on two, best of two or three: 407
/// and 488 at 10,000 nodes, 616 and 621 at 15,000, 939 and 848 at 20,000, 1,202 and 1,027 at
/// 30,000.
pub const PARALLEL_NODES_MIN: usize = 20_000;

/// The ranking cannot answer: the plain scan does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Refused;

/// What a ranking works with for one pod.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Work<'a> {
    /// The pod in its world.
    pub(crate) cx: Context<'a>,
    /// Its profile.
    pub(crate) profile: &'a Profile,
    /// Where many nodes are judged.
    pub(crate) pool: Option<&'a ThreadPool>,
}

impl<'a> Work<'a> {
    fn pool_for(&self, nodes: usize) -> Option<&'a ThreadPool> {
        self.pool.filter(|pool| nodes >= PARALLEL_NODES_MIN && pool.current_num_threads() > 1)
    }

    fn scan(&self) -> Scan<'a> {
        Scan { cache: self.cx.cache, profile: self.profile, pool: self.pool }
    }
}

/// A plugin with counts of its own.
#[derive(Debug)]
struct Counted {
    role: GroupedRole,
    groups: Box<dyn Groups>,
    follows_pods: bool,
    // Where its numbers are in a group's key.
    from: usize,
    to: usize,
}

/// One class's ranking.
#[derive(Debug, Default)]
pub(crate) struct Ranking {
    roles: Roles,
    prepared: Prepared,
    counted: Vec<Counted>,
    concerns: Concerns,
    table: Table,
    columns: Columns,
    // Nodes whose changes the counts have followed since they were made.
    nodes_followed: usize,
    // The log is read up to here.
    position: u64,
    // The priority of the pod that promised nodes were judged for; none where there are none.
    heeded_for: Option<i32>,
    // All rankings': lent for as long as this one judges.
    buffers: Buffers,
}

impl Ranking {
    /// All nodes judged for pods like this one.
    fn open(work: &Work<'_>, buffers: Buffers) -> Result<Self, Refused> {
        let mut roles = Roles::of(work.profile, &work.cx).ok_or(Refused)?;
        // Plugins with counts say by opening them what their PreFilter would say, and count once.
        let mut prepared = prepare(work, &roles.grouped)?;
        let skipped = pre_score(work, &roles, &mut prepared.states)?;
        roles.leave_out(&prepared.skipped, &skipped);
        let mut ranking = Self { roles, prepared, buffers, ..Self::default() };
        ranking.recount(work)?;
        ranking.judge_nominated_nodes(work, &Notes::default(), Heed::All)?;
        Ok(ranking)
    }

    /// Counts and judges everything anew.
    fn recount(&mut self, work: &Work<'_>) -> Result<(), Refused> {
        self.counted.clear();
        self.concerns.reset(work.cx.cache.log().first_kind());
        self.nodes_followed = 0;
        for role in &self.roles.grouped {
            let plugin = work.profile.plugin(role.place).and_then(|p| p.as_grouped());
            let groups = plugin.and_then(|p| p.open(&work.cx)).ok_or(Refused)?;
            let follows_pods = groups.follows_pods();
            self.counted.push(Counted { role: *role, groups, follows_pods, from: 0, to: 0 });
        }
        self.regroup(work)
    }

    /// Judges every node anew, by the counts as they are.
    fn regroup(&mut self, work: &Work<'_>) -> Result<(), Refused> {
        self.table = Table::default();
        self.columns.clear();
        self.columns.grow(work.cx.cache.nodes().rows());
        let nodes = work.cx.nodes.live().to_vec();
        if let Some(node) = nodes.first() {
            let mut key = smallvec::smallvec![0; self.roles.relative.len()];
            for counted in &mut self.counted {
                counted.from = key.len();
                counted.groups.key(&work.cx, *node, &mut key);
                counted.to = key.len();
            }
        }
        self.evaluate(work, &nodes)?;
        self.position = work.cx.cache.log().end();
        Ok(())
    }

    /// The plugins with counts that have numbers for the nodes; most have none for a class without
    /// terms.
    fn numbering(&self) -> impl Iterator<Item = &Counted> + Clone {
        self.counted.iter().filter(|counted| counted.from < counted.to)
    }

    /// What it keeps, in cells of four bytes: one for each row of the node table, and what groups
    /// and the counts of plugins take.
    fn cells(&self) -> usize {
        let counts: usize = self.counted.iter().map(|counted| counted.groups.bytes()).sum();
        self.columns.rows() + (self.table.bytes() + counts) / 4
    }

    /// What the plugins with counts have counted: what they follow of it themselves, and what the
    /// log does not bring one by one.
    fn counted_reads(&self) -> (Reads, Reads) {
        let all = || self.counted.iter().map(|c| (c.groups.reads(), c.groups.follows_nodes()));
        let followed = all().filter(|(_, follows)| *follows);
        let left = all().map(|(reads, follows)| match follows {
            true => reads.without(Reads::NODE_OBJECT),
            false => reads,
        });
        (followed.map(|(reads, _)| reads.common(Reads::NODE_OBJECT)).sum(), left.sum())
    }
}

/// PreFilter of all plugins but some; refused where it rejects the pod or leaves nodes out.
fn prepare(work: &Work<'_>, but: &[GroupedRole]) -> Result<Prepared, Refused> {
    let left_out = |place| but.iter().any(|role| role.place == place);
    let prepared = work.scan().prepare_without(&work.cx, left_out, &mut ());
    if prepared.stop.is_some() || prepared.narrow.is_some() {
        return Err(Refused);
    }
    Ok(prepared)
}

/// PreScore of the plugins that read the class only; which of them skip.
fn pre_score(
    work: &Work<'_>,
    roles: &Roles,
    states: &mut Vec<State>,
) -> Result<Vec<bool>, Refused> {
    let mut skipped = vec![false; work.profile.plugin_count()];
    states.resize_with(skipped.len(), State::default);
    for weighted in work.profile.at(Point::PreScore) {
        let place = weighted.plugin;
        if roles.grouped.iter().any(|role| role.place == place) {
            continue;
        }
        let pre_score = work.profile.plugin(place).and_then(|p| p.as_pre_score());
        let (Some(pre_score), Some(state)) = (pre_score, states.get_mut(place)) else { continue };
        let said =
            crate::cycle::guarded(pre_score.name(), || pre_score.pre_score(&work.cx, &[], state));
        match said {
            Ok(PreScored::Proceed) => {}
            Ok(PreScored::Skip) => {
                if let Some(skip) = skipped.get_mut(place) {
                    *skip = true;
                }
            }
            Ok(PreScored::Broken(_)) | Err(_) => return Err(Refused),
        }
    }
    Ok(skipped)
}

/// Whether all plugins of the profile can tell what rankings need of pods like this one.
pub(crate) fn may_rank(cache: &Cache, profile: &Profile, pod: PodIdx) -> bool {
    let scan = Scan { cache, profile, pool: None };
    work(&scan, pod).is_some_and(|work| Roles::of(profile, &work.cx).is_some())
}

/// The pod's work, where it is one that a ranking may answer for.
fn work<'a>(scan: &Scan<'a>, pod: PodIdx) -> Option<Work<'a>> {
    let view = scan.cache.view(pod).filter(|view| view.node_name.is_none())?;
    let cx = Context { cache: scan.cache, nodes: scan.cache.nodes(), pod: view };
    Some(Work { cx, profile: scan.profile, pool: scan.pool })
}
