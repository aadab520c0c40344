//! Discovery: which groups, versions and resources there are, aggregated
//! (`apidiscovery.k8s.io/v2`) and as the older lists per group.

use http::{HeaderValue, Response, header};
use serde_json::{Value, json};

use super::answer::{self, Body};
use crate::offer::Offer;
use crate::resource::Resource;
use crate::status::{Result, Status};

const VERBS: &[&str] =
    &["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];

/// Answers `/api…` and `/apis…` above the resources.
pub(super) fn answer(offer: &Offer, path: &[String], aggregated: bool) -> Result<Response<Body>> {
    let parts: Vec<&str> = path.iter().map(String::as_str).collect();
    let value = match parts[..] {
        [] => root(offer),
        ["api"] if aggregated => return Ok(aggregated_list(offer, true)),
        ["apis"] if aggregated => return Ok(aggregated_list(offer, false)),
        ["api"] => json!({
            "kind": "APIVersions",
            "versions": ["v1"],
            "serverAddressByClientCIDRs": [],
        }),
        ["apis"] => json!({
            "kind": "APIGroupList",
            "apiVersion": "v1",
            "groups": offer.groups().into_iter().map(group).collect::<Vec<_>>(),
        }),
        ["apis", name] => {
            let known = offer.groups().into_iter().find(|g| *g == name);
            let mut group = group(known.ok_or_else(Status::no_such_path)?);
            group["kind"] = json!("APIGroup");
            group["apiVersion"] = json!("v1");
            group
        }
        ["api", version] => resource_list(offer, "", version)?,
        ["apis", group, version] => resource_list(offer, group, version)?,
        _ => return Err(Status::no_such_path()),
    };
    Ok(answer::value(200, &value))
}

fn root(offer: &Offer) -> Value {
    let mut paths = vec!["/api".to_owned(), "/api/v1".to_owned(), "/apis".to_owned()];
    for group in offer.groups() {
        paths.push(format!("/apis/{group}"));
        paths.push(format!("/apis/{group}/v1"));
    }
    for path in ["/healthz", "/livez", "/openapi/v3", "/readyz", "/version"] {
        paths.push(path.to_owned());
    }
    json!({"paths": paths})
}

fn group(name: &str) -> Value {
    let version = json!({"groupVersion": format!("{name}/v1"), "version": "v1"});
    json!({"name": name, "versions": [version], "preferredVersion": version})
}

fn verbs(resource: &Resource) -> &'static [&'static str] {
    if resource.review { &["create"] } else { VERBS }
}

/// Kind and verbs of a subresource.
fn subresource(resource: &Resource, name: &str) -> (Value, &'static [&'static str]) {
    let kind = |group: &str, kind: &str| json!({"group": group, "version": "v1", "kind": kind});
    match name {
        "binding" => (kind("", "Binding"), &["create"]),
        "eviction" => (kind("policy", "Eviction"), &["create"]),
        "log" => (kind(resource.group, resource.kind), &["get"]),
        "finalize" => (kind(resource.group, resource.kind), &["update"]),
        _ => (kind(resource.group, resource.kind), &["get", "patch", "update"]),
    }
}

fn resource_list(offer: &Offer, group: &str, version: &str) -> Result<Value> {
    let mut list = Vec::new();
    for row in offer.rows_of(group, version) {
        let mut entry = json!({
            "name": row.plural,
            "singularName": row.singular,
            "namespaced": row.namespaced,
            "kind": row.kind,
            "verbs": verbs(row),
        });
        if !row.short.is_empty() {
            entry["shortNames"] = json!(row.short);
        }
        if row.in_all {
            entry["categories"] = json!(["all"]);
        }
        list.push(entry);
        for name in row.subresources {
            let (kind, verbs) = subresource(row, name);
            let mut entry = json!({
                "name": format!("{}/{name}", row.plural),
                "singularName": "",
                "namespaced": row.namespaced,
                "kind": kind["kind"],
                "verbs": verbs,
            });
            if kind["group"] != row.group {
                entry["group"] = kind["group"].clone();
                entry["version"] = kind["version"].clone();
            }
            list.push(entry);
        }
    }
    if list.is_empty() {
        return Err(Status::no_such_path());
    }
    let group_version =
        if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") };
    Ok(json!({
        "kind": "APIResourceList",
        "apiVersion": "v1",
        "groupVersion": group_version,
        "resources": list,
    }))
}

fn aggregated_list(offer: &Offer, core: bool) -> Response<Body> {
    let items: Vec<Value> = if core {
        vec![aggregated_group(offer, "")]
    } else {
        offer.groups().into_iter().map(|group| aggregated_group(offer, group)).collect()
    };
    let mut response = answer::value(
        200,
        &json!({
            "kind": "APIGroupDiscoveryList",
            "apiVersion": "apidiscovery.k8s.io/v2",
            "metadata": {},
            "items": items,
        }),
    );
    let media = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(media));
    response
}

fn aggregated_group(offer: &Offer, group: &str) -> Value {
    let resources: Vec<Value> =
        offer.rows_of(group, "v1").into_iter().map(aggregated_resource).collect();
    let metadata = if group.is_empty() { json!({}) } else { json!({"name": group}) };
    json!({
        "metadata": metadata,
        "versions": [{"version": "v1", "freshness": "Current", "resources": resources}],
    })
}

fn aggregated_resource(row: &'static Resource) -> Value {
    let subresources: Vec<Value> = row
        .subresources
        .iter()
        .map(|name| {
            let (kind, verbs) = subresource(row, name);
            json!({"subresource": name, "responseKind": kind, "verbs": verbs})
        })
        .collect();
    let mut entry = json!({
        "resource": row.plural,
        "responseKind": {"group": row.group, "version": row.version, "kind": row.kind},
        "scope": if row.namespaced { "Namespaced" } else { "Cluster" },
        "singularResource": row.singular,
        "verbs": verbs(row),
    });
    if !row.short.is_empty() {
        entry["shortNames"] = json!(row.short);
    }
    if row.in_all {
        entry["categories"] = json!(["all"]);
    }
    if !subresources.is_empty() {
        entry["subresources"] = json!(subresources);
    }
    entry
}
