//! The rankings there are: found by kin, bounded, the least recently used go first.

mod check;
mod turns;

use std::sync::Arc;

use hashbrown::HashMap;
use rustc_hash::FxBuildHasher;

use crate::base::{Draw, LabelSetIdx, PodIdx};
use crate::cache::Cache;
use crate::cycle::{Filtered, Scan, guarded};
use crate::framework::Profile;
use rayon::ThreadPool;

use super::choose::{Bonus, Choice, Standing};
use super::evaluate::Buffers;
use super::follow::Notes;
use super::kin::Kin;
use super::unschedulable::{Moment, Unschedulable};
use super::{Ranking, Refused, work};
use turns::Turns;

/// Cells of four bytes over all rankings: one for each ranking and row of the node table, and what
/// its groups and counts take. 32 million are 128 MB, 224 MB with large weights: 6,700 classes
/// without terms at 5,000 nodes, 2,230 at 15,000, 33 at a million. A count of pods by host takes 12
/// to 24 bytes a node more: 1,260 classes that each spread over 5,000 hosts.
const CELLS_MAX: usize = 32 << 20;

/// Entries of the log between two looks at what all rankings have read, at least: 1,024 entries of
/// 32 bytes are 32 kB, which stay in the cache of a core while they are written again and again.
const TRIM_EVERY: u64 = 1_024;

/// What rankings say of a pod.
#[derive(Debug)]
pub enum Verdicted {
    /// This node.
    Node(Choice),
    /// It fits nowhere. With what the plain scan said the last time, where nothing has happened
    /// since.
    Nowhere(Option<Arc<Filtered>>),
}

/// How many cells rankings may have.
#[derive(Debug, Clone, Copy)]
struct Bound(usize);

impl Default for Bound {
    fn default() -> Self {
        Self(CELLS_MAX)
    }
}

#[derive(Debug)]
struct Slot {
    kin: Kin,
    // Held, so that the values in the kin keep their numbers.
    labels: LabelSetIdx,
    // Held, so that no other one comes to its address.
    _profile: Arc<Profile>,
    ranking: Ranking,
    // What it is counted with; rows are added as nodes come.
    cells: usize,
}

/// All rankings.
#[derive(Debug, Default)]
pub struct Rankings {
    slots: Vec<Option<Slot>>,
    free: Vec<usize>,
    by_kin: HashMap<Kin, usize, FxBuildHasher>,
    turns: Turns,
    cells: usize,
    bound: Bound,
    // Rankings made since those of classes that are gone were looked for.
    made: usize,
    unschedulable: Unschedulable,
    // Number of label keys that selectors asked for when the kins were made.
    selected: usize,
    notes: Notes,
    // One for all: a thousand would be 20 MB, and never be in the cache.
    buffers: Buffers,
    bonus: Bonus,
    answers: u64,
    // The end of the log at the last look at what all have read.
    looked: u64,
}

impl Rankings {
    /// Forgets everything: profiles have changed.
    pub(crate) fn clear(&mut self, cache: &mut Cache) {
        for at in 0..self.slots.len() {
            self.drop_slot(at, cache);
        }
        cache.follow_log(false);
    }

    /// Number of rankings.
    pub fn count(&self) -> usize {
        self.by_kin.len()
    }

    /// What they take, in cells of four bytes: at most the bound, but for a single one.
    pub fn cells(&self) -> usize {
        self.cells
    }

    /// None yet, in the same bound.
    pub(crate) fn bounded_alike(&self) -> Self {
        Self { bound: self.bound, ..Self::default() }
    }

    /// Bounds them by other than the default of 32 million cells, from the next one on.
    pub(crate) fn set_bound(&mut self, cells: usize) {
        self.bound = Bound(cells);
    }

    /// How many cells they may take.
    pub(crate) fn bound(&self) -> usize {
        self.bound.0
    }

    /// How many pods were answered for.
    pub fn answers(&self) -> u64 {
        self.answers
    }

