//! Tests of the decoders against each other, against Kubernetes' own bytes, and of the watch
//! against a server.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod absence;
mod cost;
mod following;
mod gaps;
mod go_reading;
mod histories;
mod kubernetes_bytes;
mod random;
mod real_server;
mod resize_rule;
mod script;
mod server;
mod two_formats;

pub(crate) use random::Member;
