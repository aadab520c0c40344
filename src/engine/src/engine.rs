//! The whole scheduler as one function: [`Engine::step`].
//!
//! Inputs change the cache, changes wake the queue, the queue hands pods to the cycle, the cycle
//! picks nodes, the cache assumes, and effects ask the world to make it so.

mod apply;
mod attempt;
mod binding;
mod check;
mod choose;
mod conditions;
mod evaluation;
mod look;
mod notice;
mod outcome;
mod plan;
mod refresh;
mod saved;
mod snapshot;
mod touch;
mod wake;

pub use binding::{BINDS_MAX, CYCLES_MAX};
pub use choose::Decided;
pub use plan::{PLAN_MAX, Plan, Planned};
pub use snapshot::{SNAPSHOTS_MAX, Snapshot, TooManySnapshots};

use std::sync::Arc;

use hashbrown::HashMap;
use rayon::ThreadPool;
use rustc_hash::FxBuildHasher;

use crate::base::{ClassIdx, CycleId, Draw, Millis, PodIdx, Sym};
use crate::cache::Cache;
use crate::cycle::Scan;
use crate::effect::{Effect, PodName};
use crate::framework::Profile;
use crate::input::{Config, Control, Input, Method, Origin};
use crate::probe::Probe;
use crate::queue::{Queue, QueueCounts};
use crate::ranking::Rankings;
use crate::record::ObjectKey;

use binding::BindingCycles;
use choose::Chooser;
use conditions::Conditions;
use look::LOOKS_PER_STEP;
use refresh::Refreshes;

/// Attempts in one step. Inputs wait at most this long: 32 plain scans of 5,000 nodes take about
/// 20 ms.
pub const ATTEMPTS_PER_STEP: usize = 32;

/// Pods that are told that their profile is gone, for each profile that goes: half of what the
/// status writer holds, so that other pods' reasons have room beside them. The others are counted
/// by [`Probe::profile_gone`] alone.
const PROFILE_GONE_TOLD_MAX: usize = 16_384;

/// How often long-parked pods are looked for, as in kube-scheduler.
const FLUSH_EVERY_MS: Millis = 30_000;

/// What a step leaves to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Turn {
    /// Attempts made.
    pub attempts: usize,
    /// Pods are left that could be attempted, or looked at, at once.
    pub more: bool,
    /// Otherwise, when time alone gives something to do.
    pub wake_at: Option<Millis>,
}

/// The scheduler. Same inputs, seed and times give the same effects.
#[derive(Debug)]
pub struct Engine {
    cache: Cache,
    queue: Queue,
    config: Arc<Config>,
    profiles: HashMap<Sym, Arc<Profile>, FxBuildHasher>,
    draw: Draw,
    pool: Option<Arc<ThreadPool>>,
    method: Method,
    rankings: Rankings,
    cycles: BindingCycles,
    conditions: Conditions,
    refreshes: Refreshes,
    // Classes whose woken head has ended its attempt, to be looked at again.
    recheck: Vec<ClassIdx>,
    // Label keys that selectors asked for when parked pods were grouped.
    selected: usize,
    // Work on looks that is left of this step.
    looks_left: usize,
    flushed_ms: Millis,
    flush_found: u64,
    paused: bool,
    // Counts the snapshots that are alive.
    snapshots: Arc<()>,
}

impl Engine {
    /// An engine with no objects and no profiles: the first inputs bring both. `pool` is where
    /// large scans run; without one everything runs on the caller's thread, with the same result.
    ///
    /// Draws by a seed of 0 and hashes by [`HashKey::PUBLIC`] until a [`Control::Begin`] says
    /// otherwise.
    pub fn new(pool: Option<Arc<ThreadPool>>) -> Self {
        let Origin { draw, hash_key } = Origin::seeded(0);
        Self {
            cache: Cache::new(hash_key),
            queue: Queue::default(),
            config: Arc::default(),
            profiles: HashMap::default(),
            draw,
            pool,
            method: Method::default(),
            rankings: Rankings::default(),
            cycles: BindingCycles::default(),
            conditions: Conditions::default(),
            refreshes: Refreshes::default(),
            recheck: Vec::new(),
            selected: 0,
            looks_left: LOOKS_PER_STEP,
            flushed_ms: 0,
            flush_found: 0,
            paused: false,
            snapshots: Arc::new(()),
        }
    }

    /// Takes the inputs in, wakes whom they help, and makes up to [`ATTEMPTS_PER_STEP`] attempts.
    /// `now` never goes back.
    pub fn step(
        &mut self,
        inputs: impl IntoIterator<Item = Input>,
        now: Millis,
        effects: &mut Vec<Effect>,
        probe: &mut dyn Probe,
    ) -> Turn {
        self.looks_left = LOOKS_PER_STEP;
        for input in inputs {
            self.apply(input, now, effects, probe);
        }
        // Whoever was not asked while the engine was paused is asked before its time is over.
        if self.cycles.is_stale {
            self.wake(now, effects, probe);
        }
        self.expire_cycles(now, effects, probe);
        self.flush(now, effects, probe);
        self.wake(now, effects, probe);
        // Those that were ready when the engine was paused.
        self.ask_for_binds(effects);
        let mut attempts = 0;
        while attempts < ATTEMPTS_PER_STEP && self.may_pop() {
            let Some(pod) = self.queue.pop() else { break };
            self.attempt(pod, now, effects, probe);
            attempts += 1;
            self.wake(now, effects, probe);
        }
        // Whoever is paused may not write: another instance places the pods, or the lists are not
        // whole.
        if !self.paused {
            self.refresh_due(now);
            self.write_conditions(effects);
        }
        let counts = self.queue.counts();
        Turn {
            attempts,
            more: self.queue.is_due() || (counts.active > 0 && self.may_pop()),
            wake_at: self.next_wake(counts, now),
        }
    }