    /// The choice for a pod; `None` where the plain scan has to make it.
    pub(crate) fn choose(
        &mut self,
        cache: &mut Cache,
        profile: &Arc<Profile>,
        pool: Option<&ThreadPool>,
        pod: PodIdx,
        draw: &mut Draw,
    ) -> Option<Verdicted> {
        let at = self.current(cache, profile, pool, pod)?;
        let scan = Scan { cache, profile, pool };
        let work = work(&scan, pod)?;
        let ranking = &mut self.slots.get_mut(at)?.as_mut()?.ranking;
        // The generator is touched last: a panic before leaves it as the plain scan has to find it.
        let found = guarded("", || ranking.choose(&work, &mut self.bonus, draw));
        match found.unwrap_or(Err(Refused)) {
            Ok(found) => {
                self.answers += 1;
                Some(match found {
                    Some(choice) => Verdicted::Node(choice),
                    None => {
                        // A crowd that waits must not push out those that place pods.
                        self.turns.give_way(at);
                        Verdicted::Nowhere(self.unschedulable.at(ranking.moment(at)))
                    }
                })
            }
            Err(Refused) => {
                self.drop_slot(at, cache);
                None
            }
        }
    }

    /// Keeps what the plain scan said of a pod that fits nowhere, for its kin.
    pub(crate) fn note_nowhere(
        &mut self,
        cache: &Cache,
        profile: &Arc<Profile>,
        pod: PodIdx,
        filtered: &Arc<Filtered>,
    ) {
        let Some((kin, _)) = Kin::of(cache, profile, pod) else { return };
        let Some(at) = self.by_kin.get(&kin).copied() else { return };
        if let Some(Some(slot)) = self.slots.get(at) {
            self.unschedulable.keep(slot.ranking.moment(at), filtered);
        }
    }

    /// Whether the pod fits anywhere; `None` where the plain scan has to say, as it has where
    /// there is no ranking: who waits needs none.
    pub(crate) fn fits(
        &mut self,
        cache: &mut Cache,
        profile: &Arc<Profile>,
        pool: Option<&ThreadPool>,
        pod: PodIdx,
    ) -> Option<bool> {
        if !self.has(cache, profile, pod) {
            return None;
        }
        let at = self.current(cache, profile, pool, pod)?;
        let fits = self.slots.get(at)?.as_ref()?.ranking.fits_somewhere();
        if !fits {
            self.turns.give_way(at);
        }
        Some(fits)
    }

    /// Whether there is a ranking for pods like this one.
    fn has(&self, cache: &Cache, profile: &Arc<Profile>, pod: PodIdx) -> bool {
        Kin::of(cache, profile, pod).is_some_and(|(kin, _)| self.by_kin.contains_key(&kin))
    }

    /// All feasible nodes with all scores; `None` where the plain scan has to say.
    pub(crate) fn standing(
        &mut self,
        cache: &mut Cache,
        profile: &Arc<Profile>,
        pool: Option<&ThreadPool>,
        pod: PodIdx,
    ) -> Option<Standing> {
        let at = self.current(cache, profile, pool, pod)?;
        let scan = Scan { cache, profile, pool };
        let work = work(&scan, pod)?;
        let ranking = &mut self.slots.get_mut(at)?.as_mut()?.ranking;
        guarded("", || ranking.standing(&work, &mut self.bonus)).ok()?.ok()
    }

