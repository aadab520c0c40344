//! Indexes into the tables of the cache. Four bytes each, so that a pod stays small.

use crate::stored::{LoadError, Reader, Stored, Writer};

/// Milliseconds on the clock that the shell hands in; only differences matter.
pub type Millis = u64;

macro_rules! index {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(u32);

        impl $name {
            /// The index of row `at`. Tables hold fewer than 2^32 rows: 16 million nodes or pods
            /// of 160 bytes would be out of reach long before.
            pub fn new(at: usize) -> Self {
                Self(u32::try_from(at).unwrap_or(u32::MAX))
            }

            /// The first row, the only one of a table of one.
            pub const FIRST: Self = Self(0);

            /// No row at all.
            pub const NONE: Self = Self(u32::MAX);

            /// The row.
            pub fn at(self) -> usize {
                self.0 as usize
            }
        }
    };
}

index! {
    /// A row of the node table. Rows are reused after a node is gone.
    NodeIdx
}
index! {
    /// A row of the pod table. Rows are reused after a pod is gone.
    PodIdx
}
index! {
    /// A class of pods that are alike for every filter and score.
    ClassIdx
}
index! {
    /// A set of labels that at least one pod carries.
    LabelSetIdx
}

/// Rows of nodes and pods are as they were in the state that is loaded; those of classes and label
/// sets are not.
macro_rules! stored_index {
    ($name:ident, $rows:ident) => {
        impl Stored for $name {
            fn write(&self, out: &mut Writer) {
                self.0.write(out);
            }

            fn read(from: &mut Reader<'_>) -> Result<Self, LoadError> {
                from.row(from.rows.$rows).map(Self::new)
            }
        }
    };
}

stored_index!(NodeIdx, nodes);
stored_index!(PodIdx, pods);
