//! A plugin's own failure.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

/// Why a plugin cannot answer: it did not reject the pod, it failed. The attempt ends as an error,
/// the pod backs off, and its condition says so, in these words.
///
/// Made of words or of an error type: `Fault::new("PersistentVolumeClaim had no name")`.
#[derive(Clone)]
pub struct Fault(Arc<dyn Error + Send + Sync>);

impl Fault {
    /// A fault of words, or of an error type of the plugin's.
    pub fn new(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self(Arc::from(error.into()))
    }

    /// The plugin's own type, where it is one.
    pub fn downcast_ref<T: Error + 'static>(&self) -> Option<&T> {
        self.0.downcast_ref()
    }
}

impl From<&str> for Fault {
    fn from(words: &str) -> Self {
        Self::new(words)
    }
}

impl fmt::Debug for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.to_string(), f)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl Error for Fault {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.source()
    }
}

/// By their words.
impl PartialEq for Fault {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.to_string() == other.to_string()
    }
}

impl Eq for Fault {}
