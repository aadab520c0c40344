//! Nodes judged for one class: into a group by what they are, with an amount by their room.

use rayon::prelude::*;

use crate::base::{NodeIdx, vectorized};
use crate::cycle::guarded;
use crate::framework::{GroupKey, MAX_NODE_SCORE, Verdict, Verdicts};

use super::amounts::NO_ROOM;
use super::tops::NO_GROUP;
use super::{Ranking, Refused, Work};

/// Nodes judged in one call of a plugin: 256 verdicts of 48 bytes stay in the first-level cache.
const CHUNK: usize = 256;

/// Chunks of each thread in one wave: 2,048 nodes, of 45 ns each 90 µs of work; the buffers of two
/// threads are 320 kB.
const CHUNKS_EACH: usize = 8;

/// What became of the nodes of one chunk: 20 kB, used again and again.
#[derive(Debug, Default)]
struct Judged {
    // Nodes that pass the filters of what they are, ascending.
    nodes: Vec<NodeIdx>,
    // Their numbers, `width` each; none where only the room was looked at.
    keys: Vec<i64>,
    width: usize,
    // What the room is worth to each of them.
    amounts: Vec<i32>,
    // The room of a moment: buffers.
    alive: Vec<NodeIdx>,
    verdicts: Vec<Verdict>,
    scores: Vec<i64>,
    worth: Vec<i32>,
}

/// What chunks are judged in, kept for the next time: one of 20 kB, and 8 for each thread once
/// nodes were judged by several.
#[derive(Debug, Default)]
pub(super) struct Buffers {
    here: Judged,
    wave: Vec<Judged>,
}

/// Adds the weighted scores of one plugin; refused where one is not a score.
#[inline(always)]
fn add(weight: i32, scores: &[i64], worth: &mut [i32]) -> Result<(), Refused> {
    let mut wild = false;
    for (sum, score) in worth.iter_mut().zip(scores) {
        wild |= !(0..=MAX_NODE_SCORE).contains(score);
        // At most 100 where it counts. Nothing is kept of wild scores.
        *sum = sum.wrapping_add(weight.wrapping_mul(*score as i32));
    }
    if wild { Err(Refused) } else { Ok(()) }
}

impl Ranking {
    /// Judges live nodes from scratch.
    pub(super) fn evaluate(&mut self, work: &Work<'_>, nodes: &[NodeIdx]) -> Result<(), Refused> {
        let mut buffers = std::mem::take(&mut self.buffers);
        let done = match work.pool_for(nodes.len()) {
            Some(pool) => pool.install(|| self.evaluate_there(work, nodes, &mut buffers.wave)),
            None => self.evaluate_here(work, nodes, &mut buffers.here),
        };
        self.buffers = buffers;
        done
    }

    fn evaluate_here(
        &mut self,
        work: &Work<'_>,
        nodes: &[NodeIdx],
        judged: &mut Judged,
    ) -> Result<(), Refused> {
        let bulk = self.is_bulk(nodes);
        for chunk in nodes.chunks(CHUNK) {
            self.judge(work, chunk, judged)?;
            self.record(chunk, judged, bulk)?;
        }
        Ok(())
    }

    /// On all threads of the pool, from one of its own. Wave by wave, so that what was judged is
    /// written down while it is in the cache; fresh memory for all of it took as long as the second
    /// thread gained.
    fn evaluate_there(
        &mut self,
        work: &Work<'_>,
        nodes: &[NodeIdx],
        buffers: &mut Vec<Judged>,
    ) -> Result<(), Refused> {
        let wave = CHUNKS_EACH * rayon::current_num_threads();
        buffers.resize_with(wave, Judged::default);
        for nodes in nodes.chunks(wave * CHUNK) {
            let chunks = nodes.par_chunks(CHUNK).zip(buffers.par_iter_mut());
            let judge =
                |(chunk, judged): (&[NodeIdx], &mut Judged)| self.judge(work, chunk, judged);
            chunks.map(judge).collect::<Result<(), Refused>>()?;
            for (chunk, judged) in nodes.chunks(CHUNK).zip(buffers.iter()) {
                self.record(chunk, judged, true)?;
            }
        }
        Ok(())
    }

