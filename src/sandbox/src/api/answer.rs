//! Responses: whole JSON bodies, errors as `Status`, and the streams of watches.

use std::io;

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};
use serde_json::{Value, json};

use super::request::Media;
use crate::registry::event;
use crate::resource::Resource;
use crate::status::Status;

/// Every response's body.
pub(crate) type Body = UnsyncBoxBody<Bytes, io::Error>;

/// A response of JSON bytes.
pub(crate) fn json_bytes(code: u16, bytes: Bytes) -> Response<Body> {
    let mut response =
        Response::new(Full::new(bytes).map_err(|never| match never {}).boxed_unsync());
    *response.status_mut() =
        StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    response
}

/// A response of a JSON value.
pub(crate) fn value(code: u16, value: &Value) -> Response<Body> {
    json_bytes(code, serde_json::to_vec(value).unwrap_or_default().into())
}

/// A plain text 200.
pub(crate) fn text(text: &'static str) -> Response<Body> {
    let mut response = json_bytes(200, Bytes::from_static(text.as_bytes()));
    let plain = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, plain);
    response
}

/// An error.
pub(crate) fn failure(status: &Status) -> Response<Body> {
    let mut response = value(status.code, &status.to_value());
    if let Some(seconds) = status.details["retryAfterSeconds"].as_u64() {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

/// `Status` of a deletion that left nothing to show.
pub(crate) fn success(resource: &Resource, name: &str, uid: &str) -> Value {
    let mut details = json!({"name": name, "kind": resource.plural, "uid": uid});
    if !resource.group.is_empty() {
        details["group"] = json!(resource.group);
    }
    json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details})
}

/// An object's bytes in the API version and form the client asked for; tables are made
/// elsewhere.
pub(crate) fn present(resource: &Resource, media: Media, stored: &Bytes) -> Bytes {
    if media == Media::Json && !resource.is_new_events() {
        return stored.clone();
    }
    let Ok(mut value) = serde_json::from_slice::<Value>(stored) else { return stored.clone() };
    if resource.is_new_events() {
        event::to_new(&mut value);
    }
    if media == Media::Metadata {
        value = metadata_only(&value);
    }
    serde_json::to_vec(&value).unwrap_or_default().into()
}

/// PartialObjectMetadata of an object.
pub(crate) fn metadata_only(value: &Value) -> Value {
    json!({
        "kind": "PartialObjectMetadata",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": value["metadata"],
    })
}
