//! Lists older than what was seen, and stores whose history is another.

use std::sync::atomic::Ordering::Relaxed;

use prost::Message;

use super::script::{events, follow, frame, json, list, pod};
use super::server::{End, Server};
use crate::client::Status;
use crate::watch::{Format, Kind};

fn expired() -> Vec<u8> {
    let gone = Status { code: Some(410), reason: Some("Expired".into()), ..Status::default() };
    frame("ERROR", gone.encode_to_vec().into())
}

/// As [`pod`], with this uid.
fn pod_of(name: &str, uid: &str, version: u64, priority: i32) -> bytes::Bytes {
    let pod = pod(name, version, priority);
    let mut pod = crate::watch::wire::pod::Pod::decode(pod).unwrap();
    pod.metadata.as_mut().unwrap().uid = Some(uid.into());
    pod.encode_to_vec().into()
}

#[tokio::test]
async fn a_stale_list_does_not_bring_a_deleted_object_back() {
    let server = Server::start(vec![
        list(100, "", vec![pod("a", 10, 1), pod("b", 11, 1)]),
        events(
            vec![
                frame("DELETED", pod("a", 120, 1)),
                frame("MODIFIED", pod("b", 121, 2)),
                expired(),
            ],
            End::Open,
        ),
        // Of a cache that stands at 110: it has `a`, and `b` as it was.
        list(110, "", vec![pod("a", 10, 1), pod("b", 11, 1)]),
        list(130, "", vec![pod("b", 121, 2), pod("c", 125, 1)]),
    ])
    .await;
    let mut followed = follow(&server, Kind::Pod, Format::Protobuf);
    assert_eq!(followed.next(4).await, ["+a 1", "+b 1", "-a uid-a", "+b 2"]);
    assert_eq!(followed.next(1).await, ["+c 1"]);
    let stats = followed.stats.of(Kind::Pod);
    assert_eq!((stats.lists.load(Relaxed), stats.new_histories.load(Relaxed)), (3, 0));
}

#[tokio::test]
async fn a_stale_list_in_json_does_not_bring_a_deleted_object_back() {
    let node = |name: &str, version: u64| {
        format!(r#"{{"metadata":{{"name":"{name}","uid":"u","resourceVersion":"{version}"}}}}"#)
    };
    let page = |version: u64, items: &[String]| {
        let items = items.join(",");
        json(
            format!(r#"{{"metadata":{{"resourceVersion":"{version}"}},"items":[{items}]}}"#),
            End::Whole,
        )
    };
    let gone = format!("{{\"type\":\"DELETED\",\"object\":{}}}\n", node("a", 120));
    let error = r#"{"type":"ERROR","object":{"kind":"Status","code":410,"reason":"Expired"}}"#;
    let server = Server::start(vec![
        page(100, &[node("a", 10), node("b", 11)]),
        json(format!("{gone}{error}\n"), End::Open),
        page(110, &[node("a", 10), node("b", 11)]),
        page(130, &[node("b", 11), node("c", 125)]),
    ])
    .await;
    let mut followed = follow(&server, Kind::Node, Format::Json);
    assert_eq!(followed.next(3).await, ["+a false", "+b false", "-a"]);
    assert_eq!(followed.next(1).await, ["+c false"]);
}

#[tokio::test]
async fn an_accepted_list_of_a_new_history_replaces_what_was_known() {
    let other = || {
        vec![
            pod_of("a", "other", 40, 5),
            // As before to the letter of its version; what it says is not.
            pod("b", 11, 7),
            pod("c", 30, 3),
        ]
    };
    let server = Server::start(vec![
        list(100, "", vec![pod("a", 90, 1), pod("b", 11, 1), pod("c", 91, 1), pod("d", 92, 1)]),
        events(vec![expired()], End::Open),
        // The new store has come further than the old one was.
        list(300, "", other()),
        list(301, "", other()),
        events(vec![frame("MODIFIED", pod_of("a", "other", 302, 6))], End::Open),
    ])
    .await;
    let mut followed = follow(&server, Kind::Pod, Format::Protobuf);
    assert_eq!(followed.next(4).await, ["+a 1", "+b 1", "+c 1", "+d 1"]);
    assert_eq!(followed.next(4).await, ["-a uid-a", "+a 5", "+c 3", "-d uid-d"]);
    // Asked once more: now `b` counts as well.
    assert_eq!(followed.next(4).await, ["+a 5", "+b 7", "+c 3", "+a 6"]);
    let stats = followed.stats.of(Kind::Pod);
    assert_eq!((stats.lists.load(Relaxed), stats.new_histories.load(Relaxed)), (3, 1));
}
