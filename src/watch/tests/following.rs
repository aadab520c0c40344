//! The whole way from HTTP to inputs, against a server that pages, cuts, expires, refuses and
//! sends nonsense.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
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
use crate::watch::wire::meta::{ListMeta, ObjectMeta, PartialObject, Status};
use crate::watch::{Batch, Format, Kind, KindState, States, WatchStats};

const PROTOBUF: &str = "application/vnd.kubernetes.protobuf";

struct Followed {
    inputs: mpsc::Receiver<Batch>,
    states: watch::Receiver<States>,
    stats: Arc<WatchStats>,
    kind: Kind,
}

fn follow(server: &Server, kind: Kind, format: Format) -> Followed {
    follow_with(server, kind, format, |follower| follower)
}

fn follow_with(
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
    async fn next(&mut self, count: usize) -> Vec<String> {
        let mut seen = Vec::new();
        while seen.len() < count {
            let batch = tokio::time::timeout(Duration::from_secs(60), self.inputs.recv()).await;
            seen.extend(batch.expect("inputs in time").expect("a sender").iter().map(short));
        }
        seen
    }

    fn state(&self) -> KindState {
        self.states.borrow().of(self.kind).clone()
    }
}

fn short(input: &Input) -> String {
    match input {
        Input::PodApplied(pod) => format!("+{} {}", pod.name, pod.priority),
        Input::PodDeleted { key, uid } => format!("-{} {uid}", key.name),
        Input::NodeApplied(node) => format!("+{} {}", node.name, node.unschedulable),
        Input::NodeDeleted { name } => format!("-{name}"),
        other => format!("{other:?}"),
    }
}

