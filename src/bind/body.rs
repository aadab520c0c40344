//! `v1.Binding` as it is posted, in JSON and in protobuf.

use prost::Message;
use serde::Serialize;

use super::Bind;
use crate::client::protobuf::{self, ObjectMeta, ObjectReference, PROTOBUF};

/// `v1.Binding`, field order as in Kubernetes' own JSON.
#[derive(Serialize)]
struct BindingBody<'a> {
    kind: &'static str,
    #[serde(rename = "apiVersion")]
    api_version: &'static str,
    metadata: BindingMetadata<'a>,
    target: BindingTarget<'a>,
}

#[derive(Serialize)]
struct BindingMetadata<'a> {
    name: &'a str,
    namespace: &'a str,
    /// A namesake made since is refused with 409.
    uid: &'a str,
    /// A pod that has changed since is refused with 409 (`BindingREST.setPodNodeAndMetadata` in
    /// `pkg/registry/core/pod/storage/storage.go` makes both a precondition of its update).
    #[serde(rename = "resourceVersion", skip_serializing_if = "str::is_empty")]
    resource_version: &'a str,
}

#[derive(Serialize)]
struct BindingTarget<'a> {
    kind: &'static str,
    name: &'a str,
}

/// `v1.Binding` in protobuf.
#[derive(Clone, PartialEq, Eq, Message)]
struct Binding {
    #[prost(message, optional, tag = "1")]
    metadata: Option<ObjectMeta>,
    #[prost(message, optional, tag = "2")]
    target: Option<ObjectReference>,
}

/// The body and its media type. The pod must still have `version`; 0 is any.
///
/// # Errors
/// JSON cannot be written.
pub(super) fn body(
    bind: &Bind,
    version: u64,
    protobuf: bool,
) -> Result<(&'static str, Vec<u8>), serde_json::Error> {
    let key = &bind.pod.key;
    let version = if version == 0 { String::new() } else { version.to_string() };
    if protobuf {
        let binding = Binding {
            metadata: Some(ObjectMeta {
                name: key.name.to_string(),
                namespace: key.namespace.to_string(),
                uid: bind.pod.uid.to_string(),
                resource_version: version,
            }),
            target: Some(ObjectReference {
                kind: "Node".to_owned(),
                name: bind.node.to_string(),
                ..ObjectReference::default()
            }),
        };
        return Ok((PROTOBUF, protobuf::document("v1", "Binding", &binding)));
    }
    let json = serde_json::to_vec(&BindingBody {
        kind: "Binding",
        api_version: "v1",
        metadata: BindingMetadata {
            name: &key.name,
            namespace: &key.namespace,
            uid: &bind.pod.uid,
            resource_version: &version,
        },
        target: BindingTarget { kind: "Node", name: &bind.node },
    })?;
    Ok(("application/json", json))
}
