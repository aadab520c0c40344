//! Subresources other than `status`, which is a way to write the object itself.

use http::{HeaderMap, Method, Response};
use serde_json::{Value, json};

use super::Apiserver;
use super::answer::{self, Body};
use super::request::{self, Call, RequestBody};
use super::write;
use crate::registry::Target;
use crate::resource;
use crate::status::{Result, Status};

impl Apiserver {
    pub(super) async fn subresource(
        &self,
        call: &Call,
        headers: &HeaderMap,
        body: RequestBody,
    ) -> Result<Response<Body>> {
        match (call.subresource.as_str(), &call.method) {
            ("binding", &Method::POST) => {
                let binding = request::read_body(headers, body).await?;
                self.registry.bind(call.target(), &check_binding(call, binding)?)?;
                Ok(created())
            }
            ("eviction", &Method::POST) => {
                let eviction = request::read_body(headers, body).await?;
                let mut options = write::options_of(&eviction["deleteOptions"]);
                if eviction["deleteOptions"].is_null() {
                    options = Ok(crate::registry::DeleteOptions::default());
                }
                self.registry.evict(call.target(), &options?)?;
                Ok(created())
            }
            ("finalize", &Method::PUT) => {
                let value = request::read_body(headers, body).await?;
                self.finalize(call, &value)
            }
            ("log", &Method::GET) => {
                self.registry.get(call.target())?;
                let message = "the sandbox runs no containers, so its pods have no logs";
                Err(Status::new(501, "NotImplemented", message))
            }
            (name @ ("resize" | "ephemeralcontainers"), _) => {
                let message = format!("the sandbox does not play pods/{name}");
                Err(Status::new(501, "NotImplemented", message))
            }
            _ => Err(Status::method_not_allowed()),
        }
    }

    /// `PUT namespaces/{name}/finalize`: the finalizers of `spec`.
    fn finalize(&self, call: &Call, value: &Value) -> Result<Response<Body>> {
        let finalizers = value["spec"]["finalizers"].clone();
        let target = Target { resource: resource::namespaces(), ..call.target() };
        let object = self.registry.modify(target, |old| {
            let mut value = old.value.clone();
            if finalizers.is_null() {
                value["spec"] = json!({});
            } else {
                value["spec"]["finalizers"] = finalizers.clone();
            }
            Ok(Some(value))
        })?;
        Ok(write::written(call, 200, &object))
    }
}

/// The Binding names the pod of the path, if it names one.
fn check_binding(call: &Call, binding: Value) -> Result<Value> {
    let name = binding.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default();
    if !binding.is_object() || (!name.is_empty() && name != call.name) {
        let message =
            format!("name in URL ({}) does not match name in Binding object: {name}", call.name);
        return Err(Status::bad_request(message));
    }
    Ok(binding)
}

fn created() -> Response<Body> {
    let status = json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201,
    });
    answer::value(201, &status)
}
