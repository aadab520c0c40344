//! The sandbox through real HTTPS.
#![allow(clippy::unwrap_used)]

mod access;
mod binding;
mod client;
mod deletion;
mod fault;
mod job;
mod list;
mod load;
mod malformed;
mod object;
mod offer;
mod watch;
mod write;
