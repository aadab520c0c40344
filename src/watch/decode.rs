//! From wire objects to inputs, whatever the format.

use berth_engine::record::{ObjectKey, PodRecord};
use berth_engine::{Change, Input, Object};
use serde::de::DeserializeOwned;

use super::error::{DecodeError, FieldError};
use super::json;
use super::kind::Kind;
use super::templates::Templates;
use super::wire::claim::{Claim, Volume};
use super::wire::csi::{CsiDriver, CsiNode, StorageCapacity, StorageClass, VolumeAttachment};
use super::wire::meta::{ObjectMeta, Status};
use super::wire::node::Node;
use super::wire::owner::{DisruptionBudget, MapSelecting, Namespace, Selecting};
use super::wire::pod::Pod;

/// What an object says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Identity {
    /// Namespace and name.
    pub(crate) key: ObjectKey,
    /// `metadata.uid`, empty where absent.
    pub(crate) uid: Box<str>,
    /// `metadata.resourceVersion`, empty where absent.
    pub(crate) resource_version: Box<str>,
}

/// A decoded object.
#[derive(Debug, Clone)]
pub(crate) struct Decoded {
    /// What it says of itself.
    pub(crate) identity: Identity,
    /// What the engine is told: the object as applied.
    pub(crate) input: Input,
}

/// An object, or why it cannot be read.
pub(crate) type Item = Result<Decoded, DecodeError>;

/// One page of a list.
#[derive(Debug)]
pub(crate) struct Page {
    /// The list's resource version.
    pub(crate) resource_version: String,
    /// Token of the next page, empty on the last one.
    pub(crate) continue_token: String,
    /// The objects.
    pub(crate) items: Vec<Item>,
}

/// What a watch event says.
#[derive(Debug)]
pub(crate) enum Event {
    /// Added.
    Added(Item),
    /// Changed.
    Modified(Item),
    /// Gone; the object is its last state.
    Deleted(Item),
    /// All changes up to this resource version have been sent.
    Bookmark(String),
    /// The watch has failed.
    Error(Status),
}

/// An object as it travels, of one kind or of several with the same shape.
pub(crate) trait WireObject: prost::Message + Default + DeserializeOwned {
    /// `metadata`.
    fn metadata(&self) -> Option<&ObjectMeta>;
    /// What the engine is told of an applied object of `kind`.
    fn input(self, kind: Kind, templates: &mut Templates) -> Result<Input, FieldError>;
}

/// Reads one object from JSON by its own `apiVersion` and `kind`, as found in files.
///
/// # Errors
/// [`DecodeError::UnknownKind`] where the scheduler does not watch the kind, else what is wrong
/// with the text, naming the field.
pub fn decode_object(text: &[u8]) -> Result<Input, DecodeError> {
    let kind = json::kind(text)?;
    Ok(json::object(kind, text, &mut Templates::default())?.input)
}

/// Reads a pod from JSON; `apiVersion` and `kind` may be absent.
///
/// # Errors
/// What is wrong with the text, naming the field.
pub fn decode_pod(text: &[u8]) -> Result<PodRecord, DecodeError> {
    match json::object(Kind::Pod, text, &mut Templates::default())?.input {
        Input::PodApplied(pod) => Ok(*pod),
        _ => Err(DecodeError::Syntax { kind: "Pod".into(), message: "not a pod".into() }),
    }
}

/// Turns a wire object into what the engine is told.
pub(crate) fn finish<T: WireObject>(kind: Kind, object: T, templates: &mut Templates) -> Item {
    let meta = object.metadata();
    let text = |field: Option<&String>| field.map(String::as_str).unwrap_or_default().into();
    let identity = Identity {
        key: meta.map(ObjectMeta::key).unwrap_or_default(),
        uid: text(meta.and_then(|m| m.uid.as_ref())),
        resource_version: text(meta.and_then(|m| m.resource_version.as_ref())),
    };
    let result = if identity.key.name.is_empty() {
        Err(FieldError::new("must be set".into()).within("name").within("metadata"))
    } else {
        object.input(kind, templates)
    };
    match result {
        Ok(input) => Ok(Decoded { identity, input }),
        Err(FieldError { path, message }) => Err(DecodeError::Field {
            kind: kind.name().into(),
            key: identity.key,
            field: path,
            message,
        }),
    }
}

