//! `berth run` as a process: what keeps two of them apart, and what it says.
#![allow(clippy::unwrap_used)]

mod instances;
mod stage;
mod told;
