//! Two resources of many nodes as floats side by side, so that a processor works on two nodes with
//! one instruction; 1,000 classes in turn weigh 800 nodes for each pod.
//!
//! All steps are such that even the oldest x86-64 has a vector instruction for them: integers
//! become floats, and floats whole, by adding [`WHOLE`].

use berth_engine::base::NodeIdx;
use berth_engine::model::{Amounts, Column};

use super::Scored;

/// Nodes worked on together: two lists of 1,024 bytes.
const LANES: usize = 64;

/// Fewer nodes, such as the one of a placement, go one by one: clearing the lists is 2 kB written.
const NODES_MIN: usize = 16;

/// Amounts below 2^46 (64 TiB of memory): floats hold them and 100 times them, and a cut quotient
/// of at most 100 is that of the integers. The quotient is at least 2^-46 below the next integer
/// where it is not one, and rounding to 53 bits adds at most 2^-47 to a number below 128.
const BITS_MAX: u32 = 46;

/// 2^52: from here on floats are whole numbers, and the last bits of a float are the number above.
const WHOLE: f64 = (1_u64 << 52) as f64;

/// One resource of a node, in floats.
#[derive(Debug, Clone, Copy)]
pub(super) struct Floats {
    /// What the pods on the node take.
    pub(super) taken: f64,
    /// The same with the pod.
    pub(super) requested: f64,
    /// What there is; never 0.
    pub(super) allocatable: f64,
}

/// One resource of up to 64 nodes: what is taken, and what there is.
#[derive(Debug, Clone, Copy)]
struct Lane([[f64; 2]; LANES]);

impl Lane {
    const EMPTY: Self = Self([[0.0; 2]; LANES]);

    fn floats(&self, nodes: usize, amount: i64) -> impl Iterator<Item = Floats> {
        let amount = float(amount);
        self.0.iter().take(nodes).map(move |[taken, allocatable]| Floats {
            taken: *taken,
            requested: taken + amount,
            allocatable: *allocatable,
        })
    }
}

/// Reads the nodes; false where one has nothing of a resource, or too much for floats.
fn read<'a>(
    scored: [&Scored<'_>; 2],
    nodes: &[NodeIdx],
    [of_a, of_b]: &mut [Lane; 2],
    amounts: impl Fn(NodeIdx) -> Option<[&'a Amounts; 2]>,
) -> bool {
    let [nonzero_a, nonzero_b] = scored.map(|scored| scored.nonzero);
    let mut bits = scored.iter().fold(0, |bits, scored| bits | scored.asked.amount as u64);
    for ((node, of_a), of_b) in nodes.iter().zip(&mut of_a.0).zip(&mut of_b.0) {
        let Some([a, b]) = amounts(*node) else { return false };
        for (cell, amounts, nonzero) in [(of_a, a, nonzero_a), (of_b, b, nonzero_b)] {
            let taken = if nonzero { amounts.nonzero } else { amounts.requested };
            // Nothing becomes all bits, as what is below 0 is.
            bits |= taken as u64 | amounts.allocatable.wrapping_sub(1) as u64;
            *cell = [float(taken), float(amounts.allocatable)];
        }
    }
    bits >> BITS_MAX == 0
}

/// An integer from 0 to 2^52.
fn float(integer: i64) -> f64 {
    f64::from_bits(integer as u64 | WHOLE.to_bits()) - WHOLE
}

/// A float from 0 to 2^51, cut to a whole number.
#[inline]
pub(super) fn cut(float: f64) -> f64 {
    let near = (float + WHOLE) - WHOLE;
    if near > float { near - 1.0 } else { near }
}

/// A whole number from 0 to 2^52.
fn integer(float: f64) -> i64 {
    ((float + WHOLE).to_bits() ^ WHOLE.to_bits()).cast_signed()
}

/// Scores nodes by two resources: many at once by `of_floats`, those that floats do not hold, and
/// few, one by one by `of_node`. Both say the same.
pub(super) fn score(
    [a, b]: [&Scored<'_>; 2],
    nodes: &[NodeIdx],
    scores: &mut [i64],
    of_floats: impl Fn(Floats, Floats) -> f64,
    of_node: impl Fn(NodeIdx) -> i64,
) {
    let one_by_one = |nodes: &[NodeIdx], scores: &mut [i64]| {
        scores.iter_mut().zip(nodes).for_each(|(score, node)| *score = of_node(*node));
    };
    if nodes.len() < NODES_MIN {
        return one_by_one(nodes, scores);
    }
    let mut lanes = [Lane::EMPTY; 2];
    for (nodes, scores) in nodes.chunks(LANES).zip(scores.chunks_mut(LANES)) {
        let held = match (a.amounts, b.amounts) {
            // The default: both in one look at the node.
            (Column::Cpu(rooms), Column::Memory(_)) => read([a, b], nodes, &mut lanes, |node| {
                rooms.get(node.at()).map(|room| [&room.cpu, &room.memory])
            }),
            (of_a, of_b) => {
                let amounts = |node| Some([of_a.get(node)?, of_b.get(node)?]);
                read([a, b], nodes, &mut lanes, amounts)
            }
        };
        if !held {
            one_by_one(nodes, scores);
            continue;
        }
        let [of_a, of_b] = &lanes;
        let of_a = of_a.floats(nodes.len(), a.asked.amount);
        let pairs = of_a.zip(of_b.floats(nodes.len(), b.asked.amount));
        scores.iter_mut().zip(pairs).for_each(|(score, (a, b))| *score = integer(of_floats(a, b)));
    }
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
            // Single chunks of 64 are odd in some rounds, none in most.
            let odd = |node: usize| round % 3 == 0 && node > 70;
            let mut text = format!("pod cpu={cpu}m memory={memory}");
            for node in 0..100 {
                let (memory, used) = amounts(&mut random, odd(node));
                let (cpu, busy) = (1 + random.below(200_000), random.below(200_000));
                write!(text, " / node n{node} cpu={cpu}m memory={memory}").unwrap();
                write!(text, " / on n{node} cpu={busy}m memory={used}").unwrap();
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
