//! What every kind's wire type can do.

use berth_engine::Input;
use berth_engine::record::ObjectKey;
use serde::de::DeserializeOwned;

use super::meta::ObjectMeta;
use crate::watch::error::FieldError;
use crate::watch::templates::Templates;

/// An object as it travels: what a kind's own file says of it. One type per kind, of the same name
/// as in the table of kinds.
pub(crate) trait WireObject: prost::Message + Default + DeserializeOwned {
    /// What the engine reads of it.
    type Record;
    /// The kind in full, against which files are held.
    type Schema: DeserializeOwned;
    /// `metadata`.
    fn metadata(&self) -> Option<&ObjectMeta>;
    /// Turns it into its record.
    ///
    /// # Errors
    /// The field that cannot be read.
    fn record(self, templates: &mut Templates) -> Result<Self::Record, FieldError>;
}

/// What the engine is told of the objects of a kind. Follows from the table of kinds, but for pods
/// and nodes, which have inputs of their own.
pub(crate) trait Told: WireObject {
    /// That the object is there.
    fn applied(record: Self::Record) -> Input;
    /// That the object `key` is gone. Besides pods and nodes, such objects carry only their key.
    fn deleted(key: ObjectKey, uid: Option<Box<str>>) -> Input;
}
