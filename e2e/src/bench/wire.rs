//! Watches in protobuf, and of pods and events only what is timed.
//!
//! Schedulers watch in protobuf; the API server encodes an object once for all watches of one
//! encoding, so ours costs it little. Tags: `k8s.io/api/{core,events}/v1/generated.proto`.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, ensure};
use bytes::{Buf as _, Bytes, BytesMut};
use http::header::ACCEPT;
use http_body_util::BodyExt as _;
use kube::Client;
use kube::client::Body;
use prost::Message;

/// What a protobuf document of Kubernetes begins with.
const MAGIC: &[u8] = b"k8s\0";

/// Largest frame: an object is at most 1.5 MiB in etcd.
const FRAME_MAX: usize = 4 << 20;

/// `runtime.Unknown`.
#[derive(Clone, PartialEq, Eq, Message)]
struct Unknown {
    #[prost(bytes = "bytes", tag = "2")]
    raw: Bytes,
}

/// `metav1.WatchEvent`.
#[derive(Clone, PartialEq, Eq, Message)]
struct Frame {
    #[prost(string, tag = "1")]
    verb: String,
    #[prost(message, optional, tag = "2")]
    object: Option<RawExtension>,
}

#[derive(Clone, PartialEq, Eq, Message)]
struct RawExtension {
    #[prost(bytes = "bytes", tag = "1")]
    raw: Bytes,
}

/// Part of ObjectMeta.
#[derive(Clone, PartialEq, Eq, Message)]
pub(super) struct Metadata {
    #[prost(string, tag = "5")]
    pub(super) uid: String,
    #[prost(string, tag = "6")]
    pub(super) resource_version: String,
}

/// Part of Pod.
#[derive(Clone, PartialEq, Eq, Message)]
pub(super) struct Pod {
    #[prost(message, optional, tag = "1")]
    pub(super) metadata: Option<Metadata>,
    #[prost(message, optional, tag = "2")]
    pub(super) spec: Option<PodSpec>,
    #[prost(message, optional, tag = "3")]
    pub(super) status: Option<PodStatus>,
}

/// Part of PodSpec.
#[derive(Clone, PartialEq, Eq, Message)]
pub(super) struct PodSpec {
    #[prost(string, tag = "10")]
    pub(super) node_name: String,
}

/// Part of PodStatus.
#[derive(Clone, PartialEq, Eq, Message)]
pub(super) struct PodStatus {
    #[prost(message, repeated, tag = "2")]
    pub(super) conditions: Vec<Condition>,
}

/// Part of PodCondition.
#[derive(Clone, PartialEq, Eq, Message)]
pub(super) struct Condition {
    #[prost(string, tag = "1")]
    pub(super) kind: String,
}

/// Part of `events.k8s.io/v1` Event.
#[derive(Clone, PartialEq, Eq, Message)]
pub(super) struct Event {
    #[prost(message, optional, tag = "1")]
    pub(super) metadata: Option<Metadata>,
    #[prost(message, optional, tag = "2")]
    pub(super) event_time: Option<MicroTime>,
    #[prost(string, tag = "7")]
    pub(super) reason: String,
    #[prost(message, optional, tag = "8")]
    pub(super) regarding: Option<Reference>,
}

/// `metav1.MicroTime`: since 1970.
#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub(super) struct MicroTime {
    #[prost(int64, tag = "1")]
    pub(super) seconds: i64,
    #[prost(int32, tag = "2")]
    pub(super) nanos: i32,
}

impl MicroTime {
    /// How long before `now` it was, by the clock of one machine; nothing of a time to come.
    pub(super) fn age(self, now: SystemTime) -> Option<Duration> {
        let seconds = u64::try_from(self.seconds).ok()?;
        let time = Duration::new(seconds, u32::try_from(self.nanos).ok()?);
        now.duration_since(UNIX_EPOCH.checked_add(time)?).ok()
    }
}

/// Part of ObjectReference.
#[derive(Clone, PartialEq, Eq, Message)]
pub(super) struct Reference {
    #[prost(string, tag = "4")]
    pub(super) uid: String,
}

/// What a change did to an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verb {
    /// Added or modified.
    Set,
    /// Deleted.
    Gone,
    /// Only the place in the history is told.
    Bookmark,
}

/// An object type of a watch.
pub(super) trait Watched: Message + Default {
    /// Its metadata.
    fn metadata(&self) -> Option<&Metadata>;
}

impl Watched for Pod {
    fn metadata(&self) -> Option<&Metadata> {
        self.metadata.as_ref()
    }
}

