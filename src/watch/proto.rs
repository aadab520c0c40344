//! Protobuf: the `k8s\0` envelope around objects and lists, and the frames of a watch.
//!
//! Source: `apimachinery/pkg/runtime/serializer/protobuf/protobuf.go`. Everything is cut out of one
//! buffer without copying; only the fields of the wire structs are copied, each string once.

pub(crate) mod frames;
pub(crate) mod list;

use bytes::Bytes;
use prost::Message;

use super::decode::{Event, Item, Page, by_kind, finish};
use super::error::DecodeError;
use super::json::unknown_event;
use super::kind::Kind;
use super::templates::Templates;
use super::wire::meta::{ListMeta, PartialObject};
use super::wire::object::Told;
use crate::client::Status;

/// What a protobuf document of Kubernetes begins with.
pub(crate) const MAGIC: &[u8] = b"k8s\0";

/// `runtime.Unknown`.
#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct Unknown {
    #[prost(bytes = "bytes", tag = "2")]
    pub(crate) raw: Bytes,
}

/// A list of any kind: all have their metadata at tag 1 and their items at tag 2.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct List {
    #[prost(message, optional, tag = "1")]
    pub(crate) metadata: Option<ListMeta>,
    #[prost(bytes = "bytes", repeated, tag = "2")]
    pub(crate) items: Vec<Bytes>,
}

/// `metav1.WatchEvent`.
#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct WatchEvent {
    #[prost(string, tag = "1")]
    pub(crate) verb: String,
    #[prost(message, optional, tag = "2")]
    pub(crate) object: Option<RawExtension>,
}

/// `runtime.RawExtension`.
#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct RawExtension {
    #[prost(bytes = "bytes", tag = "1")]
    pub(crate) raw: Bytes,
}

/// One object of `kind` in its envelope.
pub(crate) fn object(kind: Kind, document: &Bytes, templates: &mut Templates) -> Item {
    let unknown = envelope(kind, document)?;
    bare_object(kind, unknown.raw, templates)
}

/// One object without envelope, as lists hold them.
pub(crate) fn bare_object(kind: Kind, raw: Bytes, templates: &mut Templates) -> Item {
    by_kind!(kind, typed_object(kind, raw, templates))
}

fn typed_object<T: Told>(kind: Kind, raw: Bytes, templates: &mut Templates) -> Item {
    match T::decode(raw.clone()) {
        Ok(object) => finish(kind, object, templates),
        Err(error) => Err(malformed(kind, raw, &error)),
    }
}

/// One page of a list.
///
/// # Errors
/// Where the page as a whole cannot be read; a malformed item is an error in its place.
pub(crate) fn page(
    kind: Kind,
    document: &Bytes,
    templates: &mut Templates,
) -> Result<Page, DecodeError> {
    let unknown = envelope(kind, document)?;
    let list = List::decode(unknown.raw).map_err(|e| unreadable(kind, &e))?;
    let metadata = list.metadata.unwrap_or_default();
    let items = list.items.into_iter();
    Ok(Page {
        resource_version: metadata.resource_version.unwrap_or_default(),
        continue_token: metadata.continue_token.unwrap_or_default(),
        items: items.map(|raw| bare_object(kind, raw, templates)).collect(),
    })
}

/// One frame of a watch, without its length.
///
/// # Errors
/// Where the frame is no event at all; a malformed object is an error inside its event.
pub(crate) fn event(
    kind: Kind,
    frame: &Bytes,
    templates: &mut Templates,
) -> Result<Event, DecodeError> {
    let event = WatchEvent::decode(frame.clone()).map_err(|e| unreadable(kind, &e))?;
    let document = event.object.unwrap_or_default().raw;
    match event.verb.as_str() {
        "ADDED" => Ok(Event::Added(object(kind, &document, templates))),
        "MODIFIED" => Ok(Event::Modified(object(kind, &document, templates))),
        "DELETED" => Ok(Event::Deleted(object(kind, &document, templates))),
        "BOOKMARK" => {
            let raw = envelope(kind, &document)?.raw;
            let object = PartialObject::decode(raw).map_err(|e| unreadable(kind, &e))?;
            let metadata = object.metadata.unwrap_or_default();
            Ok(Event::Bookmark(metadata.resource_version.unwrap_or_default()))
        }
        "ERROR" => Ok(Event::Error(status(&document))),
        other => Err(unknown_event(kind, other)),
    }
}

/// A `Status` in its envelope; what cannot be read of it is left out.
pub(crate) fn status(document: &Bytes) -> Status {
    let raw = envelope(Kind::Pod, document).map(|unknown| unknown.raw).unwrap_or_default();
    Status::decode(raw).unwrap_or_default()
}

fn envelope(kind: Kind, document: &Bytes) -> Result<Unknown, DecodeError> {
    if !document.starts_with(MAGIC) {
        return Err(DecodeError::Syntax {
            kind: kind.name().into(),
            message: "protobuf document without the leading bytes 6b 38 73 00 (\"k8s\\0\")".into(),
        });
    }
    Unknown::decode(document.slice(MAGIC.len()..)).map_err(|e| unreadable(kind, &e))
}

fn unreadable(kind: Kind, error: &prost::DecodeError) -> DecodeError {
    DecodeError::Syntax { kind: kind.name().into(), message: error.to_string() }
}

/// The error of one object: names it where its metadata can still be read. prost's message ends in
/// the path of the field.
fn malformed(kind: Kind, raw: Bytes, error: &prost::DecodeError) -> DecodeError {
    // What was read before the error stays merged, and the metadata come first.
    let mut object = PartialObject::default();
    let _ = object.merge(raw);
    let text = error.to_string();
    let text = text.strip_prefix("failed to decode Protobuf message: ").unwrap_or(&text);
    let (path, message) = text.rsplit_once(": ").unwrap_or(("", text));
    DecodeError::Field {
        kind: kind.name().into(),
        key: object.metadata.map(|m| m.key()).unwrap_or_default(),
        field: path.replace(": ", " "),
        message: message.into(),
    }
}
