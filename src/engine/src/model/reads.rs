//! What a plugin's verdicts depend on, and what an event changes: the same set.

use std::fmt;
use std::ops::{BitOr, BitOrAssign};

use crate::stored::{LoadError, Reader, Stored, Writer};

/// A set of kinds of facts.
///
/// A class that fits nowhere is evaluated again when an event changes something that the plugins
/// which reject it read, and at no other time. Declaring too little loses wake-ups; declaring too
/// much costs evaluations, never correctness.
///
/// `Debug` names the facts. As a number ([`Reads::bits`]) a set holds within one version of the
/// engine only: a fact's bit is its place in the table.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Reads(u64);

/// A number has bits that stand for no fact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("reads: bits {unknown:#x} stand for no fact: the number is of another version")]
pub struct UnknownFacts {
    /// Those bits.
    pub unknown: u64,
}

/// What a fact is about.
#[derive(Clone, Copy, PartialEq, Eq)]
enum About {
    /// One node: a change can only change the verdict on that node.
    OneNode,
    /// Several nodes, or another object: a change can change any verdict.
    Anything,
}

/// Makes a constant and a name of each fact; a fact's bit follows from its place in the table.
macro_rules! facts {
    ($($(#[$doc:meta])* $name:ident: $about:ident;)*) => {
        /// The facts by their names, so that a place is never written as a number.
        #[derive(Clone, Copy)]
        #[allow(non_camel_case_types, clippy::upper_case_acronyms)]
        enum Fact {
            $($name,)*
        }

        impl Reads {
            $($(#[$doc])* pub const $name: Self = Self::of(Fact::$name);)*
        }

        const FACTS: &[(&str, Reads, About)] =
            &[$((stringify!($name), Reads::$name, About::$about),)*];
    };
}

facts! {
    /// That the node exists. Every filter reads it.
    NODE_EXISTS: OneNode;
    /// Labels of a node.
    NODE_LABELS: OneNode;
    /// Taints of a node.
    NODE_TAINTS: OneNode;
    /// `spec.unschedulable` of a node.
    NODE_UNSCHEDULABLE: OneNode;
    /// Allocatable amounts of a node.
    NODE_ALLOCATABLE: OneNode;
    /// Images on a node.
    NODE_IMAGES: OneNode;
    /// `status.declaredFeatures` of a node.
    NODE_FEATURES: OneNode;
    /// Conditions and annotations of a node.
    NODE_STATUS: OneNode;
    /// What the pods on the node take of it, amounts and host ports, nominated pods included.
    NODE_ROOM: OneNode;
    /// What makes domains of nodes: labels of any node, and which nodes there are.
    DOMAINS: Anything;
    /// Which pods are where: labels and terms of assigned pods on any node.
    PODS: Anything;
    /// Labels of namespaces.
    NAMESPACES: Anything;
    /// Selectors of Services, ReplicationControllers, ReplicaSets and StatefulSets.
    SELECTOR_OWNERS: Anything;
    /// PersistentVolumes.
    VOLUMES: Anything;
    /// PersistentVolumeClaims.
    CLAIMS: Anything;
    /// StorageClasses.
    STORAGE_CLASSES: Anything;
    /// CSINodes.
    CSI_NODES: Anything;
    /// CSIDrivers.
    CSI_DRIVERS: Anything;
    /// CSIStorageCapacities.
    STORAGE_CAPACITIES: Anything;
    /// VolumeAttachments.
    VOLUME_ATTACHMENTS: Anything;
    /// PodDisruptionBudgets.
    DISRUPTION_BUDGETS: Anything;
    /// Taints of any node, for what counts over all nodes that the pod tolerates.
    DOMAIN_TAINTS: Anything;
}

const _: () = assert!(FACTS.len() <= u64::BITS as usize, "a set has 64 bits");

impl Reads {
    /// Nothing.
    pub const NOTHING: Self = Self(0);
    /// Anything: for a plugin that does not declare what it reads.
    pub const EVERYTHING: Self = Self::all(None);
    /// What a node is, as counts over nodes read it: that it exists, its labels and taints.
    pub const NODE_OBJECT: Self = Self::NODE_EXISTS
        .or(Self::NODE_LABELS)
        .or(Self::NODE_TAINTS)
        .or(Self::DOMAINS)
        .or(Self::DOMAIN_TAINTS);
    /// What storage is, besides what is attached where.
    pub const STORAGE: Self = Self::VOLUMES
        .or(Self::CLAIMS)
        .or(Self::STORAGE_CLASSES)
        .or(Self::CSI_NODES)
        .or(Self::CSI_DRIVERS);
    /// Facts about one node, which can only change the verdict on that node.
    const OF_ONE_NODE: Self = Self::all(Some(About::OneNode));

    const fn of(fact: Fact) -> Self {
        Self(1 << fact as u32)
    }

    /// All facts, or those that are about this.
    const fn all(about: Option<About>) -> Self {
        let mut all = Self::NOTHING;
        let mut at = 0;
        while at < FACTS.len() {
            let (_, fact, its) = FACTS[at];
            let asked = match about {
                None => true,
                Some(about) => about as u8 == its as u8,
            };
            if asked {
                all = all.or(fact);
            }
            at += 1;
        }
        all
    }

    /// The set as a number, for [`Reads::try_from`].
    pub const fn bits(self) -> u64 {
        self.0
    }

    /// The names of the facts, in the order of the table.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        FACTS.iter().filter(move |(_, fact, _)| self.intersects(*fact)).map(|(name, ..)| *name)
    }

    /// Whether the two have a kind in common.
    pub fn intersects(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// The kinds that either has, in constants.
    #[must_use]
    pub const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The kinds that both have.
    #[must_use]
    pub fn common(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// The kinds that `other` has not.
    #[must_use]
    pub fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// The kinds that are facts about one node.
    #[must_use]
    pub fn of_one_node(self) -> Self {
        self.common(Self::OF_ONE_NODE)
    }

    /// Whether all kinds are facts about one node, so that a change on one node can only change
    /// the verdict on that node.
    pub fn is_of_one_node(self) -> bool {
        self.without(Self::OF_ONE_NODE).is_empty()
    }

    /// Whether the set is empty.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }
}

impl TryFrom<u64> for Reads {
    type Error = UnknownFacts;

    /// The set of this number, which [`Reads::bits`] gave.
    ///
    /// # Errors
    /// A bit stands for no fact.
    fn try_from(bits: u64) -> Result<Self, UnknownFacts> {
        let unknown = bits & !Self::EVERYTHING.0;
        if unknown == 0 { Ok(Self(bits)) } else { Err(UnknownFacts { unknown }) }
    }
}

impl fmt::Debug for Reads {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.names().collect::<Vec<_>>().join(" | "))
    }
}

impl BitOr for Reads {
    type Output = Self;
    fn bitor(self, other: Self) -> Self {
        self.or(other)
    }
}

impl BitOrAssign for Reads {
    fn bitor_assign(&mut self, other: Self) {
        self.0 |= other.0;
    }
}

impl std::iter::Sum for Reads {
    fn sum<I: Iterator<Item = Self>>(sets: I) -> Self {
        sets.fold(Self::NOTHING, BitOr::bitor)
    }
}

impl Stored for Reads {
    fn write(&self, out: &mut Writer) {
        self.bits().write(out);
    }

    fn read(from: &mut Reader<'_>) -> Result<Self, LoadError> {
        Self::try_from(from.number()?).map_err(|_| from.malformed("a fact that nobody reads"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_fact_has_a_bit_of_its_own_and_a_name() {
        let mut seen = Reads::NOTHING;
        for (name, fact, about) in FACTS {
            assert_eq!(fact.bits().count_ones(), 1, "{name}");
            assert!(!seen.intersects(*fact), "{name}");
            assert_eq!(fact.names().collect::<Vec<_>>(), [*name]);
            assert_eq!(fact.is_of_one_node(), *about == About::OneNode, "{name}");
            seen |= *fact;
        }
        assert_eq!(seen, Reads::EVERYTHING);
        assert!(!Reads::EVERYTHING.is_of_one_node());
        assert_eq!(format!("{:?}", Reads::PODS | Reads::NODE_ROOM), "NODE_ROOM | PODS");
    }

    #[test]
    fn a_number_that_stands_for_no_set_is_refused() {
        for set in [Reads::NOTHING, Reads::STORAGE, Reads::EVERYTHING] {
            assert_eq!(Reads::try_from(set.bits()), Ok(set));
        }
        let unknown = 1 << 63;
        assert_eq!(Reads::try_from(Reads::PODS.bits() | unknown), Err(UnknownFacts { unknown }));
    }
}
