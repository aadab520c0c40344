//! The whole way from HTTP to inputs, against a server that pages, cuts, expires, refuses and
//! sends nonsense.

use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use prost::Message;

use super::script::{
    bookmark, broken, events, follow, follow_with, frame, json, list, pod, refusal,
};
use super::server::{End, Server};
use crate::client::Status;
use crate::watch::{Format, Kind, KindState};

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
                // The list could not read it either.
                frame("MODIFIED", broken("x", 102)),
                bookmark(120),
                [frame("MODIFIED", pod("a", 121, 2)), frame("MODIFIED", pod("a", 121, 3))].concat(),
                frame("DELETED", pod("c", 122, 1)),
                cut,
            ],
            End::Cut,
        ),
        events(vec![frame("ERROR", gone.encode_to_vec().into())], End::Open),
        // a changed, b cannot be read any more, d gone.
        list(200, "", vec![pod("a", 140, 9), broken("b", 141)]),
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
        // As the list had it.
        r#"{"type":"MODIFIED","object":{"metadata":{"name":"b"},"spec":7}}"#.into(),
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
    assert_eq!((stats.malformed.load(Relaxed), stats.gaps.load(Relaxed)), (2, 0));
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
    let followed = follow(&server, Kind::StorageCapacity, Format::Protobuf);
    let mut states = followed.states.clone();
    states.wait_for(|s| *s.of(followed.kind) == KindState::NotServed).await.unwrap();
}
