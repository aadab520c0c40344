//! Bodies of writes as protobuf: what kube-scheduler's client sends by default. The API server
//! reads it at a fraction of what JSON costs it, and it is the server that limits the binds.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use bytes::Bytes;
use prost::Message;

/// Media type of protobuf.
pub(crate) const PROTOBUF: &str = "application/vnd.kubernetes.protobuf";

/// What a protobuf document of Kubernetes begins with.
const MAGIC: &[u8] = b"k8s\0";

/// `runtime.Unknown`.
#[derive(Clone, PartialEq, Eq, Message)]
struct Unknown {
    #[prost(message, optional, tag = "1")]
    type_meta: Option<TypeMeta>,
    #[prost(bytes = "bytes", tag = "2")]
    raw: Bytes,
}

/// `runtime.TypeMeta`.
#[derive(Clone, PartialEq, Eq, Message)]
struct TypeMeta {
    #[prost(string, tag = "1")]
    api_version: String,
    #[prost(string, tag = "2")]
    kind: String,
}

/// `metav1.ObjectMeta`, as far as it is written.
#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct ObjectMeta {
    #[prost(string, tag = "1")]
    pub(crate) name: String,
    #[prost(string, tag = "3")]
    pub(crate) namespace: String,
    #[prost(string, tag = "5")]
    pub(crate) uid: String,
    #[prost(string, tag = "6")]
    pub(crate) resource_version: String,
}

/// `v1.ObjectReference`, as far as it is written.
#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct ObjectReference {
    #[prost(string, tag = "1")]
    pub(crate) kind: String,
    #[prost(string, tag = "2")]
    pub(crate) namespace: String,
    #[prost(string, tag = "3")]
    pub(crate) name: String,
    #[prost(string, tag = "4")]
    pub(crate) uid: String,
    #[prost(string, tag = "5")]
    pub(crate) api_version: String,
}

/// An object in its envelope.
pub(crate) fn document(api_version: &str, kind: &str, object: &impl Message) -> Vec<u8> {
    let type_meta = TypeMeta { api_version: api_version.to_owned(), kind: kind.to_owned() };
    let raw = object.encode_to_vec().into();
    let unknown = Unknown { type_meta: Some(type_meta), raw };
    let mut bytes = Vec::with_capacity(MAGIC.len() + unknown.encoded_len());
    bytes.extend_from_slice(MAGIC);
    bytes.extend_from_slice(&unknown.encode_to_vec());
    bytes
}

/// The content of an envelope; `None` where there is none.
pub(crate) fn content(document: &[u8]) -> Option<Bytes> {
    Unknown::decode(document.strip_prefix(MAGIC)?).ok().map(|unknown| unknown.raw)
}

/// The format of a lane's bodies: protobuf, until the server says that it reads none.
#[derive(Debug)]
pub(crate) struct BodyFormat(AtomicBool);

impl BodyFormat {
    pub(crate) fn new(protobuf: bool) -> Self {
        Self(AtomicBool::new(protobuf))
    }

    pub(crate) fn is_protobuf(&self) -> bool {
        self.0.load(Relaxed)
    }

    /// Whether the answer's code says that a body in protobuf is not read (415): the request was
    /// not carried out and is to be sent again, as JSON from here on.
    pub(crate) fn is_refused(&self, status: u16, was_protobuf: bool) -> bool {
        let refused = was_protobuf && status == 415;
        if refused {
            self.0.store(false, Relaxed);
        }
        refused
    }
}
