//! JSON: single objects, pages of a list, lines of a watch.
//!
//! Typed decoding is tried first; only where that fails the text is read again piece by piece, to
//! tell which object and field it was and to keep the others.

mod position;

use berth_engine::Input;
use berth_engine::record::PodRecord;
use serde::Deserialize;
use serde_json::value::RawValue;

use self::position::path_at;
use super::decode::{Event, Item, Page, by_kind, finish};
use super::error::DecodeError;
use super::kind::Kind;
use super::templates::Templates;
use super::wire::meta::{ListMeta, PartialObject};
use super::wire::nullable;
use super::wire::object::Told;
use crate::client::Status;

/// `apiVersion` and `kind`.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct TypeMeta {
    api_version: Option<String>,
    kind: Option<String>,
}

#[derive(Deserialize)]
struct List<T: serde::de::DeserializeOwned + Default> {
    #[serde(default)]
    metadata: Option<ListMeta>,
    #[serde(default, deserialize_with = "nullable::list")]
    items: Vec<T>,
}

/// A list whose items are read one by one.
#[derive(Deserialize)]
struct RawList<'a> {
    #[serde(default)]
    metadata: Option<ListMeta>,
    #[serde(default, borrow)]
    items: Option<Vec<&'a RawValue>>,
}

#[derive(Deserialize)]
struct Line<T> {
    #[serde(rename = "type")]
    verb: String,
    object: T,
}

/// The kind of an object by its own words.
pub(crate) fn kind(text: &[u8]) -> Result<Kind, DecodeError> {
    let meta: TypeMeta = serde_json::from_slice(text).map_err(|e| unreadable("object", &e))?;
    let api_version = meta.api_version.unwrap_or_default();
    let kind = meta.kind.unwrap_or_default();
    Kind::of(&api_version, &kind).ok_or_else(|| DecodeError::UnknownKind {
        api_version: api_version.into(),
        kind: kind.into(),
    })
}

/// Reads one object from JSON by its own `apiVersion` and `kind`, as found in files.
///
/// # Errors
/// [`DecodeError::UnknownKind`] where the scheduler does not watch the kind, else what is wrong
/// with the text, naming the field.
pub fn decode_object(text: &[u8]) -> Result<Input, DecodeError> {
    let kind = kind(text)?;
    Ok(object(kind, text, &mut Templates::default())?.input)
}

/// Reads a pod from JSON; `apiVersion` and `kind` may be absent.
///
/// # Errors
/// What is wrong with the text, naming the field.
pub fn decode_pod(text: &[u8]) -> Result<PodRecord, DecodeError> {
    match object(Kind::Pod, text, &mut Templates::default())?.input {
        Input::PodApplied(pod) => Ok(*pod),
        _ => Err(DecodeError::Syntax { kind: "Pod".into(), message: "not a pod".into() }),
    }
}

/// One object of `kind`.
pub(crate) fn object(kind: Kind, text: &[u8], templates: &mut Templates) -> Item {
    by_kind!(kind, typed_object(kind, text, templates))
}

fn typed_object<T: Told>(kind: Kind, text: &[u8], templates: &mut Templates) -> Item {
    match serde_json::from_slice::<T>(text) {
        Ok(object) => finish(kind, object, templates),
        Err(error) => Err(malformed(kind, text, &error)),
    }
}

/// One page of a list.
///
/// # Errors
/// Where the page as a whole cannot be read; a malformed item is an error in its place.
pub(crate) fn page(
    kind: Kind,
    text: &[u8],
    templates: &mut Templates,
) -> Result<Page, DecodeError> {
    by_kind!(kind, typed_page(kind, text, templates))
}

fn typed_page<T: Told>(
    kind: Kind,
    text: &[u8],
    templates: &mut Templates,
) -> Result<Page, DecodeError> {
    let (metadata, items) = match serde_json::from_slice::<List<T>>(text) {
        Ok(list) => {
            let items = list.items.into_iter();
            (list.metadata, items.map(|object| finish(kind, object, templates)).collect())
        }
        Err(_) => {
            let list: RawList<'_> =
                serde_json::from_slice(text).map_err(|e| unreadable(kind.name(), &e))?;
            let items = list.items.unwrap_or_default().into_iter();
            let read = |raw: &RawValue| typed_object::<T>(kind, raw.get().as_bytes(), templates);
            (list.metadata, items.map(read).collect())
        }
    };
    let metadata = metadata.unwrap_or_default();
    Ok(Page {
        resource_version: metadata.resource_version.unwrap_or_default(),
        continue_token: metadata.continue_token.unwrap_or_default(),
        items,
    })
}

/// One line of a watch.
///
/// # Errors
/// Where the line is no event at all; a malformed object is an error inside its event.
pub(crate) fn event(
    kind: Kind,
    text: &[u8],
    templates: &mut Templates,
) -> Result<Event, DecodeError> {
    by_kind!(kind, typed_event(kind, text, templates))
}

fn typed_event<T: Told>(
    kind: Kind,
    text: &[u8],
    templates: &mut Templates,
) -> Result<Event, DecodeError> {
    let (verb, item) = match serde_json::from_slice::<Line<T>>(text) {
        Ok(line) if line.verb == "BOOKMARK" => {
            let version = line.object.metadata().and_then(|m| m.resource_version.clone());
            return Ok(Event::Bookmark(version.unwrap_or_default()));
        }
        Ok(line) if line.verb != "ERROR" => (line.verb, finish(kind, line.object, templates)),
        // A Status has the shape of some kinds and not of others.
        _ => {
            let line: Line<&RawValue> =
                serde_json::from_slice(text).map_err(|e| unreadable(kind.name(), &e))?;
            if line.verb == "ERROR" {
                return Ok(Event::Error(status(line.object.get().as_bytes())));
            }
            (line.verb, typed_object::<T>(kind, line.object.get().as_bytes(), templates))
        }
    };
    match verb.as_str() {
        "ADDED" => Ok(Event::Added(item)),
        "MODIFIED" => Ok(Event::Modified(item)),
        "DELETED" => Ok(Event::Deleted(item)),
        other => Err(unknown_event(kind, other)),
    }
}

/// A `Status`; what cannot be read of it is left out.
pub(crate) fn status(text: &[u8]) -> Status {
    serde_json::from_slice(text).unwrap_or_default()
}

/// An event type that Kubernetes does not define.
pub(crate) fn unknown_event(kind: Kind, verb: &str) -> DecodeError {
    DecodeError::Syntax {
        kind: kind.name().into(),
        message: format!("watch event of unknown type {verb:?}"),
    }
}

fn unreadable(kind: &str, error: &serde_json::Error) -> DecodeError {
    DecodeError::Syntax { kind: kind.into(), message: error.to_string() }
}

/// The error of one object: names it where its metadata can still be read, and the field.
fn malformed(kind: Kind, text: &[u8], error: &serde_json::Error) -> DecodeError {
    if error.classify() != serde_json::error::Category::Data {
        return unreadable(kind.name(), error);
    }
    let metadata = serde_json::from_slice::<PartialObject>(text).ok().and_then(|o| o.metadata);
    let message = error.to_string();
    let message = message.split(" at line ").next().unwrap_or_default();
    DecodeError::Field {
        kind: kind.name().into(),
        key: metadata.map(|m| m.key()).unwrap_or_default(),
        field: path_at(text, error.line(), error.column()),
        message: message.into(),
    }
}
