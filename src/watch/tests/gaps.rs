//! Events that are lost: those that cannot be read, and those that nobody sees missing.

use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use berth_engine::record::ObjectKey;
use tokio::sync::watch;

use super::script::{
    bookmark, broken, events, follow, follow_with, frame, json, list, pod, refusal,
};
use super::server::{Answer, End, Server};
use crate::watch::duties::{Doubts, Duties};
use crate::watch::follower::Follower;
use crate::watch::{Format, Kind};

/// Follows with an audit each `every`, or half as long again.
fn auditing(every: Duration) -> impl FnOnce(Follower) -> Follower {
    move |follower| follower.with_duties(Duties::new(every, 1, watch::Sender::new(0)))
}

const SOON: Duration = Duration::from_millis(50);

fn open(chunks: Vec<Vec<u8>>) -> Answer {
    events(chunks, End::Open)
}

#[tokio::test]
async fn an_event_that_cannot_be_read_is_answered_by_a_list() {
    for lost in [frame("MODIFIED", broken("a", 102)), vec![0, 0, 0, 3, 1, 2, 3]] {
        let server = Server::start(vec![
            list(100, "", vec![pod("a", 10, 1)]),
            open(vec![lost, frame("ADDED", pod("b", 103, 1))]),
            list(104, "", vec![pod("a", 102, 2), pod("b", 103, 1)]),
            open(vec![frame("ADDED", pod("c", 105, 1))]),
        ])
        .await;
        let mut followed = follow(&server, Kind::Pod, Format::Protobuf);
        let mut seen = followed.next(4).await;
        seen.sort();
        assert_eq!(seen, ["+a 1", "+a 2", "+b 1", "+c 1"]);
        let stats = followed.stats.of(Kind::Pod);
        assert_eq!((stats.gaps.load(Relaxed), stats.lists.load(Relaxed)), (1, 2));
    }
}

