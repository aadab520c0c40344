//! JSON as Go reads it into a struct: `null` is the same as absent.

use serde::{Deserialize, Deserializer};

/// A field whose `null` is its type's zero value.
///
/// # Errors
/// The value is neither `null` nor a `T`.
pub(crate) fn or_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Option::<T>::deserialize(deserializer).map(Option::unwrap_or_default)
}
