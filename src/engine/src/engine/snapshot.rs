//! The cluster at one moment, for readers on other threads.

use std::ops::Deref;
use std::sync::Arc;

use hashbrown::HashMap;
use rayon::ThreadPool;
use rustc_hash::FxBuildHasher;

use crate::base::{Draw, PodIdx, Sym};
use crate::cache::Cache;
use crate::cycle::{CycleError, Filtered, Preemption, Scan};
use crate::framework::Profile;
use crate::input::{Config, Method};
use crate::ranking::Rankings;

use super::choose::Chooser;
use super::{Decided, Engine, Plan};

/// Snapshots that are alive at once. Each may come to hold a copy of all pages, where the engine
/// writes to all of them meanwhile: the memory of the cache three times is the bound. One is read
/// while the next one is taken.
pub const SNAPSHOTS_MAX: usize = 2;

/// As many snapshots as there may be are alive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{SNAPSHOTS_MAX} snapshots are being read already: ask again when one of them is done")]
pub struct TooManySnapshots;

/// What the engine knew at one moment. It stays as it is, whatever the engine does, and may be read
/// on any thread: it derefs to the cache, so that filters, scores and dry runs work on it as they
/// do in the engine. What it shares with the engine is freed when both have let go of it.
#[derive(Debug)]
pub struct Snapshot {
    cache: Cache,
    config: Arc<Config>,
    profiles: HashMap<Sym, Arc<Profile>, FxBuildHasher>,
    draw: Draw,
    method: Method,
    rankings: Rankings,
    pool: Option<Arc<ThreadPool>>,
    _alive: Arc<()>,
}

impl Engine {
    /// The cluster as it is now, between two steps. Changes nothing.
    ///
    /// # Errors
    /// [`SNAPSHOTS_MAX`] are alive.
    pub fn snapshot(&self) -> Result<Snapshot, TooManySnapshots> {
        // Only this thread makes more of them; those that go meanwhile are seen the next time.
        if Arc::strong_count(&self.snapshots) > SNAPSHOTS_MAX {
            return Err(TooManySnapshots);
        }
        Ok(Snapshot {
            cache: self.cache.frozen(),
            config: Arc::clone(&self.config),
            profiles: self.profiles.clone(),
            draw: self.draw.clone(),
            method: self.method,
            rankings: self.rankings.bounded_alike(),
            pool: None,
            _alive: Arc::clone(&self.snapshots),
        })
    }

    /// Snapshots that are alive.
    pub fn snapshots(&self) -> usize {
        Arc::strong_count(&self.snapshots) - 1
    }
}

impl Deref for Snapshot {
    type Target = Cache;

    fn deref(&self) -> &Cache {
        &self.cache
    }
}

impl Snapshot {
    /// The configuration in force.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The profile of a pod.
    pub fn profile_of(&self, pod: PodIdx) -> Option<&Arc<Profile>> {
        let (_, class) = self.cache.class_of(pod)?;
        self.profiles.get(&class.scheduler)
    }

    /// Large scans run on this pool: the reader's, the engine's has other work.
    pub fn set_pool(&mut self, pool: Arc<ThreadPool>) {
        self.pool = Some(pool);
    }

    /// The plain scan of a pod by a profile, its own or another.
    pub fn scan<'a>(&'a self, profile: &'a Profile) -> Scan<'a> {
        Scan { cache: &self.cache, profile, pool: self.pool.as_deref() }
    }

    /// What the engine would have decided for a pod by a profile, its own or another: by rankings
    /// of the snapshot's own, which stay for the next question, unless the engine goes by the plain
    /// scan. The draw goes on from where the engine's was. With `score_one` a single feasible node
    /// is scored too.
    pub fn decide(&mut self, pod: PodIdx, profile: &Arc<Profile>, score_one: bool) -> Decided {
        self.chooser().decide(pod, profile, score_one, &mut ())
    }

    /// A plan without pods. It is given up with the snapshot, or taken back.
    pub fn begin_plan(&self) -> Plan {
        Plan::on(&self.cache, &self.draw)
    }

    /// Finds a node for a waiting pod, with the pods of the plan where it has put them, and adds
    /// it, by a profile, its own or another. False where none fits, and the plan is as it was.
    ///
    /// # Errors
    /// The attempt fails, and the plan is as it was.
    pub fn plan_pod(
        &mut self,
        plan: &mut Plan,
        pod: PodIdx,
        profile: &Arc<Profile>,
    ) -> Result<bool, CycleError> {
        self.chooser().plan_pod(plan, pod, profile, 1, &mut ())
    }

    /// Gives a plan up: the snapshot is as it was.
    pub fn take_back_plan(&mut self, plan: Plan) {
        self.chooser().take_back_plan(plan);
    }

    fn chooser(&mut self) -> Chooser<'_> {
        let Self { cache, rankings, draw, method, pool, .. } = self;
        Chooser { cache, rankings, draw, pool: pool.as_deref(), method: *method }
    }

    /// What preemption could do for a pod that no node fits.
    ///
    /// # Errors
    /// A plugin failed in the dry run.
    pub fn preempt(
        &self,
        pod: PodIdx,
        profile: &Profile,
        filtered: &Filtered,
    ) -> Result<Preemption, CycleError> {
        self.scan(profile).preempt(pod, filtered)
    }
}