#[tokio::test]
async fn a_line_that_is_no_event_is_answered_by_a_list() {
    let node = |name: &str, version: u64| {
        format!(r#"{{"metadata":{{"name":"{name}","resourceVersion":"{version}"}}}}"#)
    };
    let page = |version: u64, items: String| {
        let text = format!(r#"{{"metadata":{{"resourceVersion":"{version}"}},"items":[{items}]}}"#);
        json(text, End::Whole)
    };
    for lost in ["xx", r#"{"type":"ADDED","object":{"#, r#"{"type":"PURPLE","object":{}}"#, "[]"] {
        let server = Server::start(vec![
            page(50, node("a", 1)),
            json(format!("{lost}\n"), End::Open),
            page(60, format!("{},{}", node("a", 1), node("b", 55))),
        ])
        .await;
        let mut followed = follow(&server, Kind::Node, Format::Json);
        assert_eq!(followed.next(2).await, ["+a false", "+b false"], "{lost}");
        assert_eq!(followed.stats.of(Kind::Node).gaps.load(Relaxed), 1, "{lost}");
    }
}

#[tokio::test]
async fn while_events_cannot_be_read_the_others_are_heard_and_lists_wait_longer() {
    let lost = || frame("MODIFIED", broken("a", 102));
    let server = Server::start(vec![
        list(100, "", vec![pod("a", 10, 1)]),
        open(vec![lost()]),
        // Another event lost, of a pod that the list could read.
        list(110, "", vec![pod("a", 10, 1)]),
        open(vec![lost(), lost(), frame("ADDED", pod("b", 111, 1)), lost()]),
    ])
    .await;
    let mut followed = follow(&server, Kind::Pod, Format::Protobuf);
    assert_eq!(followed.next(2).await, ["+a 1", "+b 1"]);
    // The list that the second loss asks for rests for 1.6 s at least.
    assert_eq!(followed.stats.of(Kind::Pod).lists.load(Relaxed), 2);
    assert_eq!(server.requests().len(), 4);
}

#[tokio::test]
async fn an_event_older_than_the_watch_is_answered_by_a_list() {
    let server = Server::start(vec![
        list(100, "", vec![pod("a", 10, 1)]),
        open(vec![frame("MODIFIED", pod("b", 90, 2))]),
        list(101, "", vec![pod("a", 10, 1), pod("b", 90, 2), pod("c", 92, 1)]),
    ])
    .await;
    let mut followed = follow(&server, Kind::Pod, Format::Protobuf);
    assert_eq!(followed.next(3).await, ["+a 1", "+b 2", "+c 1"]);
    assert_eq!(followed.stats.of(Kind::Pod).gaps.load(Relaxed), 1);
}

#[tokio::test]
async fn an_audit_finds_what_the_watch_swallowed_and_a_list_repairs_it() {
    let now = || vec![pod("a", 101, 2), pod("c", 103, 1)];
    let server = Server::start(vec![
        list(100, "", vec![pod("a", 10, 1), pod("b", 11, 1)]),
        // a changed, b went, c came: and all that is told is that 110 is reached.
        open(vec![bookmark(110)]),
        list(110, "", now()),
        list(111, "", now()),
    ])
    .await;
    let mut followed = follow_with(&server, Kind::Pod, Format::Protobuf, auditing(SOON));
    assert_eq!(followed.next(5).await, ["+a 1", "+b 1", "+a 2", "+c 1", "-b uid-b"]);
    let requests = server.requests();
    assert!(
        requests[2].starts_with("/api/v1/pods?resourceVersion=110&resourceVersionMatch=NotOlder"),
        "{requests:?}"
    );
    let stats = followed.stats.of(Kind::Pod);
    assert_eq!((stats.audits.load(Relaxed), stats.gaps.load(Relaxed)), (1, 1));
    assert_eq!(stats.differences.load(Relaxed), 2, "a and c; b was not asked for any more");
}

#[tokio::test]
async fn an_audit_finds_a_deletion_that_the_watch_swallowed() {
    let server = Server::start(vec![
        list(100, "", vec![pod("a", 10, 1), pod("b", 11, 1), pod("c", 12, 1)]),
        open(vec![bookmark(110)]),
        list(110, "", vec![pod("a", 10, 1), pod("c", 12, 1)]),
        list(112, "", vec![pod("a", 10, 1), pod("c", 12, 1)]),
    ])
    .await;
    let mut followed = follow_with(&server, Kind::Pod, Format::Protobuf, auditing(SOON));
    assert_eq!(followed.next(4).await, ["+a 1", "+b 1", "+c 1", "-b uid-b"]);
    assert_eq!(followed.stats.of(Kind::Pod).differences.load(Relaxed), 1);
}

#[tokio::test]
async fn audits_that_agree_ask_for_nothing_more() {
    let pods = || vec![pod("a", 10, 1), pod("b", 11, 1)];
    let server = Server::start(vec![
        list(100, "", pods()),
        open(vec![]),
        list(100, "", pods()),
        list(100, "", pods()),
        list(100, "", pods()),
    ])
    .await;
    let followed = follow_with(&server, Kind::Pod, Format::Protobuf, auditing(SOON));
    let stats = followed.stats.of(Kind::Pod);
    while stats.audits.load(Relaxed) < 3 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!((stats.lists.load(Relaxed), stats.gaps.load(Relaxed)), (1, 0));
    assert!(followed.stats.silence(Kind::Pod).unwrap() < Duration::from_secs(60));
}

#[tokio::test]
async fn a_server_with_nothing_as_new_is_asked_for_a_list() {
    let large = r#"{"kind":"Status","code":504,"reason":"Timeout",
        "message":"Too large resource version: 100, current: 7"}"#;
    let server = Server::start(vec![
        list(100, "", vec![pod("a", 10, 1)]),
        open(vec![]),
        refusal(504, large),
        list(101, "", vec![pod("b", 11, 1)]),
    ])
    .await;
    let mut followed = follow_with(&server, Kind::Pod, Format::Protobuf, auditing(SOON));
    assert_eq!(followed.next(3).await, ["+a 1", "+b 1", "-a uid-a"]);
}

#[tokio::test]
async fn a_doubt_that_the_watch_does_not_settle_leads_to_an_audit() {
    let server = Server::start(vec![
        list(100, "", vec![pod("a", 10, 1), pod("b", 11, 1)]),
        open(vec![bookmark(110)]),
        list(110, "", vec![pod("a", 10, 1)]),
        list(111, "", vec![pod("a", 10, 1)]),
    ])
    .await;
    let (doubts, doubted) = Doubts::channel();
    let mut followed = follow_with(&server, Kind::Pod, Format::Protobuf, |follower| {
        let mut duties = Duties::new(Duration::from_secs(3600), 1, watch::Sender::new(0));
        duties.hear(doubted);
        follower.with_duties(duties)
    });
    assert_eq!(followed.next(2).await, ["+a 1", "+b 1"]);
    doubts.tell(&ObjectKey::new("n", "b"), "uid of another time");
    doubts.tell(&ObjectKey::new("n", "b"), "uid-b");
    assert_eq!(followed.next(1).await, ["-b uid-b"]);
    let stats = followed.stats.of(Kind::Pod);
    assert_eq!((stats.audits.load(Relaxed), stats.gaps.load(Relaxed)), (1, 1));
}

#[tokio::test]
async fn a_server_that_was_away_is_audited_when_it_is_back() {
    let server = Server::start(vec![
        list(100, "", vec![pod("a", 10, 1), pod("b", 11, 1)]),
        refusal(502, "bad gateway"),
        open(vec![]),
        // Another store, which has come as far: b is not in it.
        list(100, "", vec![pod("a", 10, 1)]),
        list(101, "", vec![pod("a", 10, 1)]),
    ])
    .await;
    let mut followed = follow(&server, Kind::Pod, Format::Protobuf);
    assert_eq!(followed.next(3).await, ["+a 1", "+b 1", "-b uid-b"]);
    assert_eq!(followed.stats.of(Kind::Pod).audits.load(Relaxed), 1);
}
