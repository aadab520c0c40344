//! CREATE, UPDATE, PATCH and DELETE.

use std::sync::Arc;

use http::{HeaderMap, HeaderValue, Response, header};
use serde_json::{Value, json};

use super::Apiserver;
use super::answer::{self, Body, present};
use super::request::{self, Call, Media, RequestBody};
use crate::object::name_of;
use crate::patch::apply::Apply;
use crate::patch::{self, PatchKind};
use crate::registry::{DeleteOptions, Deleted, Target, event};
use crate::status::{Result, Status};
use crate::store::Object;
use crate::validate::strict;

impl Apiserver {
    pub(super) async fn create(
        &self,
        call: &Call,
        headers: &HeaderMap,
        body: RequestBody,
    ) -> Result<Response<Body>> {
        if call.resource.namespaced && call.namespace.is_empty() {
            return Err(Status::method_not_allowed());
        }
        let mut value = request::read_body(headers, body).await?;
        let unknown = check_fields(call, &value)?;
        to_stored(call, &mut value);
        let object = self.registry.create(stored(call), value)?;
        Ok(with_warnings(written(call, 201, &object), &unknown))
    }

    pub(super) async fn update(
        &self,
        call: &Call,
        headers: &HeaderMap,
        body: RequestBody,
    ) -> Result<Response<Body>> {
        let mut value = request::read_body(headers, body).await?;
        let unknown = check_fields(call, &value)?;
        to_stored(call, &mut value);
        let status = call.subresource == "status";
        let object = self.registry.update(stored(call), status, &value)?;
        Ok(with_warnings(written(call, 200, &object), &unknown))
    }

    pub(super) async fn patch(
        &self,
        call: &Call,
        headers: &HeaderMap,
        body: RequestBody,
    ) -> Result<Response<Body>> {
        let kind = PatchKind::of(request::content_type(headers)).ok_or_else(|| {
            request::unknown_format(
                "application/json-patch+json, application/merge-patch+json, \
                 application/apply-patch+yaml, application/strategic-merge-patch+json",
            )
        })?;
        let bytes = request::read_bytes(body).await?;
        if kind == PatchKind::Apply {
            return self.apply(call, &bytes);
        }
        let patch: Value = serde_json::from_slice(&bytes)
            .map_err(|e| Status::bad_request(format!("the patch is not JSON: {e}")))?;
        let mut unknown = Vec::new();
        let status = call.subresource == "status";
        let object = self.registry.update_with(stored(call), status, |old| {
            let mut value = old.value.clone();
            if call.resource.is_new_events() {
                event::to_new(&mut value);
            }
            match kind {
                PatchKind::Json => patch::json(&mut value, &patch)?,
                PatchKind::Merge => patch::merge(&mut value, &patch),
                _ => patch::strategic::apply(&mut value, &patch)?,
            }
            unknown = check_fields(call, &value)?;
            to_stored(call, &mut value);
            Ok(value)
        })?;
        Ok(with_warnings(written(call, 200, &object), &unknown))
    }

    /// Server-side apply, which creates what is not there.
    fn apply(&self, call: &Call, bytes: &[u8]) -> Result<Response<Body>> {
        let config = request::from_yaml(bytes)?;
        let unknown = check_fields(call, &config)?;
        let api_version = call.resource.api_version();
        let apply = Apply {
            manager: call.query.get("fieldManager"),
            force: call.query.flag("force"),
            api_version: &api_version,
            subresource: &call.subresource,
        };
        let target = call.target();
        let status = call.subresource == "status";
        let (code, object) = if !status && self.registry.get(target).is_err() {
            let mut value = apply.apply(&json!({}), &config)?;
            if name_of(&value).is_empty() {
                value["metadata"]["name"] = json!(call.name);
            }
            let target = Target { name: "", ..target };
            (201, self.registry.create(target, value)?)
        } else {
            let update = |old: &Object| apply.apply(&old.value, &config);
            (200, self.registry.update_with(target, status, update)?)
        };
        Ok(with_warnings(written(call, code, &object), &unknown))
    }

    pub(super) async fn delete(
        &self,
        call: &Call,
        headers: &HeaderMap,
        body: RequestBody,
    ) -> Result<Response<Body>> {
        let options = delete_options(call, headers, body).await?;
        let dry_run = call.target().dry_run || options.dry_run.iter().any(|d| d == "All");
        let target = Target { dry_run, ..call.target() };
        Ok(deleted(call, self.registry.delete(target, &options)?))
    }

