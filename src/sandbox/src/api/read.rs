//! GET of one object and LIST with pages.

use std::sync::Arc;

use bytes::{BufMut, Bytes, BytesMut};
use http::Response;
use serde_json::{Value, json};

use super::answer::{self, Body, present};
use super::request::{Call, Media};
use super::{Apiserver, table};
use crate::status::{Result, Status};
use crate::store::{Version, key};

impl Apiserver {
    pub(super) fn get(&self, call: &Call) -> Result<Response<Body>> {
        self.check_version_reached(call.query.number("resourceVersion")?)?;
        let object = self.registry.get(call.target())?;
        if call.media == Media::Table {
            let table = table::of(call, &[Arc::clone(&object.version)], &json!({}), true);
            return Ok(answer::value(200, &table));
        }
        Ok(answer::json_bytes(200, present(call.resource, call.media, &object.version.json)))
    }

    pub(super) fn list(&self, call: &Call) -> Result<Response<Body>> {
        let page = self.page(call)?;
        let mut metadata = json!({"resourceVersion": page.rv.to_string()});
        if let Some(last) = &page.next {
            metadata["continue"] = json!(format!("{}:{last}", page.rv));
            if let Some(left) = page.left {
                metadata["remainingItemCount"] = json!(left);
            }
        }
        if call.media == Media::Table {
            return Ok(answer::value(200, &table::of(call, &page.items, &metadata, true)));
        }
        Ok(answer::json_bytes(200, list_bytes(call, &metadata, &page.items)))
    }

    /// 504 for a resourceVersion that does not exist yet.
    fn check_version_reached(&self, wanted: Option<u64>) -> Result<()> {
        let current = self.registry.store.rv();
        let Some(wanted) = wanted.filter(|wanted| *wanted > current) else { return Ok(()) };
        let message = format!("Too large resource version: {wanted}, current: {current}");
        let mut status = Status::new(504, "Timeout", message);
        let cause =
            json!({"reason": "ResourceVersionTooLarge", "message": "Too large resource version"});
        status.details = json!({"causes": [cause], "retryAfterSeconds": 1});
        Err(status)
    }

    fn page(&self, call: &Call) -> Result<Page> {
        let store = &self.registry.store;
        let selector = call.selector()?;
        let limit = call.query.number("limit")?.and_then(|n| usize::try_from(n).ok());
        let limit = limit.filter(|n| *n > 0).unwrap_or(usize::MAX);
        let wanted = call.query.number("resourceVersion")?;
        let token = call.query.get("continue");
        let (rv, all, start) = if token.is_empty() {
            self.check_version_reached(wanted)?;
            let (rv, versions) = self.consistent(call, wanted)?;
            (rv, versions, 0)
        } else {
            if wanted.is_some_and(|rv| rv > 0) {
                let message = "specifying resource version is not allowed when using continue";
                return Err(Status::bad_request(message));
            }
            let malformed = || Status::bad_request("continue key is not valid");
            let (rv, last) = token.split_once(':').ok_or_else(malformed)?;
            let rv: u64 = rv.parse().map_err(|_| malformed())?;
            let expired = "The provided continue parameter is too old to display a consistent \
                list result. You must start a new list without the continue parameter.";
            let all = store.snapshot(call.resource, rv).ok_or_else(|| Status::expired(expired))?;
            let start = all.partition_point(|v| key(&v.namespace, &v.name).as_str() <= last);
            (rv, all, start)
        };
        let namespace = call.list_namespace();
        let selected =
            |v: &&Arc<Version>| namespace.is_none_or(|n| n == &*v.namespace) && selector.matches(v);
        let items: Vec<_> = all[start..].iter().filter(selected).take(limit).cloned().collect();
        let mut page = Page { rv, items, next: None, left: None };
        if let Some(last) = page.items.last().filter(|_| page.items.len() == limit) {
            let last = key(&last.namespace, &last.name);
            let end = all.partition_point(|v| key(&v.namespace, &v.name) <= last);
            let left = all[end..].iter().filter(selected).count();
            if left > 0 {
                store.keep_snapshot(call.resource, rv, &all);
                page.left = selector.is_empty().then_some(left);
                page.next = Some(last);
            }
        }
        Ok(page)
    }

    /// The state a list without a `continue` token reads: the present, or exactly `wanted`.
    fn consistent(
        &self,
        call: &Call,
        wanted: Option<u64>,
    ) -> Result<(u64, Arc<Vec<Arc<Version>>>)> {
        let store = &self.registry.store;
        let exact = match call.query.get("resourceVersionMatch") {
            "" | "NotOlderThan" => false,
            "Exact" => true,
            other => {
                let message = format!("invalid resourceVersionMatch {other:?}");
                return Err(Status::new(422, "Invalid", message));
            }
        };
        let (rv, versions, _) = store.versions(call.resource, None);
        match wanted {
            Some(wanted) if exact && wanted != rv => {
                let kept = store.snapshot(call.resource, wanted);
                let message =
                    format!("The resourceVersion for the provided list is too old: {wanted}");
                kept.map(|kept| (wanted, kept)).ok_or_else(|| Status::expired(message))
            }
            _ => Ok((rv, Arc::new(versions))),
        }
    }
}

/// One page of a list.
struct Page {
    rv: u64,
    items: Vec<Arc<Version>>,
    /// Key of the last item, when more follow.
    next: Option<String>,
    /// How many follow; known only without selectors, as in the real server.
    left: Option<usize>,
}

/// The List object around the items' own bytes.
fn list_bytes(call: &Call, metadata: &Value, items: &[Arc<Version>]) -> Bytes {
    let (kind, api_version) = match call.media {
        Media::Metadata => ("PartialObjectMetadata", "meta.k8s.io/v1".to_owned()),
        _ => (call.resource.kind, call.resource.api_version()),
    };
    let size: usize = items.iter().map(|v| v.json.len() + 1).sum();
    let mut bytes = BytesMut::with_capacity(size + 256);
    let head = format!(
        "{{\"kind\":\"{kind}List\",\"apiVersion\":\"{api_version}\",\"metadata\":{metadata},\"items\":["
    );
    bytes.put_slice(head.as_bytes());
    for (i, version) in items.iter().enumerate() {
        if i > 0 {
            bytes.put_u8(b',');
        }
        bytes.put_slice(&present(call.resource, call.media, &version.json));
    }
    bytes.put_slice(b"]}\n");
    bytes.freeze()
}