    fn judge(&self, work: &Work<'_>, chunk: &[NodeIdx], out: &mut Judged) -> Result<(), Refused> {
        out.nodes.clear();
        out.nodes.extend_from_slice(chunk);
        self.pass(work, &self.roles.fixed, &mut out.nodes, &mut out.verdicts)?;
        self.number(work, out)?;
        self.weigh(work, out)
    }

    /// The numbers of `out.nodes`: what relative scores are made of, then what is counted.
    fn number(&self, work: &Work<'_>, out: &mut Judged) -> Result<(), Refused> {
        let Judged { nodes, keys, width, scores, .. } = out;
        let kept = self.roles.relative.len();
        *width = self.numbering().map(|counted| counted.to).last().unwrap_or(kept);
        keys.clear();
        keys.resize(nodes.len() * *width, 0);
        for (at, weighted) in self.roles.relative.iter().enumerate() {
            scores.clear();
            scores.resize(nodes.len(), 0);
            self.score(work, weighted.plugin, nodes, scores)?;
            let own = keys.iter_mut().skip(at).step_by(*width);
            own.zip(scores.iter()).for_each(|(slot, score)| *slot = *score);
        }
        let mut own = GroupKey::new();
        for counted in self.numbering() {
            for (node, key) in nodes.iter().zip(keys.chunks_exact_mut(*width)) {
                own.clear();
                counted.groups.key(&work.cx, *node, &mut own);
                let slots = key.get_mut(counted.from..counted.to);
                let slots = slots.filter(|slots| slots.len() == own.len()).ok_or(Refused)?;
                slots.copy_from_slice(&own);
            }
        }
        Ok(())
    }

    /// What the room of `out.nodes` is worth.
    fn weigh(&self, work: &Work<'_>, out: &mut Judged) -> Result<(), Refused> {
        out.alive.clear();
        out.alive.extend_from_slice(&out.nodes);
        self.pass(work, &self.roles.room, &mut out.alive, &mut out.verdicts)?;
        let Judged { nodes, alive, amounts, scores, worth, .. } = out;
        worth.clear();
        worth.resize(alive.len(), 0);
        for weighted in &self.roles.absolute {
            scores.clear();
            scores.resize(alive.len(), 0);
            self.score(work, weighted.plugin, alive, scores)?;
            let weight = i32::try_from(weighted.weight).map_err(|_| Refused)?;
            vectorized(
                #[inline(always)]
                || add(weight, scores, worth),
            )?;
        }
        amounts.clear();
        if alive.len() == nodes.len() {
            std::mem::swap(amounts, worth);
            return Ok(());
        }
        let mut passed = alive.iter().zip(worth.iter()).peekable();
        for node in nodes.iter() {
            let own = passed.next_if(|(alive, _)| *alive == node);
            amounts.push(own.map_or(NO_ROOM, |(_, worth)| *worth));
        }
        Ok(())
    }

    /// Writes down what became of the nodes of a chunk.
    fn record(&mut self, chunk: &[NodeIdx], judged: &Judged, bulk: bool) -> Result<(), Refused> {
        let mut passed = judged.nodes.iter().zip(&judged.amounts).enumerate().peekable();
        for node in chunk {
            let (group, amount) = match passed.next_if(|(_, (alive, _))| *alive == node) {
                None => (NO_GROUP, NO_ROOM),
                Some((at, (_, amount))) => {
                    let from = at * judged.width;
                    let key = judged.keys.get(from..from + judged.width).unwrap_or_default();
                    (self.table.intern(key).ok_or(Refused)?, *amount)
                }
            };
            self.set(*node, group, amount, bulk);
        }
        Ok(())
    }

