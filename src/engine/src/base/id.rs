//! Numbers that effects carry and answers name.

use crate::stored::stored;

/// One binding cycle: what a pod that has its node goes through until it is bound. Effects name it,
/// answers name it back. None is given twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CycleId(pub u64);

/// One write of a PreBind plugin, named back by its answer. None is given twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WriteId(pub u64);

stored! { struct CycleId(number) }
stored! { struct WriteId(number) }
