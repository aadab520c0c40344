//! The shell.

pub mod watch;
