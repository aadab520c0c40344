//! What a server is told to answer, and who follows it.

use std::sync::Arc;
use std::time::Duration;

use berth_engine::Input;
use bytes::Bytes;
use prost::Message;
use tokio::sync::{mpsc, watch};

use super::server::{Answer, End, Server};
use crate::watch::feed::Feed;
use crate::watch::follower::Follower;
use crate::watch::proto::{List, MAGIC, RawExtension, Unknown, WatchEvent};
use crate::watch::request::Source;
use crate::watch::state::StateCell;
use crate::watch::wire::meta::{ListMeta, ObjectMeta, PartialObject};
use crate::watch::{Batch, Format, Kind, KindState, States, WatchStats};

const PROTOBUF: &str = "application/vnd.kubernetes.protobuf";

pub(super) struct Followed {
    pub(super) inputs: mpsc::Receiver<Batch>,
    pub(super) states: watch::Receiver<States>,
    pub(super) stats: Arc<WatchStats>,
    pub(super) kind: Kind,
}

pub(super) fn follow(server: &Server, kind: Kind, format: Format) -> Followed {
    follow_with(server, kind, format, |follower| follower)
}

pub(super) fn follow_with(
    server: &Server,
    kind: Kind,
    format: Format,
    set_up: impl FnOnce(Follower) -> Follower,
) -> Followed {
    let (sender, inputs) = mpsc::channel(4);
    let (states_sender, states) = watch::channel(States::default());
    let stats = Arc::new(WatchStats::default());
    let source = Source { client: server.client(), format, page_size: 2 };
    let state = StateCell::new(kind, Arc::new(states_sender));
    let feed = Feed::new(kind, sender, Arc::clone(&stats));
    tokio::spawn(set_up(Follower::new(source, state, feed, kind, 1)).run());
    Followed { inputs, states, stats, kind }
}

impl Followed {
    /// The next `count` inputs in short form. The limit is no measure, it ends a broken test.
    pub(super) async fn next(&mut self, count: usize) -> Vec<String> {
        let mut seen = Vec::new();
        while seen.len() < count {
            let batch = tokio::time::timeout(Duration::from_secs(60), self.inputs.recv()).await;
            seen.extend(batch.expect("inputs in time").expect("a sender").iter().map(short));
        }
        seen
    }

    pub(super) fn state(&self) -> KindState {
        self.states.borrow().of(self.kind).clone()
    }
}

pub(super) fn short(input: &Input) -> String {
    match input {
        Input::PodApplied(pod) => format!("+{} {}", pod.name, pod.priority),
        Input::PodDeleted { key, uid } => format!("-{} {uid}", key.name),
        Input::NodeApplied(node) => format!("+{} {}", node.name, node.unschedulable),
        Input::NodeDeleted { name } => format!("-{name}"),
        other => format!("{other:?}"),
    }
}

/// A pod in protobuf; the priority stands for its content.
pub(super) fn pod(name: &str, version: u64, priority: i32) -> Bytes {
    let metadata = ObjectMeta {
        name: Some(name.into()),
        namespace: Some("n".into()),
        uid: Some(format!("uid-{name}")),
        resource_version: Some(version.to_string()),
        ..ObjectMeta::default()
    };
    let spec =
        crate::watch::wire::pod_spec::PodSpec { priority: Some(priority), ..Default::default() };
    let pod =
        crate::watch::wire::pod::Pod { metadata: Some(metadata), spec: Some(spec), status: None };
    pod.encode_to_vec().into()
}

/// A pod whose status is cut short.
pub(super) fn broken(name: &str, version: u64) -> Bytes {
    let mut bytes = pod(name, version, 0).to_vec();
    bytes.extend_from_slice(&[0x1a, 0x05, 0x0a]);
    bytes.into()
}

pub(super) fn envelope(raw: Bytes) -> Vec<u8> {
    let mut document = MAGIC.to_vec();
    document.extend(Unknown { raw }.encode_to_vec());
    document
}

pub(super) fn list(version: u64, token: &str, items: Vec<Bytes>) -> Answer {
    let metadata = ListMeta {
        resource_version: Some(version.to_string()),
        continue_token: Some(token.into()),
    };
    let list = List { metadata: Some(metadata), items };
    let chunks = vec![envelope(list.encode_to_vec().into())];
    Answer { status: 200, content_type: PROTOBUF, chunks, end: End::Whole }
}

pub(super) fn frame(verb: &str, object: Bytes) -> Vec<u8> {
    let object = Some(RawExtension { raw: envelope(object).into() });
    let event = WatchEvent { verb: verb.into(), object }.encode_to_vec();
    let mut frame = u32::try_from(event.len()).unwrap().to_be_bytes().to_vec();
    frame.extend(event);
    frame
}

pub(super) fn bookmark(version: u64) -> Vec<u8> {
    let resource_version = Some(version.to_string());
    let metadata = Some(ObjectMeta { resource_version, ..ObjectMeta::default() });
    frame("BOOKMARK", PartialObject { metadata }.encode_to_vec().into())
}

pub(super) fn events(chunks: Vec<Vec<u8>>, end: End) -> Answer {
    Answer {
        status: 200,
        content_type: "application/vnd.kubernetes.protobuf;stream=watch",
        chunks,
        end,
    }
}

pub(super) fn refusal(status: u16, text: &str) -> Answer {
    let chunks = vec![text.as_bytes().to_vec()];
    Answer { status, content_type: "application/json", chunks, end: End::Whole }
}

/// A list in JSON, or a watch's lines.
pub(super) fn json(text: String, end: End) -> Answer {
    let chunks = text.into_bytes().chunks(7).map(<[u8]>::to_vec).collect();
    Answer { status: 200, content_type: "application/json", chunks, end }
}