    pub(super) async fn delete_collection(
        &self,
        call: &Call,
        headers: &HeaderMap,
        body: RequestBody,
    ) -> Result<Response<Body>> {
        if call.resource.namespaced && call.namespace.is_empty() {
            return Err(Status::method_not_allowed());
        }
        let options = delete_options(call, headers, body).await?;
        let selector = call.selector()?;
        let (rv, objects) = self.registry.store.list(call.resource, call.list_namespace());
        let mut items = Vec::new();
        for object in objects.iter().filter(|o| selector.matches(&o.version)) {
            let target =
                Target { namespace: object.namespace(), name: object.name(), ..call.target() };
            match self.registry.delete(target, &options) {
                Ok(_) => items.push(object.value.clone()),
                // Someone else was faster.
                Err(status) if status.code == 404 => {}
                Err(status) => return Err(status),
            }
        }
        Ok(answer::value(
            200,
            &json!({
                "kind": format!("{}List", call.resource.kind),
                "apiVersion": call.resource.api_version(),
                "metadata": {"resourceVersion": rv.to_string()},
                "items": items,
            }),
        ))
    }
}

/// DeleteOptions of the body, or of the query where there is none.
pub(super) async fn delete_options(
    call: &Call,
    headers: &HeaderMap,
    body: RequestBody,
) -> Result<DeleteOptions> {
    let body = request::read_body(headers, body).await?;
    let mut options = if body.is_null() { DeleteOptions::default() } else { options_of(&body)? };
    if let Ok(Some(seconds)) = call.query.number("gracePeriodSeconds") {
        options.grace_period_seconds = i64::try_from(seconds).ok();
    }
    let policy = call.query.get("propagationPolicy");
    if !policy.is_empty() {
        options.propagation_policy = Some(policy.to_owned());
    }
    match options.propagation_policy.as_deref() {
        None | Some("Foreground" | "Background" | "Orphan") => Ok(options),
        Some(other) => {
            let message = format!("invalid propagationPolicy {other:?}");
            Err(Status::new(422, "Invalid", message))
        }
    }
}

/// DeleteOptions of a JSON value; nulls count as absent.
pub(super) fn options_of(value: &Value) -> Result<DeleteOptions> {
    let mut value = value.clone();
    if let Some(fields) = value.as_object_mut() {
        fields.retain(|_, v| !v.is_null());
    }
    serde_json::from_value(value)
        .map_err(|e| Status::bad_request(format!("the body is not a DeleteOptions: {e}")))
}

/// Events of both groups are written through the core row.
fn stored(call: &Call) -> Target<'_> {
    let mut target = call.target();
    target.resource = &crate::resource::all()[call.resource.stored_as];
    target
}

fn to_stored(call: &Call, value: &mut Value) {
    if call.resource.is_new_events() {
        event::to_core(value);
    }
}

/// `fieldValidation`: Strict refuses unknown fields, Warn (the default) reports them.
fn check_fields(call: &Call, value: &Value) -> Result<Vec<String>> {
    let mode = call.query.get("fieldValidation");
    if mode == "Ignore" || call.resource.kind == "Event" {
        return Ok(Vec::new());
    }
    let unknown: Vec<String> = strict::unknown_fields(call.resource, value)
        .iter()
        .map(|path| format!("unknown field {path:?}"))
        .collect();
    if mode == "Strict" && !unknown.is_empty() {
        let message = format!("strict decoding error: {}", unknown.join(", "));
        return Err(Status::bad_request(message));
    }
    Ok(unknown)
}

fn with_warnings(mut response: Response<Body>, warnings: &[String]) -> Response<Body> {
    for warning in warnings {
        let text = format!("299 - \"{}\"", warning.replace('"', "\\\""));
        if let Ok(value) = HeaderValue::from_str(&text) {
            response.headers_mut().append(header::WARNING, value);
        }
    }
    response
}

/// A written object as the answer.
pub(super) fn written(call: &Call, code: u16, object: &Arc<Object>) -> Response<Body> {
    let media = if call.media == Media::Table { Media::Json } else { call.media };
    answer::json_bytes(code, present(call.resource, media, &object.version.json))
}

/// The answer to a deletion: the object, or `Status` when it is gone; pods always come back.
pub(super) fn deleted(call: &Call, deleted: Deleted) -> Response<Body> {
    match deleted {
        Deleted::Gone(object) if !call.resource.is_pods() => {
            answer::value(200, &answer::success(call.resource, object.name(), object.uid()))
        }
        Deleted::Gone(object) | Deleted::Waits(object) => written(call, 200, &object),
    }
}
