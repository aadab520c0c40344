//! The engine bench itself: what is measured, how, and how it is told.
#![allow(unreachable_pub, missing_docs, clippy::unwrap_used)]

pub mod args;
pub mod case;
pub mod crowd;
pub mod flame;
pub mod growth;
pub mod identity;
pub mod record;
pub mod result;
pub mod run;
pub mod snapshot;
