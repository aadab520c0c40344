//! TokenReview and SubjectAccessReview, answered truthfully: the sandbox knows one token, its
//! user is an administrator, and nobody else may do anything.

use http::{Method, Response};
use serde_json::{Value, json};

use super::Apiserver;
use super::answer::{self, Body};
use super::request::Call;
use crate::status::{Result, Status};

/// The user behind the sandbox's token.
const USER: &str = "sandbox-admin";
const GROUPS: &[&str] = &["system:masters", "system:authenticated"];

pub(super) fn answer(server: &Apiserver, call: &Call, mut body: Value) -> Result<Response<Body>> {
    if call.method != Method::POST || !call.name.is_empty() {
        return Err(Status::method_not_allowed());
    }
    if !body.is_object() || !(body["spec"].is_object() || body["spec"].is_null()) {
        let message = format!("the body must be a {} with a spec", call.resource.kind);
        return Err(Status::bad_request(message));
    }
    let spec = body["spec"].clone();
    let user = json!({"username": USER, "uid": USER, "groups": GROUPS});
    body["apiVersion"] = json!(call.resource.api_version());
    body["kind"] = json!(call.resource.kind);
    body["status"] = match call.resource.kind {
        "TokenReview" if spec["token"] == server.token.as_str() => {
            json!({"authenticated": true, "user": user})
        }
        "TokenReview" => json!({"authenticated": false, "error": "invalid bearer token"}),
        "SelfSubjectReview" => json!({"userInfo": user}),
        "SelfSubjectAccessReview" => json!({"allowed": true}),
        _ => access(&spec),
    };
    Ok(answer::value(201, &body))
}

fn access(spec: &Value) -> Value {
    let groups = spec["groups"].as_array().into_iter().flatten();
    let admin = spec["user"] == USER || groups.into_iter().any(|g| g == "system:masters");
    if admin {
        json!({"allowed": true})
    } else {
        json!({"allowed": false, "reason": "the sandbox knows only its own administrator"})
    }
}
