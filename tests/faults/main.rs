//! The scheduler against an API server where things go wrong: each test ends with every pod
//! placed, each bound once, and no node over-committed.
//!
//! Rooms are exact: as many pods as the nodes hold, so that a pod counted twice, or room lost,
//! leaves a pod without a place.
#![allow(clippy::unwrap_used)]

mod absence;
mod beside_binds;
mod bindings;
mod counts;
mod events;
mod histories;
mod ledger;
mod objects;
mod pods;
mod profiles;
mod rate;
mod readers;
mod refusals;
mod stage;
mod stderr;
mod stops;
mod watches;