/// Calls `$function::<T>($arguments)` with the wire type of `$kind`.
macro_rules! by_kind {
    ($kind:expr, $function:ident($($argument:expr),*)) => {
        match $kind {
            Kind::Pod => $function::<$crate::watch::wire::pod::Pod>($($argument),*),
            Kind::Node => $function::<$crate::watch::wire::node::Node>($($argument),*),
            Kind::Namespace => $function::<$crate::watch::wire::owner::Namespace>($($argument),*),
            Kind::Service | Kind::ReplicationController => {
                $function::<$crate::watch::wire::owner::MapSelecting>($($argument),*)
            }
            Kind::ReplicaSet | Kind::StatefulSet => {
                $function::<$crate::watch::wire::owner::Selecting>($($argument),*)
            }
            Kind::PodDisruptionBudget => {
                $function::<$crate::watch::wire::owner::DisruptionBudget>($($argument),*)
            }
            Kind::PersistentVolume => $function::<$crate::watch::wire::claim::Volume>($($argument),*),
            Kind::PersistentVolumeClaim => {
                $function::<$crate::watch::wire::claim::Claim>($($argument),*)
            }
            Kind::StorageClass => $function::<$crate::watch::wire::csi::StorageClass>($($argument),*),
            Kind::CsiNode => $function::<$crate::watch::wire::csi::CsiNode>($($argument),*),
            Kind::CsiDriver => $function::<$crate::watch::wire::csi::CsiDriver>($($argument),*),
            Kind::CsiStorageCapacity => {
                $function::<$crate::watch::wire::csi::StorageCapacity>($($argument),*)
            }
            Kind::VolumeAttachment => {
                $function::<$crate::watch::wire::csi::VolumeAttachment>($($argument),*)
            }
        }
    };
}
pub(crate) use by_kind;

/// Implements [`WireObject`]: `object` binds the wire object, `templates` the template cache.
macro_rules! wire_object {
    ($($wire:ty, |$object:ident, $kind:ident, $templates:ident| $input:expr;)*) => {$(
        impl WireObject for $wire {
            fn metadata(&self) -> Option<&ObjectMeta> {
                self.metadata.as_ref()
            }
            fn input(self, $kind: Kind, $templates: &mut Templates) -> Result<Input, FieldError> {
                let $object = self;
                $input
            }
        }
    )*};
}

wire_object! {
    Pod, |pod, _kind, templates| pod.input(templates);
    Node, |node, _kind, _templates| node.input();
    Namespace, |namespace, _kind, _templates| applied(namespace.object());
    MapSelecting, |owner, kind, _templates| applied(match kind {
        Kind::Service => Object::Service(owner.record()),
        _ => Object::ReplicationController(owner.record()),
    });
    Selecting, |owner, kind, _templates| applied(match kind {
        Kind::ReplicaSet => Object::ReplicaSet(owner.record()),
        _ => Object::StatefulSet(owner.record()),
    });
    DisruptionBudget, |budget, _kind, _templates| applied(budget.object());
    Volume, |volume, _kind, _templates| applied(volume.object()?);
    Claim, |claim, _kind, _templates| applied(claim.object()?);
    StorageClass, |class, _kind, _templates| applied(class.object());
    CsiNode, |node, _kind, _templates| applied(node.object());
    CsiDriver, |driver, _kind, _templates| applied(driver.object());
    StorageCapacity, |capacity, _kind, _templates| applied(capacity.object()?);
    VolumeAttachment, |attachment, _kind, _templates| applied(attachment.object());
}

fn applied(object: Object) -> Result<Input, FieldError> {
    Ok(Input::Object(Box::new(object), Change::Applied))
}
