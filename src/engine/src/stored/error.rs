//! Why bytes are no state to go on from.

use std::error::Error;

/// What is wrong with a saved state.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The bytes are of something else.
    #[error("this is no state saved by Berth: its first bytes are others")]
    NotAState,
    /// Another Berth wrote it.
    #[error(
        "the state has version {found} and this Berth reads version {known}: load it with the \
         Berth that saved it"
    )]
    Version {
        /// Of the state.
        found: u32,
        /// Of this program.
        known: u32,
    },
    /// It has another length than it says.
    #[error("the state has {found} bytes and says {expected}: copy or save it again")]
    Length {
        /// Bytes there are.
        found: u64,
        /// Bytes it says there are.
        expected: u64,
    },
    /// It is not what was written.
    #[error("the state was changed after it was saved (its checksum is wrong): copy it again")]
    Checksum,
    /// A value that cannot be.
    #[error("the state is damaged at byte {at} of its content: {what}")]
    Malformed {
        /// Which byte of what the seal is around.
        at: usize,
        /// What cannot be.
        what: &'static str,
    },
    /// It does not agree with itself: damaged, or saved by an engine that was in error.
    #[error("the state contradicts itself: {0}")]
    Broken(String),
    /// Its configuration is refused.
    #[error("the configuration in the state cannot be compiled")]
    Configuration(#[source] Box<dyn Error + Send + Sync>),
    /// Its configuration means other plugins here than where it was saved.
    #[error(
        "the configuration in the state has other plugins here than where it was saved: \
         {here} instead of {there}; load it with the Berth that saved it"
    )]
    OtherPlugins {
        /// What it means here.
        here: Box<str>,
        /// What it meant there.
        there: Box<str>,
    },
}
