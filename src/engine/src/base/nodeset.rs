//! A set of nodes as a bitmap.

use super::NodeIdx;

/// Nodes, one bit each: 1,875 bytes for 15,000 nodes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NodeSet {
    words: Vec<u64>,
    len: usize,
}

impl NodeSet {
    /// Adds a node; true where it was not there.
    pub fn insert(&mut self, node: NodeIdx) -> bool {
        let (word, bit) = (node.at() / 64, 1u64 << (node.at() % 64));
        if self.words.len() <= word {
            self.words.resize(word + 1, 0);
        }
        let Some(slot) = self.words.get_mut(word) else { return false };
        let fresh = *slot & bit == 0;
        *slot |= bit;
        self.len += usize::from(fresh);
        fresh
    }

    /// Takes a node out; true where it was there.
    pub fn remove(&mut self, node: NodeIdx) -> bool {
        let bit = 1u64 << (node.at() % 64);
        let Some(slot) = self.words.get_mut(node.at() / 64) else { return false };
        let there = *slot & bit != 0;
        *slot &= !bit;
        self.len -= usize::from(there);
        there
    }

    /// Whether the node is in the set.
    pub fn contains(&self, node: NodeIdx) -> bool {
        self.words.get(node.at() / 64).is_some_and(|w| w & (1 << (node.at() % 64)) != 0)
    }

    /// Number of nodes.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The nodes in ascending order, as a list.
    pub fn to_vec(&self) -> Vec<NodeIdx> {
        let mut nodes = Vec::with_capacity(self.len);
        for (at, word) in self.words.iter().enumerate() {
            push_rows(at, *word, &mut nodes);
        }
        nodes
    }

    /// The nodes in ascending order.
    pub fn iter(&self) -> impl Iterator<Item = NodeIdx> + '_ {
        self.words.iter().enumerate().flat_map(|(at, word)| {
            let mut rest = *word;
            std::iter::from_fn(move || {
                if rest == 0 {
                    return None;
                }
                let bit = rest.trailing_zeros() as usize;
                rest &= rest - 1;
                Some(NodeIdx::new(at * 64 + bit))
            })
        })
    }
}

/// Adds the rows 64 `at` + i for each bit i of a word, ascending.
pub(crate) fn push_rows(at: usize, word: u64, nodes: &mut Vec<NodeIdx>) {
    let mut rest = word;
    while rest != 0 {
        nodes.push(NodeIdx::new(at * 64 + rest.trailing_zeros() as usize));
        rest &= rest - 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_come_out_in_order() {
        let mut set = NodeSet::default();
        for at in [200, 3, 64, 63, 3] {
            set.insert(NodeIdx::new(at));
        }
        assert_eq!(set.iter().map(NodeIdx::at).collect::<Vec<_>>(), [3, 63, 64, 200]);
        assert_eq!(set.to_vec(), set.iter().collect::<Vec<_>>());
        assert!(set.remove(NodeIdx::new(64)) && !set.remove(NodeIdx::new(1000)));
        assert_eq!((set.len(), set.contains(NodeIdx::new(64))), (3, false));
    }
}
