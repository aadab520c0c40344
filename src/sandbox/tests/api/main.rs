//! The sandbox through real HTTPS.
#![allow(clippy::unwrap_used)]

mod binding;
mod client;
mod job;
mod object;
