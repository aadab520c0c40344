//! Two resources of many nodes as floats side by side, so that a processor works on two or four
//! nodes with one instruction; 1,000 classes in turn weigh 800 nodes for each pod.

use berth_engine::base::{NodeIdx, float, integer, vectorized};
use berth_engine::model::{Amounts, Column, evenness};

use super::Scored;

/// Nodes worked on together: five lists of 512 bytes.
const LANES: usize = 64;

/// Fewer nodes, such as the one of a placement, go one by one: clearing the lists writes 2.5 kB.
const NODES_MIN: usize = 16;

/// Amounts below 2^46 (64 TiB of memory): floats hold them and 100 times them, and a cut quotient
/// of at most 100 is that of the integers. The quotient is at least 2^-46 below the next integer
/// where it is not one, and rounding to 53 bits adds at most 2^-47 to a number below 128.
const BITS_MAX: u32 = 46;

/// One resource of a node, in floats.
#[derive(Debug, Clone, Copy)]
pub(super) struct Floats {
    /// What the pods on the node take, and this one.
    pub(super) requested: f64,
    /// What there is; never 0.
    pub(super) allocatable: f64,
}

/// One resource of up to 64 nodes: what is taken, and what there is.
#[derive(Debug, Clone, Copy)]
struct Lane {
    taken: [i64; LANES],
    allocatable: [i64; LANES],
}

/// Two resources of up to 64 nodes.
#[derive(Debug)]
struct Lanes {
    of: [Lane; 2],
    // How evenly they are taken.
    evenness: [f64; LANES],
}

impl Lane {
    const EMPTY: Self = Self { taken: [0; LANES], allocatable: [0; LANES] };

    #[inline(always)]
    fn floats(&self, amount: f64) -> impl Iterator<Item = Floats> {
        self.taken.iter().zip(&self.allocatable).map(move |(taken, allocatable)| Floats {
            requested: float(*taken) + amount,
            allocatable: float(*allocatable),
        })
    }
}

