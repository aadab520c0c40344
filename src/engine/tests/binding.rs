//! The binding cycle: what a pod goes through between its node and its bind.
#![allow(clippy::unwrap_used, missing_docs)]

#[path = "binding/bench.rs"]
mod bench;
#[path = "binding/permit.rs"]
mod permit;
#[path = "binding/pre_bind.rs"]
mod pre_bind;
#[path = "binding/room.rs"]
mod room;
#[path = "binding/stages.rs"]
mod stages;
mod support;
