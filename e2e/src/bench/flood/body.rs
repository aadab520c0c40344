//! Bindings and events in protobuf, with the fields that Berth's have, encoded beforehand.
//!
//! Tags: `k8s.io/api/{core,events}/v1/generated.proto`.

use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use bytes::Bytes;
use http::Uri;
use prost::Message;

use crate::bench::creation::Created;

/// What a protobuf document of Kubernetes begins with.
const MAGIC: &[u8] = b"k8s\0";

const REPORTER: &str = "flood";

/// A request, whole but for its headers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Post {
    pub(super) path: Uri,
    pub(super) body: Bytes,
}

/// `runtime.Unknown`.
#[derive(Clone, PartialEq, Eq, Message)]
pub(super) struct Unknown {
    #[prost(message, optional, tag = "1")]
    pub(super) type_meta: Option<TypeMeta>,
    #[prost(bytes = "bytes", tag = "2")]
    pub(super) raw: Bytes,
}

/// `runtime.TypeMeta`.
#[derive(Clone, PartialEq, Eq, Message)]
pub(super) struct TypeMeta {
    #[prost(string, tag = "1")]
    pub(super) api_version: String,
    #[prost(string, tag = "2")]
    pub(super) kind: String,
}

/// `metav1.ObjectMeta`, as far as it is written.
#[derive(Clone, PartialEq, Eq, Message)]
pub(super) struct ObjectMeta {
    #[prost(string, tag = "1")]
    pub(super) name: String,
    #[prost(string, tag = "3")]
    pub(super) namespace: String,
    #[prost(string, tag = "5")]
    pub(super) uid: String,
}

/// `v1.ObjectReference`, as far as it is written.
#[derive(Clone, PartialEq, Eq, Message)]
pub(super) struct ObjectReference {
    #[prost(string, tag = "1")]
    pub(super) kind: String,
    #[prost(string, tag = "2")]
    pub(super) namespace: String,
    #[prost(string, tag = "3")]
    pub(super) name: String,
    #[prost(string, tag = "4")]
    pub(super) uid: String,
    #[prost(string, tag = "5")]
    pub(super) api_version: String,
}

/// `v1.Binding`.
#[derive(Clone, PartialEq, Eq, Message)]
pub(super) struct Binding {
    #[prost(message, optional, tag = "1")]
    pub(super) metadata: Option<ObjectMeta>,
    #[prost(message, optional, tag = "2")]
    pub(super) target: Option<ObjectReference>,
}

/// `events.k8s.io/v1.Event`, as far as it is written.
#[derive(Clone, PartialEq, Eq, Message)]
pub(super) struct Event {
    #[prost(message, optional, tag = "1")]
    pub(super) metadata: Option<ObjectMeta>,
    #[prost(message, optional, tag = "2")]
    pub(super) event_time: Option<MicroTime>,
    #[prost(string, tag = "4")]
    pub(super) reporting_controller: String,
    #[prost(string, tag = "5")]
    pub(super) reporting_instance: String,
    #[prost(string, tag = "6")]
    pub(super) action: String,
    #[prost(string, tag = "7")]
    pub(super) reason: String,
    #[prost(message, optional, tag = "8")]
    pub(super) regarding: Option<ObjectReference>,
    #[prost(string, tag = "10")]
    pub(super) note: String,
    #[prost(string, tag = "11")]
    pub(super) kind: String,
}

/// `metav1.MicroTime`, of which Go reads whole microseconds only.
#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub(super) struct MicroTime {
    #[prost(int64, tag = "1")]
    pub(super) seconds: i64,
    #[prost(int32, tag = "2")]
    pub(super) nanos: i32,
}

/// The POST that puts a pod on a node.
pub(super) fn binding(pod: &Created, node: &str) -> Result<Post> {
    let path = format!("/api/v1/namespaces/{}/pods/{}/binding", pod.namespace, pod.name);
    let binding = Binding {
        metadata: Some(ObjectMeta {
            name: pod.name.clone(),
            namespace: pod.namespace.clone(),
            uid: pod.uid.clone(),
        }),
        target: Some(ObjectReference {
            kind: "Node".to_owned(),
            name: node.to_owned(),
            ..ObjectReference::default()
        }),
    };
    post(&path, "v1", "Binding", &binding)
}