    fn may_pop(&self) -> bool {
        !self.paused && self.cycles.binds() < BINDS_MAX && self.cycles.len() < CYCLES_MAX
    }

    fn next_wake(&self, counts: QueueCounts, now: Millis) -> Option<Millis> {
        // A backoff is over at the first whole second after its expiry.
        let backoff = self.queue.next_expiry().map(|expiry| expiry.saturating_add(1_000));
        let flush = (counts.unschedulable > 0).then_some(self.flushed_ms + FLUSH_EVERY_MS);
        let cycle = self.cycles.next_deadline().filter(|_| !self.paused);
        let refresh = self.next_refresh().filter(|_| !self.paused);
        [backoff, flush, cycle, refresh].into_iter().flatten().min().map(|at| at.max(now + 1))
    }

    /// Works as told from here on.
    fn control(&mut self, control: Control) {
        match control {
            Control::Begin(origin) => self.begin(origin),
            Control::Pause(paused) => {
                self.paused = paused;
                self.cycles.is_stale |= !paused;
            }
            Control::Method(method) => {
                self.method = method;
                self.rankings.clear(&mut self.cache);
            }
            Control::ConditionRoom { all, again } => self.conditions.set_room(all, again),
            Control::RankingCells(cells) => self.rankings.set_bound(cells),
        }
    }

    /// The draw counts from here on; names are hashed by the key where none is known yet.
    fn begin(&mut self, Origin { draw, hash_key }: Origin) {
        let is_new = self.profiles.is_empty()
            && self.cache.is_empty()
            && self.queue.is_empty()
            && self.cycles.len() == 0;
        debug_assert!(is_new, "Begin comes first");
        self.draw = draw;
        if is_new {
            self.cache = Cache::new(hash_key);
        }
    }

    /// Binding cycles that are not over.
    pub fn binding_cycles(&self) -> usize {
        self.cycles.len()
    }

    /// Binds asked for and not yet answered.
    pub fn open_binds(&self) -> usize {
        self.cycles.binds()
    }

    /// The binding cycle of a pod, by `metadata.uid`, where it is in one. Looks through all cycles.
    pub fn cycle_of(&self, uid: &str) -> Option<CycleId> {
        self.cycles.find(uid)
    }

    /// Pods whose condition waits for the writer to take it.
    pub fn owed_conditions(&self) -> usize {
        self.conditions.len()
    }

    /// How many conditions may still be said again, as it was told last.
    pub fn condition_room(&self) -> usize {
        self.conditions.again_room()
    }

    /// Cycles that wait at Permit or PreBind.
    pub fn waiting_cycles(&self) -> usize {
        self.cycles.waiting()
    }

    /// The state of the cluster as the engine knows it.
    pub fn cache(&self) -> &Cache {
        &self.cache
    }

    /// The rankings of classes.
    pub fn rankings(&self) -> &Rankings {
        &self.rankings
    }

    /// The pods without a node.
    pub fn queue(&self) -> &Queue {
        &self.queue
    }

    /// The configuration in force.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Pods that only the flush of long-parked pods has woken. Above 0 an event went unheeded.
    pub fn flush_found(&self) -> u64 {
        self.flush_found
    }

    /// The profile of a pod.
    pub fn profile_of(&self, pod: PodIdx) -> Option<&Arc<Profile>> {
        let (_, class) = self.cache.class_of(pod)?;
        self.profiles.get(&class.scheduler)
    }

    /// The pod's `spec.schedulerName`.
    fn scheduler_name(&self, pod: PodIdx) -> &str {
        self.cache.class_of(pod).map_or("", |(_, class)| self.cache.symbols().text(class.scheduler))
    }

    fn chooser(&mut self) -> Chooser<'_> {
        let Self { cache, rankings, draw, pool, method, .. } = self;
        Chooser { cache, rankings, draw, pool: pool.as_deref(), method: *method }
    }

    fn scan<'a>(&'a self, profile: &'a Profile) -> Scan<'a> {
        Scan { cache: &self.cache, profile, pool: self.pool.as_deref() }
    }

    fn pod_name(&self, pod: PodIdx) -> PodName {
        let row = self.cache.pods().get(pod);
        let namespace =
            self.cache.class_of(pod).map_or("", |(_, c)| self.cache.symbols().text(c.namespace));
        PodName {
            key: ObjectKey::new(namespace, row.map_or("", |r| &r.name)),
            uid: row.map(|r| self.cache.pods().uid_text(r.uid)).unwrap_or_default().into(),
        }
    }

    fn sort_key(&self, pod: PodIdx) -> crate::framework::SortKey {
        let queued_ms = self.queue.entry(pod).map_or(0, |e| e.queued_ms);
        let priority = self.cache.pods().get(pod).map_or(0, |p| p.priority);
        self.profile_of(pod).map(|p| p.sort_key(priority, queued_ms)).unwrap_or_default()
    }
}
