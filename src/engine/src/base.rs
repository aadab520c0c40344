//! What the model is built from: symbols, indexes, node sets, the generator, time.

mod id;
mod index;
mod keyed;
mod nodeset;
mod podmap;
mod random;
mod sweep;
mod symbol;
mod vector;
mod whole;

pub use id::{CycleId, WriteId};
pub use index::{ClassIdx, LabelSetIdx, Millis, NodeIdx, PodIdx};
pub use keyed::{HashKey, KeyedMap};
pub use nodeset::NodeSet;
pub(crate) use nodeset::push_rows;
pub use podmap::PodMap;
pub use random::{Draw, Random};
pub(crate) use sweep::Sweep;
pub use symbol::{Sym, Symbols};
pub use vector::vectorized;
pub use whole::{cut, float, integer};