    /// The pod's ranking, up to date.
    fn current(
        &mut self,
        cache: &mut Cache,
        profile: &Arc<Profile>,
        pool: Option<&ThreadPool>,
        pod: PodIdx,
    ) -> Option<usize> {
        // A pod that is promised a node tries that first, and alone.
        if cache.nominations().of_pod(pod).is_some() || cache.nodes().live().is_empty() {
            return None;
        }
        if self.selected != cache.classes().selected().len() {
            self.clear(cache);
            self.selected = cache.classes().selected().len();
        }
        let (kin, labels) = Kin::of(cache, profile, pod)?;
        if let Some(at) = self.by_kin.get(&kin).copied() {
            let scan = Scan { cache, profile, pool };
            let work = work(&scan, pod)?;
            let slot = self.slots.get_mut(at)?.as_mut()?;
            self.turns.use_now(at);
            std::mem::swap(&mut slot.ranking.buffers, &mut self.buffers);
            let caught_up = guarded("", || slot.ranking.catch_up(&work, &mut self.notes));
            std::mem::swap(&mut slot.ranking.buffers, &mut self.buffers);
            if caught_up.unwrap_or(Err(Refused)).is_ok() {
                let cells = slot.ranking.cells();
                let grown = cells > slot.cells;
                self.cells = self.cells - slot.cells + cells;
                slot.cells = cells;
                if grown {
                    // This one was used last: it stays while there is another.
                    self.make_room(0, Some(at), cache);
                }
                self.trim(cache);
                return Some(at);
            }
            self.drop_slot(at, cache);
            return None;
        }
        let work = work(&Scan { cache, profile, pool }, pod)?;
        let buffers = std::mem::take(&mut self.buffers);
        let mut ranking = guarded("", || Ranking::open(&work, buffers)).ok()?.ok()?;
        self.buffers = std::mem::take(&mut ranking.buffers);
        let cells = ranking.cells();
        self.drop_gone(cache);
        self.make_room(cells, None, cache);
        self.trim(cache);
        let _profile = Arc::clone(profile);
        Some(self.insert(Slot { kin, labels, _profile, ranking, cells }, cache))
    }

    fn insert(&mut self, mut slot: Slot, cache: &mut Cache) -> usize {
        cache.follow_log(true);
        // What was not written down while nobody read is in the ranking already.
        slot.ranking.position = cache.log().end();
        cache.hold_labels(slot.labels);
        self.cells += slot.cells;
        let kin = slot.kin.clone();
        let at = self.free.pop().unwrap_or_else(|| {
            self.slots.push(None);
            self.slots.len() - 1
        });
        if let Some(place) = self.slots.get_mut(at) {
            *place = Some(slot);
        }
        self.by_kin.insert(kin, at);
        self.turns.use_now(at);
        at
    }

    /// Drops rankings, in their turn, until `cells` more have room; `but` stays.
    fn make_room(&mut self, cells: usize, but: Option<usize>, cache: &mut Cache) {
        while self.cells + cells > self.bound.0 {
            let Some(at) = self.turns.first().filter(|at| Some(*at) != but) else { return };
            self.drop_slot(at, cache);
        }
    }

    /// Drops rankings of classes that are gone. They are looked for once as many have been made as
    /// there are, so that each costs a look or two.
    fn drop_gone(&mut self, cache: &mut Cache) {
        self.made += 1;
        if self.made < self.by_kin.len() {
            return;
        }
        self.made = 0;
        for at in 0..self.slots.len() {
            let slot = self.slots.get(at).and_then(Option::as_ref);
            if slot.is_some_and(|slot| !slot.kin.is_alive(cache)) {
                self.drop_slot(at, cache);
            }
        }
    }

    /// Drops the part of the log that all have read, now and then: a look at each ranking costs no
    /// more than an entry for each.
    fn trim(&mut self, cache: &mut Cache) {
        let end = cache.log().end();
        if end < self.looked + TRIM_EVERY.max(self.slots.len() as u64) {
            return;
        }
        self.looked = end;
        let read = self.slots.iter().flatten().map(|slot| slot.ranking.position).min();
        self.trim_to(read.unwrap_or(end), cache);
    }

    fn trim_to(&mut self, position: u64, cache: &mut Cache) {
        self.notes.catch_up(cache);
        cache.trim_log(position);
    }

    fn drop_slot(&mut self, at: usize, cache: &mut Cache) {
        let Some(slot) = self.slots.get_mut(at).and_then(Option::take) else { return };
        self.by_kin.remove(&slot.kin);
        self.turns.remove(at);
        self.unschedulable.forget(at);
        self.cells -= slot.cells;
        self.free.push(at);
        cache.release_labels(slot.labels);
        if self.by_kin.is_empty() {
            cache.follow_log(false);
        }
    }
}

impl Ranking {
    /// What an answer now holds for.
    fn moment(&self, ranking: usize) -> Moment {
        Moment { ranking, position: self.position, heeded_for: self.heeded_for }
    }
}