impl Watched for Event {
    fn metadata(&self) -> Option<&Metadata> {
        self.metadata.as_ref()
    }
}

/// An open watch: bytes as they come, cut into frames.
#[derive(Debug)]
pub(super) struct Stream {
    body: Body,
    buffer: BytesMut,
}

impl Stream {
    /// Opens a watch of `path` (without query) from a place in the history.
    pub(super) async fn open(client: &Client, path: &str, version: &str) -> Result<Self> {
        let uri = format!("{path}?watch=1&allowWatchBookmarks=true&resourceVersion={version}");
        let request = http::Request::get(&uri)
            .header(ACCEPT, "application/vnd.kubernetes.protobuf")
            .body(Body::empty())?;
        let response = client.send(request).await.with_context(|| uri.clone())?;
        ensure!(response.status().is_success(), "{uri}: {}", response.status());
        Ok(Self { body: response.into_body(), buffer: BytesMut::new() })
    }

    /// The next change; nothing when the server ends the watch.
    pub(super) async fn next<T: Watched>(&mut self) -> Result<Option<(Verb, T)>> {
        loop {
            if let Some(frame) = cut(&mut self.buffer)? {
                return decode(frame).map(Some);
            }
            let Some(part) = self.body.frame().await else { return Ok(None) };
            if let Ok(data) = part?.into_data() {
                self.buffer.extend_from_slice(&data);
            }
        }
    }

    /// Reads and throws away until the server ends the watch.
    pub(super) async fn drain(mut self) -> Result<()> {
        while let Some(part) = self.body.frame().await {
            part?;
        }
        Ok(())
    }
}

/// Takes a whole frame off the front: four bytes of length, then so many bytes
/// (`k8s.io/apimachinery/pkg/util/framer`).
fn cut(buffer: &mut BytesMut) -> Result<Option<Bytes>> {
    let Some(head) = buffer.first_chunk::<4>() else { return Ok(None) };
    let length = u32::from_be_bytes(*head) as usize;
    ensure!(length <= FRAME_MAX, "a frame of {length} bytes");
    if buffer.len() < 4 + length {
        return Ok(None);
    }
    buffer.advance(4);
    Ok(Some(buffer.split_to(length).freeze()))
}

fn decode<T: Watched>(frame: Bytes) -> Result<(Verb, T)> {
    let frame = Frame::decode(frame)?;
    let document = frame.object.unwrap_or_default().raw;
    let verb = match frame.verb.as_str() {
        "ADDED" | "MODIFIED" => Verb::Set,
        "DELETED" => Verb::Gone,
        "BOOKMARK" => Verb::Bookmark,
        other => anyhow::bail!("watch: {other}: {}", String::from_utf8_lossy(&document)),
    };
    ensure!(document.starts_with(MAGIC), "watch: a document that is no protobuf of Kubernetes");
    let unknown = Unknown::decode(document.slice(MAGIC.len()..))?;
    Ok((verb, T::decode(unknown.raw)?))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn framed(verb: &str, pod: &Pod) -> Vec<u8> {
        let unknown = Unknown { raw: pod.encode_to_vec().into() };
        let raw = [MAGIC, &unknown.encode_to_vec()].concat().into();
        let frame = Frame { verb: verb.to_owned(), object: Some(RawExtension { raw }) };
        let bytes = frame.encode_to_vec();
        [&u32::try_from(bytes.len()).unwrap().to_be_bytes()[..], &bytes].concat()
    }

    fn pod() -> Pod {
        Pod {
            metadata: Some(Metadata { uid: "u".to_owned(), resource_version: "7".to_owned() }),
            spec: Some(PodSpec { node_name: "n".to_owned() }),
            status: None,
        }
    }

    #[test]
    fn frames_come_in_pieces() {
        let bytes = [framed("ADDED", &pod()), framed("DELETED", &pod())].concat();
        let mut buffer = BytesMut::new();
        let mut seen = Vec::new();
        for byte in bytes {
            buffer.extend_from_slice(&[byte]);
            while let Some(frame) = cut(&mut buffer).unwrap() {
                seen.push(decode::<Pod>(frame).unwrap());
            }
        }
        assert_eq!(seen, [(Verb::Set, pod()), (Verb::Gone, pod())]);
    }

    #[test]
    fn errors_are_told() {
        let mut buffer = BytesMut::from(&framed("ERROR", &pod())[..]);
        let frame = cut(&mut buffer).unwrap().unwrap();
        assert!(decode::<Pod>(frame).unwrap_err().to_string().contains("ERROR"));
        assert!(cut(&mut BytesMut::from(&[0xff; 8][..])).is_err());
    }
}