    /// Puts nodes into the groups of what is counted of them now; they are what they were, in a
    /// group, and have the room they had.
    pub(super) fn regroup_nodes(
        &mut self,
        work: &Work<'_>,
        nodes: &[NodeIdx],
    ) -> Result<(), Refused> {
        let bulk = self.is_bulk(nodes);
        let kept = self.roles.relative.len();
        let mut key = GroupKey::new();
        for node in nodes {
            let (before, amount) = self.columns.cells(*node);
            let old = self.table.key(usize::from(before));
            key.clear();
            key.extend_from_slice(old.get(..kept).unwrap_or_default());
            for counted in self.numbering() {
                if counted.follows_pods {
                    counted.groups.key(&work.cx, *node, &mut key);
                } else {
                    key.extend_from_slice(old.get(counted.from..counted.to).unwrap_or_default());
                }
            }
            let group = self.table.intern(&key).ok_or(Refused)?;
            if group != before {
                self.set(*node, group, amount, bulk);
            }
        }
        Ok(())
    }

    /// Judges the room of nodes again; they are what they were, in a group. Many are ascending.
    pub(super) fn reweigh(&mut self, work: &Work<'_>, nodes: &[NodeIdx]) -> Result<(), Refused> {
        let mut buffers = std::mem::take(&mut self.buffers);
        let judged = &mut buffers.here;
        let bulk = self.is_bulk(nodes);
        for chunk in nodes.chunks(CHUNK) {
            judged.nodes.clear();
            judged.nodes.extend_from_slice(chunk);
            self.weigh(work, judged)?;
            if bulk {
                let Self { columns, table, .. } = self;
                columns.weigh_in_bulk(chunk, &judged.amounts, |group, before, now| {
                    table.count((group, before), (group, now));
                });
                continue;
            }
            for (node, amount) in chunk.iter().zip(&judged.amounts) {
                self.set(*node, self.columns.group(*node), *amount, false);
            }
        }
        self.buffers = buffers;
        Ok(())
    }

    /// Takes a node out.
    pub(super) fn take_out(&mut self, node: NodeIdx) {
        self.set(node, NO_GROUP, NO_ROOM, false);
    }

    /// Whether so many nodes change that their blocks had better be looked through once, at the
    /// end: more than one in 16, or one in 48 where all nodes are of one group. A block of one
    /// group takes 20 ns, of several 200, and a node by itself 18.
    fn is_bulk(&self, nodes: &[NodeIdx]) -> bool {
        let share = if self.table.len() <= 2 { 48 } else { 16 };
        nodes.len() * share > self.columns.rows()
    }

    fn set(&mut self, node: NodeIdx, group: u16, amount: i32, bulk: bool) {
        let before = if bulk {
            self.columns.set_in_bulk(node, group, amount)
        } else {
            self.columns.set(node, group, amount)
        };
        self.table.count(before, (group, amount));
    }

    /// Keeps the nodes that the filters at `places` pass.
    fn pass(
        &self,
        work: &Work<'_>,
        places: &[usize],
        alive: &mut Vec<NodeIdx>,
        verdicts: &mut Vec<Verdict>,
    ) -> Result<(), Refused> {
        for place in places {
            let (Some(plugin), Some(state)) =
                (work.profile.plugin(*place), self.prepared.state(*place))
            else {
                return Err(Refused);
            };
            let filter = plugin.as_filter().ok_or(Refused)?;
            if verdicts.len() < alive.len() {
                verdicts.resize(alive.len(), Verdict::Fit);
            }
            let slots = verdicts.get_mut(..alive.len()).ok_or(Refused)?;
            let mut said = Verdicts::new(slots);
            guarded(plugin.name(), || filter.filter(&work.cx, state, alive, &mut said))
                .map_err(|_| Refused)?;
            if said.all_fit() {
                continue;
            }
            if slots.iter().any(|v| matches!(v, Verdict::Broken(_))) {
                return Err(Refused);
            }
            let mut slots = slots.iter_mut();
            alive.retain(|_| slots.next().map(std::mem::take).unwrap_or_default().is_fit());
        }
        Ok(())
    }

    /// The raw scores of one plugin.
    pub(super) fn score(
        &self,
        work: &Work<'_>,
        place: usize,
        nodes: &[NodeIdx],
        scores: &mut [i64],
    ) -> Result<(), Refused> {
        let (Some(plugin), Some(state)) = (work.profile.plugin(place), self.prepared.state(place))
        else {
            return Err(Refused);
        };
        let score = plugin.as_score().ok_or(Refused)?;
        guarded(plugin.name(), || score.score(&work.cx, state, nodes, scores)).map_err(|_| Refused)
    }
}
