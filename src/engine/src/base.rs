//! What the model is built from: symbols, indexes, node sets, the generator, time.

mod id;
mod index;
mod internal_error;
mod keyed;
mod nodeset;
mod paged;
mod pagedmap;
mod podmap;
mod random;
mod rowindex;
mod sortedmap;
mod sweep;
mod symbol;
mod vector;
mod whole;

pub use id::{CycleId, WriteId};
pub use index::{ClassIdx, LabelSetIdx, Millis, NodeIdx, PodIdx};
pub use internal_error::{InternalErrors, internal_errors};
pub(crate) use internal_error::{internal_error, missing};
pub use keyed::{HashKey, KeyedMap};
pub use nodeset::NodeSet;
pub(crate) use nodeset::push_rows;
pub use paged::{FreeRows, Paged};
pub use pagedmap::PagedMap;
pub use podmap::PodMap;
pub use random::{Draw, Random};
pub use rowindex::RowIndex;
pub use sortedmap::SortedMap;
pub(crate) use sweep::Sweep;
pub use symbol::{Sym, Symbols};
pub use vector::vectorized;
pub use whole::{cut, float, integer};
