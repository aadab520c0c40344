//! The shell.

pub mod args;
pub mod config;
pub mod logging;
pub mod version;
pub mod watch;