impl Lanes {
    /// Reads the nodes; false where one has nothing of a resource, or too much for floats.
    #[inline(always)]
    fn read<'a>(
        &mut self,
        scored: [&Scored<'_>; 2],
        nodes: &[NodeIdx],
        amounts: impl Fn(NodeIdx) -> Option<([&'a Amounts; 2], f64)>,
    ) -> bool {
        let [nonzero_a, nonzero_b] = scored.map(|scored| scored.nonzero);
        let mut bits = scored.iter().fold(0, |bits, scored| bits | scored.asked.amount as u64);
        let Self { of: [of_a, of_b], evenness } = self;
        let of_a = of_a.taken.iter_mut().zip(&mut of_a.allocatable);
        let of_b = of_b.taken.iter_mut().zip(&mut of_b.allocatable);
        for (((node, of_a), of_b), even) in nodes.iter().zip(of_a).zip(of_b).zip(evenness) {
            let Some(([a, b], how_even)) = amounts(*node) else { return false };
            for ((taken, allocatable), amounts, nonzero) in
                [(of_a, a, nonzero_a), (of_b, b, nonzero_b)]
            {
                *taken = if nonzero { amounts.nonzero } else { amounts.requested };
                *allocatable = amounts.allocatable;
                // Nothing becomes all bits, as what is below 0 is.
                bits |= *taken as u64 | allocatable.wrapping_sub(1) as u64;
            }
            *even = how_even;
        }
        bits >> BITS_MAX == 0
    }
}

/// Scores nodes by two resources: many at once by `of_floats`, which also has the [`evenness`]
/// before the pod of what pods asked for; those that floats do not hold, and few, one by one by
/// `of_node`. Both say the same.
#[inline(always)]
pub(super) fn score(
    [a, b]: [&Scored<'_>; 2],
    nodes: &[NodeIdx],
    scores: &mut [i64],
    of_floats: impl Fn(Floats, Floats, f64) -> f64,
    of_node: impl Fn(NodeIdx) -> i64,
) {
    if nodes.len() < NODES_MIN {
        return scores.iter_mut().zip(nodes).for_each(|(score, node)| *score = of_node(*node));
    }
    let mut lanes = Lanes { of: [Lane::EMPTY; 2], evenness: [0.0; LANES] };
    for (nodes, scores) in nodes.chunks(LANES).zip(scores.chunks_mut(LANES)) {
        let held = vectorized(
            #[inline(always)]
            || score_lanes([a, b], nodes, scores, &mut lanes, &of_floats),
        );
        if !held {
            scores.iter_mut().zip(nodes).for_each(|(score, node)| *score = of_node(*node));
        }
    }
}

/// Scores up to 64 nodes; false where floats do not hold them.
#[inline(always)]
fn score_lanes(
    [a, b]: [&Scored<'_>; 2],
    nodes: &[NodeIdx],
    scores: &mut [i64],
    lanes: &mut Lanes,
    of_floats: &impl Fn(Floats, Floats, f64) -> f64,
) -> bool {
    let held = match (a.amounts, b.amounts) {
        // The default: both in one look at the node.
        (Column::Cpu(rooms), Column::Memory(_)) => lanes.read([a, b], nodes, |node| {
            rooms.get(node.at()).map(|room| ([&room.cpu, &room.memory], room.evenness))
        }),
        (of_a, of_b) => lanes.read([a, b], nodes, |node| {
            let both = [of_a.get(node)?, of_b.get(node)?];
            let fractions = both.map(|of| of.requested as f64 / of.allocatable as f64);
            Some((both, evenness(fractions)))
        }),
    };
    if held {
        let [of_a, of_b] = &lanes.of;
        let of_a = of_a.floats(float(a.asked.amount));
        let of_b = of_b.floats(float(b.asked.amount));
        let floats = of_a.zip(of_b).zip(&lanes.evenness);
        for (score, ((a, b), evenness)) in scores.iter_mut().zip(floats) {
            *score = integer(of_floats(a, b, *evenness));
        }
    }
    held
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::fmt::Write;

    use berth_engine::base::Random;
    use berth_engine::framework::{Score, State};

    use crate::node_resources::balanced::NodeResourcesBalancedAllocation;
    use crate::node_resources::fit::NodeResourcesFit;
    use crate::testing::Scene;

    /// From 1 to 2^`bits`, of all lengths.
    fn any(random: &mut Random, bits: usize) -> usize {
        let bits = 1 + random.below(bits);
        1 + random.below(1 << bits)
    }

    /// What a node has, and what is taken: often nothing, all, a round share or too much. Where
    /// `odd`, nodes may have nothing, or more than floats hold.
    fn amounts(random: &mut Random, odd: bool) -> (usize, usize) {
        let bits = if odd { 60 } else { 45 };
        let there = match random.below(12) {
            0 if odd => 0,
            1 => 100,
            2 => 1 << 40,
            3 => (1 << bits) - random.below(3),
            _ => any(random, bits - 1),
        };
        let taken = match random.below(8) {
            0 => 0,
            1 => there,
            2 => there / 100 * random.below(101),
            3 => there + random.below(10),
            4 => (there / 100 * random.below(101)).saturating_sub(1),
            _ => random.below(there + 1),
        };
        (there, taken)
    }

    /// A hundred nodes at once are scored as each by itself, down to the last point.
    #[test]
    fn many_nodes_score_as_single_ones_do() {
        let mut random = Random::new(7);
        for round in 0..150 {
            let (cpu, memory) = (1 + random.below(100_000), any(&mut random, 43));
            // Single chunks are odd in some rounds, none in most.
            let odd = |node: usize| round % 3 == 0 && node > 70;
            let mut text = format!("pod cpu={cpu}m memory={memory}");
            for node in 0..100 {
                let (memory, used) = amounts(&mut random, odd(node));
                let (cpu, busy) = (1 + random.below(200_000), random.below(200_000));
                write!(text, " / node n{node} cpu={cpu}m memory={memory}").unwrap();
                // One in seven is empty.
                if node % 7 > 0 {
                    write!(text, " / on n{node} cpu={busy}m memory={used}").unwrap();
                }
            }
            let scene = Scene::parse(&text);
            let fit = NodeResourcesFit::new(<_>::default());
            let balanced = NodeResourcesBalancedAllocation::new(<_>::default());
            for plugin in [&fit as &dyn Score, &balanced] {
                let cx = scene.context();
                let nodes = cx.nodes.live().to_vec();
                let mut at_once = vec![-1; nodes.len()];
                plugin.score(&cx, &State::default(), &nodes, &mut at_once);
                for (node, score) in nodes.iter().zip(at_once) {
                    let mut single = [-1];
                    plugin.score(&cx, &State::default(), &[*node], &mut single);
                    let name = scene.cache.node_name(*node);
                    assert_eq!(score, single[0], "{} of {name} in {text}", plugin.name());
                }
            }
        }
    }
}