/// A pod in protobuf; the priority stands for its content.
fn pod(name: &str, version: u64, priority: i32) -> Bytes {
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
fn broken(name: &str, version: u64) -> Bytes {
    let mut bytes = pod(name, version, 0).to_vec();
    bytes.extend_from_slice(&[0x1a, 0x05, 0x0a]);
    bytes.into()
}

fn envelope(raw: Bytes) -> Vec<u8> {
    let mut document = MAGIC.to_vec();
    document.extend(Unknown { raw }.encode_to_vec());
    document
}

fn list(version: u64, token: &str, items: Vec<Bytes>) -> Answer {
    let metadata = ListMeta {
        resource_version: Some(version.to_string()),
        continue_token: Some(token.into()),
    };
    let list = List { metadata: Some(metadata), items };
    let chunks = vec![envelope(list.encode_to_vec().into())];
    Answer { status: 200, content_type: PROTOBUF, chunks, end: End::Whole }
}

fn frame(verb: &str, object: Bytes) -> Vec<u8> {
    let object = Some(RawExtension { raw: envelope(object).into() });
    let event = WatchEvent { verb: verb.into(), object }.encode_to_vec();
    let mut frame = u32::try_from(event.len()).unwrap().to_be_bytes().to_vec();
    frame.extend(event);
    frame
}

fn bookmark(version: u64) -> Vec<u8> {
    let resource_version = Some(version.to_string());
    let metadata = Some(ObjectMeta { resource_version, ..ObjectMeta::default() });
    frame("BOOKMARK", PartialObject { metadata }.encode_to_vec().into())
}

fn events(chunks: Vec<Vec<u8>>, end: End) -> Answer {
    Answer {
        status: 200,
        content_type: "application/vnd.kubernetes.protobuf;stream=watch",
        chunks,
        end,
    }
}

fn refusal(status: u16, text: &str) -> Answer {
    let chunks = vec![text.as_bytes().to_vec()];
    Answer { status, content_type: "application/json", chunks, end: End::Whole }
}

#[tokio::test]
async fn pages_events_cuts_and_expiry() {
    let mut cut = frame("MODIFIED", pod("a", 140, 9));
    cut.truncate(20);
    let gone = Status { code: Some(410), reason: Some("Expired".into()), ..Status::default() };
    let server = Server::start(vec![
        list(100, "t/2", vec![pod("a", 10, 1), pod("b", 11, 1)]),
        list(100, "", vec![broken("x", 12), pod("c", 13, 1)]),
        events(
            vec![
                frame("ADDED", pod("d", 101, 1)),
                frame("MODIFIED", broken("b", 102)),
                bookmark(120),
                [frame("MODIFIED", pod("a", 121, 2)), frame("MODIFIED", pod("a", 90, 3))].concat(),
                frame("DELETED", pod("c", 122, 1)),
                cut,
            ],
            End::Cut,
        ),
        events(vec![frame("ERROR", gone.encode_to_vec().into())], End::Open),
        // a changed, b still unreadable, d gone.
        list(200, "", vec![pod("a", 140, 9), broken("b", 102)]),
        events(vec![frame("ADDED", pod("e", 201, 1))], End::Open),
    ])
    .await;
    let mut followed = follow(&server, Kind::Pod, Format::Protobuf);
    assert_eq!(followed.next(3).await, ["+a 1", "+b 1", "+c 1"]);
    assert_eq!(followed.next(3).await, ["+d 1", "+a 2", "-c uid-c"]);
    assert_eq!(followed.next(3).await, ["+a 9", "-d uid-d", "+e 1"]);
    assert_eq!(followed.state(), KindState::Synced);

    let selector = "&fieldSelector=status.phase%21%3DSucceeded%2Cstatus.phase%21%3DFailed";
    let requests = server.requests();
    assert_eq!(requests[0], format!("/api/v1/pods?resourceVersion={selector}"));
    assert_eq!(requests[1], format!("/api/v1/pods?limit=2&continue=t%2F2{selector}"));
    assert!(requests[2].contains("&resourceVersion=100&"), "{}", requests[2]);
    assert!(requests[2].contains("allowWatchBookmarks=true"), "{}", requests[2]);
    // Resumed after the last whole event, although an older object came before it.
    assert!(requests[3].contains("&resourceVersion=122&"), "{}", requests[3]);
    // Only the first list is asked for whole.
    assert_eq!(requests[4], format!("/api/v1/pods?limit=2{selector}"));
    assert!(requests[5].contains("&resourceVersion=200&"), "{}", requests[5]);

    let stats = followed.stats.of(Kind::Pod);
    let count = |counter: &std::sync::atomic::AtomicU64| counter.load(Relaxed);
    assert_eq!((count(&stats.lists), count(&stats.watches)), (2, 3));
    assert_eq!((count(&stats.malformed), count(&stats.stale)), (3, 1));
    assert_eq!((count(&stats.swept), count(&stats.bookmarks)), (1, 1));
    assert_eq!(count(&stats.objects), 3);
}

#[tokio::test]
async fn a_connection_that_says_nothing_is_left() {
    let server = Server::start(vec![
        list(100, "", vec![pod("a", 10, 1)]),
        events(vec![frame("ADDED", pod("b", 101, 1))], End::Open),
        events(vec![frame("ADDED", pod("c", 102, 1))], End::Open),
    ])
    .await;
    let silence = Duration::from_millis(50);
    let mut followed =
        follow_with(&server, Kind::Pod, Format::Protobuf, |f| f.with_silence_max(silence));
    assert_eq!(followed.next(3).await, ["+a 1", "+b 1", "+c 1"]);
    assert!(server.requests()[2].contains("&resourceVersion=101&"), "{:?}", server.requests());
    assert_eq!(followed.state(), KindState::Synced, "a quiet kind has not failed");
    assert_eq!(followed.stats.of(Kind::Pod).failures.load(Relaxed), 0);
}

#[tokio::test]
async fn a_server_of_json_only() {
    let node = |name: &str, version: u64, rest: &str| {
        format!(r#"{{"metadata":{{"name":"{name}","resourceVersion":"{version}"}}{rest}}}"#)
    };
    let json = |text: String, end| Answer {
        status: 200,
        content_type: "application/json",
        chunks: text.into_bytes().chunks(7).map(<[u8]>::to_vec).collect(),
        end,
    };
    let page = format!(
        r#"{{"kind":"NodeList","apiVersion":"v1","metadata":{{"resourceVersion":"50"}},"items":[{},{},{}]}}"#,
        node("a", 1, ""),
        node("b", 2, r#","spec":{"taints":"none"}"#),
        node("c", 3, "")
    );
    let beat = r#","status":{"conditions":[]},"spec":null"#;
    let lines = [
        format!(r#"{{"type":"MODIFIED","object":{}}}"#, node("a", 51, beat)),
        format!(
            r#"{{"type":"MODIFIED","object":{}}}"#,
            node("a", 52, r#","spec":{"unschedulable":true}"#)
        ),
        format!(r#"{{"type":"BOOKMARK","object":{}}}"#, node("", 60, "")),
        r#"{"type":"MODIFIED","object":{"metadata":{"name":"c"},"spec":7}}"#.into(),
        "no event".into(),
        format!(r#"{{"type":"DELETED","object":{}}}"#, node("c", 61, "")),
        String::new(),
    ]
    .join("\n");
    let server = Server::start(vec![
        json(page, End::Whole),
        json(lines, End::Whole),
        refusal(410, r#"{"kind":"Status","reason":"Expired","code":410}"#),
        json(r#"{"metadata":{"resourceVersion":"70"},"items":null}"#.into(), End::Whole),
    ])
    .await;
    let mut followed = follow(&server, Kind::Node, Format::Json);
    assert_eq!(followed.next(2).await, ["+a false", "+c false"]);
    assert_eq!(followed.next(3).await, ["+a true", "-c", "-a"]);
    let stats = followed.stats.of(Kind::Node);
    assert_eq!(stats.suppressed.load(Relaxed), 1);
    assert_eq!(stats.malformed.load(Relaxed), 3);
    assert!(server.requests()[2].contains("&resourceVersion=61"));
}

#[tokio::test]
async fn refusals_are_told_and_tried_again() {
    let forbidden = r#"{"kind":"Status","reason":"Forbidden","code":403,"message":"nodes is
        forbidden: User \"system:serviceaccount:a:b\" cannot list"}"#
        .replace("is\n        forbidden", "is forbidden");
    let server =
        Server::start(vec![refusal(403, &forbidden), list(5, "", vec![pod("p", 1, 0)])]).await;
    let mut followed = follow(&server, Kind::Pod, Format::Protobuf);
    let mut states = followed.states.clone();
    let failing = states
        .wait_for(|states| matches!(states.of(Kind::Pod), KindState::Failing(_)))
        .await
        .unwrap()
        .of(Kind::Pod)
        .clone();
    let KindState::Failing(text) = failing else { panic!("{failing:?}") };
    assert!(text.contains("grant get, list, watch on pods"), "{text}");
    assert!(text.contains("the ServiceAccount a/b"), "{text}");
    assert_eq!(followed.next(1).await, ["+p 0"]);
    assert_eq!(followed.stats.of(Kind::Pod).denied.load(Relaxed), 1);
}

#[tokio::test]
async fn a_kind_that_is_not_served_is_known_as_such() {
    let server = Server::start(vec![refusal(404, "404 page not found")]).await;
    let followed = follow(&server, Kind::CsiStorageCapacity, Format::Protobuf);
    let mut states = followed.states.clone();
    states.wait_for(|s| *s.of(followed.kind) == KindState::NotServed).await.unwrap();
}
