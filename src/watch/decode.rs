//! From wire objects to inputs, whatever the format.

use berth_engine::record::{self, ObjectKey};
use berth_engine::{Change, Input, Object};

use super::error::{DecodeError, FieldError};
use super::kind::Kind;
use super::templates::Templates;
use super::wire;
use super::wire::meta::ObjectMeta;
use super::wire::object::Told;
use crate::client::Status;

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

/// Turns a wire object into what the engine is told.
pub(crate) fn finish<T: Told>(kind: Kind, object: T, templates: &mut Templates) -> Item {
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
        object.record(templates).map(T::applied)
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
    ($kind:expr, $function:ident $arguments:tt) => {
        berth_engine::kinds!($crate::watch::by_row, $kind, $function, $arguments)
    };
}

/// The calls of [`by_kind`], by the rows of the table.
macro_rules! by_row {
    (
        [$kind:expr, $function:ident, $arguments:tt]
        own {$( $(#[$own_doc:meta])* $Own:ident $own:tt )*}
        objects {$( $(#[$doc:meta])* $Kind:ident $row:tt )*}
    ) => {
        match $kind {
            $($crate::watch::Kind::$Own => $function::<$crate::watch::wire::$Own> $arguments,)*
            $($crate::watch::Kind::$Kind => $function::<$crate::watch::wire::$Kind> $arguments,)*
        }
    };
}
pub(crate) use {by_kind, by_row};

/// The record of an object of which only the key is known.
macro_rules! gone {
    (Cluster $Record:ident $key:ident) => {
        record::$Record { name: $key.name, ..record::$Record::default() }
    };
    (Namespaced $Record:ident $key:ident) => {
        record::$Record { key: $key, ..record::$Record::default() }
    };
}

macro_rules! told {
    (
        [] own { $($own:tt)* }
        objects {$(
            $(#[$doc:meta])*
            $Kind:ident {
                kind: $kind:literal, resource: $resource:literal,
                group: $group:literal, versions: $versions:tt,
                scope: $scope:ident, need: $need:ident,
                record: $Record:ident, $($engine:tt)*
            }
        )*}
    ) => {$(
        impl Told for wire::$Kind {
            fn applied(record: record::$Record) -> Input {
                Input::Object(Box::new(Object::$Kind(record)), Change::Applied)
            }
            fn deleted(key: ObjectKey, _: Option<Box<str>>) -> Input {
                let object = Object::$Kind(gone!($scope $Record key));
                Input::Object(Box::new(object), Change::Deleted)
            }
        }
    )*};
}

berth_engine::kinds!(told);

/// That the object `key` of a kind is gone.
pub(crate) fn deleted(kind: Kind, key: ObjectKey, uid: Option<Box<str>>) -> Input {
    fn of<T: Told>(key: ObjectKey, uid: Option<Box<str>>) -> Input {
        T::deleted(key, uid)
    }
    by_kind!(kind, of(key, uid))
}
