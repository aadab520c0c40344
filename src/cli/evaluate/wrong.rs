//! What is wrong with the input, and where.

use std::fmt::{self, Display};

/// A field that cannot be used.
#[derive(Debug)]
pub(super) struct Wrong {
    /// Its place in the case: `objects[3].items[0].spec.nodeName`.
    pub(super) path: String,
    message: String,
}

impl Wrong {
    pub(super) fn new(path: &str, message: impl Display) -> Self {
        Self { path: path.to_owned(), message: message.to_string() }
    }
}

impl std::error::Error for Wrong {}

impl Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.message)
    }
}
