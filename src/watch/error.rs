//! What can be wrong with an object.

use berth_engine::record::ObjectKey;

/// A field that cannot be read, found while an object is turned into its record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FieldError {
    /// Path from the object's root, such as `spec.containers[0].resources.requests[cpu]`.
    pub(crate) path: String,
    /// What is wrong and what is allowed.
    pub(crate) message: String,
}

impl FieldError {
    /// An error of the value itself; the path is added on the way up.
    pub(crate) fn new(message: String) -> Self {
        Self { path: String::new(), message }
    }

    /// Puts `parent` before the path: a field name, or an index in brackets.
    pub(crate) fn within(mut self, parent: &str) -> Self {
        let dot = if self.path.is_empty() || self.path.starts_with('[') { "" } else { "." };
        self.path = format!("{parent}{dot}{}", self.path);
        self
    }
}

/// Names the field a conversion was in.
pub(crate) trait Within<T> {
    /// Puts `parent` before the error's path.
    fn within(self, parent: &str) -> Result<T, FieldError>;
}

impl<T> Within<T> for Result<T, FieldError> {
    fn within(self, parent: &str) -> Self {
        self.map_err(|e| e.within(parent))
    }
}

/// An object that cannot be decoded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The text is no JSON, or the bytes no protobuf of Kubernetes.
    #[error("{kind}: not readable: {message}")]
    Syntax {
        /// Kind that was expected, `object` where unknown.
        kind: Box<str>,
        /// What is wrong, with the position where known.
        message: String,
    },
    /// A field has a wrong type or value.
    #[error("{kind} {key}: {field}: {message}")]
    Field {
        /// Kind of the object.
        kind: Box<str>,
        /// Its namespace and name; empty where they cannot be read.
        key: ObjectKey,
        /// Path of the field.
        field: String,
        /// What is wrong with it.
        message: String,
    },
    /// The kind is not one that the scheduler watches.
    #[error("{kind} of {api_version:?} is not a kind that the scheduler watches")]
    UnknownKind {
        /// `apiVersion`.
        api_version: Box<str>,
        /// `kind`.
        kind: Box<str>,
    },
}

impl DecodeError {
    /// The object's key, where it could be read.
    pub fn key(&self) -> Option<&ObjectKey> {
        match self {
            Self::Field { key, .. } if !key.name.is_empty() => Some(key),
            _ => None,
        }
    }
}
