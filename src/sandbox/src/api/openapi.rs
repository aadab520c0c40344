//! `/openapi/v3`: enough for kubectl to see which parameters PATCH takes (`fieldValidation`,
//! `dryRun`) and that every kind is known. Schemas are open: the server itself checks fields.

use http::Response;
use serde_json::{Map, Value, json};

use super::answer::{self, Body};
use crate::offer::Offer;
use crate::resource::Resource;
use crate::status::{Result, Status};

/// Answers `/openapi/v3` and `/openapi/v3/{api/v1,apis/GROUP/VERSION}`.
pub(super) fn answer(offer: &Offer, path: &[String]) -> Result<Response<Body>> {
    let parts: Vec<&str> = path.iter().map(String::as_str).collect();
    let value = match parts[..] {
        ["openapi", "v3"] => index(offer),
        ["openapi", "v3", "api", version] => document(offer, "", version)?,
        ["openapi", "v3", "apis", group, version] => document(offer, group, version)?,
        // kubectl falls back from /openapi/v2 to its built-in types.
        _ => return Err(Status::no_such_path()),
    };
    Ok(answer::value(200, &value))
}

fn index(offer: &Offer) -> Value {
    let mut paths = Map::new();
    let mut add = |path: String| {
        // What a document says of a resource never changes, so neither does the hash.
        let url = format!("/openapi/v3/{path}?hash={}", env!("CARGO_PKG_VERSION"));
        paths.insert(path, json!({"serverRelativeURL": url}));
    };
    add("api/v1".to_owned());
    offer.groups().into_iter().for_each(|group| add(format!("apis/{group}/v1")));
    json!({"paths": paths})
}

fn document(offer: &Offer, group: &str, version: &str) -> Result<Value> {
    let (mut paths, mut schemas) = (Map::new(), Map::new());
    for row in offer.rows_of(group, version) {
        let gvk = json!({"group": group, "version": version, "kind": row.kind});
        let schema = format!(
            "io.k8s.api.{}.{version}.{}",
            if group.is_empty() { "core" } else { group },
            row.kind
        );
        schemas.insert(
            schema.clone(),
            json!({
                "type": "object",
                "x-kubernetes-group-version-kind": [gvk],
                "x-kubernetes-preserve-unknown-fields": true,
            }),
        );
        let reference = json!({"$ref": format!("#/components/schemas/{schema}")});
        add_paths(&mut paths, row, &gvk, &reference);
    }
    if paths.is_empty() {
        return Err(Status::no_such_path());
    }
    Ok(json!({
        "openapi": "3.0.0",
        "info": {"title": "Kubernetes", "version": "v1.37.2"},
        "paths": paths,
        "components": {"schemas": schemas},
    }))
}

fn add_paths(paths: &mut Map<String, Value>, row: &Resource, gvk: &Value, schema: &Value) {
    let base = if row.group.is_empty() {
        "/api/v1".to_owned()
    } else {
        format!("/apis/{}/{}", row.group, row.version)
    };
    let space = if row.namespaced { "/namespaces/{namespace}" } else { "" };
    let collection = format!("{base}{space}/{}", row.plural);
    let create = operation("post", gvk, schema, &["application/json"]);
    paths.insert(collection.clone(), json!({"post": create}));
    if row.review {
        return;
    }
    let patch = operation(
        "patch",
        gvk,
        schema,
        &[
            "application/json-patch+json",
            "application/merge-patch+json",
            "application/apply-patch+yaml",
        ],
    );
    let item = json!({
        "get": operation("get", gvk, schema, &[]),
        "put": operation("put", gvk, schema, &["application/json"]),
        "patch": patch,
        "delete": operation("delete", gvk, schema, &["application/json"]),
    });
    paths.insert(format!("{collection}/{{name}}"), item);
}

/// One operation. Strategic merge is left out of PATCH on purpose: kubectl would compute such
/// patches from these open schemas; without it, it uses its built-in types.
fn operation(action: &str, gvk: &Value, schema: &Value, bodies: &[&str]) -> Value {
    let parameter = |name: &str| json!({"name": name, "in": "query", "schema": {"type": "string", "uniqueItems": true}});
    let mut operation = json!({
        "x-kubernetes-action": action,
        "x-kubernetes-group-version-kind": gvk,
        "responses": {"200": {"description": "OK", "content": {"application/json": {"schema": schema}}}},
    });
    if !bodies.is_empty() {
        let names = ["dryRun", "fieldManager", "fieldValidation", "force"];
        operation["parameters"] = names.into_iter().map(parameter).collect();
        let content: Map<String, Value> =
            bodies.iter().map(|b| ((*b).to_owned(), json!({"schema": schema}))).collect();
        operation["requestBody"] = json!({"content": content});
    }
    operation
}