/// The POST of the event behind it.
pub(super) fn event(pod: &Created, node: &str) -> Result<Post> {
    let path = format!("/apis/events.k8s.io/v1/namespaces/{}/events", pod.namespace);
    let time = SystemTime::now().duration_since(UNIX_EPOCH).context("a clock before 1970")?;
    let nanos = i32::try_from(time.subsec_micros() * 1_000)?;
    let event = Event {
        metadata: Some(ObjectMeta {
            name: format!("{}.{:x}", pod.name, time.as_nanos()),
            namespace: pod.namespace.clone(),
            uid: String::new(),
        }),
        event_time: Some(MicroTime { seconds: i64::try_from(time.as_secs())?, nanos }),
        reporting_controller: REPORTER.to_owned(),
        reporting_instance: format!("{REPORTER}-bench"),
        action: "Binding".to_owned(),
        reason: "Scheduled".to_owned(),
        regarding: Some(ObjectReference {
            kind: "Pod".to_owned(),
            namespace: pod.namespace.clone(),
            name: pod.name.clone(),
            uid: pod.uid.clone(),
            api_version: "v1".to_owned(),
        }),
        note: format!("Successfully assigned {}/{} to {node}", pod.namespace, pod.name),
        kind: "Normal".to_owned(),
    };
    post(&path, "events.k8s.io/v1", "Event", &event)
}

fn post(path: &str, api_version: &str, kind: &str, object: &impl Message) -> Result<Post> {
    let type_meta = TypeMeta { api_version: api_version.to_owned(), kind: kind.to_owned() };
    let raw = object.encode_to_vec().into();
    let unknown = Unknown { type_meta: Some(type_meta), raw };
    let body = [MAGIC, &unknown.encode_to_vec()].concat().into();
    Ok(Post { path: path.parse().with_context(|| path.to_owned())?, body })
}

#[cfg(test)]
pub(super) mod tests {
    #![allow(clippy::unwrap_used)]
    use std::collections::BTreeMap;
    use std::time::Instant;

    use super::*;

    pub(in crate::bench::flood) fn pod(name: &str) -> Created {
        Created {
            namespace: "ns".to_owned(),
            name: name.to_owned(),
            uid: "u-1".to_owned(),
            labels: BTreeMap::new(),
            posted: Instant::now(),
            acknowledged: Instant::now(),
        }
    }

    fn content<T: Message + Default>(post: &Post, api_version: &str, kind: &str) -> T {
        let unknown = Unknown::decode(post.body.strip_prefix(MAGIC).unwrap()).unwrap();
        let type_meta = unknown.type_meta.unwrap();
        assert_eq!((&*type_meta.api_version, &*type_meta.kind), (api_version, kind));
        T::decode(unknown.raw).unwrap()
    }

    #[test]
    fn a_binding_names_pod_and_node() {
        let post = binding(&pod("p"), "n").unwrap();
        assert_eq!(post.path, "/api/v1/namespaces/ns/pods/p/binding");
        let binding: Binding = content(&post, "v1", "Binding");
        assert_eq!(binding.metadata.unwrap().uid, "u-1");
        let target = binding.target.unwrap();
        assert_eq!((&*target.kind, &*target.name), ("Node", "n"));
    }

    #[test]
    fn an_event_is_as_berth_writes_it() {
        let post = event(&pod("p"), "n").unwrap();
        assert_eq!(post.path, "/apis/events.k8s.io/v1/namespaces/ns/events");
        let event: Event = content(&post, "events.k8s.io/v1", "Event");
        assert!(event.metadata.unwrap().name.starts_with("p."));
        assert_eq!(event.event_time.unwrap().nanos % 1_000, 0);
        assert_eq!(event.note, "Successfully assigned ns/p to n");
        assert_eq!((&*event.reason, &*event.kind), ("Scheduled", "Normal"));
        assert_eq!(event.regarding.unwrap().uid, "u-1");
    }
}
