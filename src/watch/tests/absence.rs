//! A kind that the server does not serve, and one that it serves no more.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use tokio::task::JoinHandle;

use super::script::{Followed, follow_with, json, refusal};
use super::server::{Answer, End, Server};
use crate::client::Complaints;
use crate::watch::discovery::Discovery;
use crate::watch::request::Source;
use crate::watch::{Format, Kind, KindState, WatchStats};

const NO_PATH: &str = r#"{"kind":"Status","reason":"NotFound","code":404}"#;

fn document(text: &str) -> Answer {
    json(text.into(), End::Whole)
}

fn classes(version: u64, names: &[&str]) -> Answer {
    let item = |name: &&str| format!(r#"{{"metadata":{{"name":"{name}","resourceVersion":"7"}}}}"#);
    let items: Vec<String> = names.iter().map(item).collect();
    document(&format!(
        r#"{{"metadata":{{"resourceVersion":"{version}"}},"items":[{}]}}"#,
        items.join(",")
    ))
}

fn groups(names: &[&str]) -> Answer {
    let group = |name: &&str| format!(r#"{{"name":"{name}","versions":[{{"version":"v1"}}]}}"#);
    let groups: Vec<String> = names.iter().map(group).collect();
    document(&format!(r#"{{"kind":"APIGroupList","groups":[{}]}}"#, groups.join(",")))
}

fn resources(names: &[&str]) -> Answer {
    let resource = |name: &&str| format!(r#"{{"name":"{name}","verbs":["list","watch"]}}"#);
    let resources: Vec<String> = names.iter().map(resource).collect();
    document(&format!(r#"{{"kind":"APIResourceList","resources":[{}]}}"#, resources.join(",")))
}

/// Follows a kind, with discovery that looks again after `every`.
fn follow(server: &Server, kind: Kind, every: Duration) -> (Followed, JoinHandle<()>) {
    let source = Source { client: server.client(), format: Format::Json, page_size: 2 };
    let stats = Arc::<WatchStats>::default();
    let (discovery, looks) =
        Discovery::new(source, every, (Arc::clone(&stats), Complaints::default()), 1);
    let looks = tokio::spawn(looks);
    (follow_with(server, kind, Format::Json, |f| f.discovering(discovery)), looks)
}

async fn until(followed: &Followed, state: KindState) {
    let mut states = followed.states.clone();
    states.wait_for(|states| *states.of(followed.kind) == state).await.unwrap();
}

/// The names of storage classes that come and go.
async fn told(followed: &mut Followed, count: usize) -> Vec<String> {
    let texts = followed.next(count).await;
    let name = |text: &String| {
        let name = text.split("name: \"").nth(1).unwrap().split('"').next().unwrap().to_owned();
        if text.ends_with("Deleted)") { format!("-{name}") } else { format!("+{name}") }
    };
    texts.iter().map(name).collect()
}

#[tokio::test]
async fn a_kind_is_asked_for_once_and_watched_when_discovery_shows_it() {
    let server = Server::start(vec![
        refusal(404, NO_PATH),
        groups(&["apps"]),
        // The group has come, and not yet the kind.
        groups(&["apps", "storage.k8s.io"]),
        resources(&["csinodes", "storageclasses/status"]),
        groups(&["apps", "storage.k8s.io"]),
        resources(&["csinodes", "storageclasses"]),
        classes(50, &["a"]),
    ])
    .await;
    let (mut followed, _looks) = follow(&server, Kind::StorageClass, Duration::from_millis(100));
    until(&followed, KindState::NotServed).await;
    assert_eq!(followed.stats.of(Kind::StorageClass).missing.load(Relaxed), 1);
    assert_eq!(told(&mut followed, 1).await, ["+a"]);
    until(&followed, KindState::Synced).await;
    assert_eq!(followed.stats.of(Kind::StorageClass).missing.load(Relaxed), 0);
    let requests = server.requests();
    let of = |path: &str| requests.iter().filter(|r| r.split('?').next() == Some(path)).count();
    assert_eq!(of("/apis"), 3);
    assert_eq!(of("/apis/storage.k8s.io/v1"), 2, "only where the group has the version");
    let lists = requests.iter().filter(|r| r.contains("/storageclasses?limit=")).count();
    assert_eq!(lists, 2, "the one that was refused and the one that was not");
}

#[tokio::test]
async fn the_objects_of_a_kind_that_is_gone_are_gone_and_come_again_with_it() {
    let server = Server::start(vec![
        classes(50, &["a", "b"]),
        refusal(404, NO_PATH),
        groups(&["apps"]),
        groups(&["apps", "storage.k8s.io"]),
        resources(&["storageclasses"]),
        // Another store: its versions begin anew.
        classes(3, &["a"]),
    ])
    .await;
    let (mut followed, _looks) = follow(&server, Kind::StorageClass, Duration::from_millis(100));
    assert_eq!(told(&mut followed, 2).await, ["+a", "+b"]);
    let mut gone = told(&mut followed, 2).await;
    gone.sort_unstable();
    assert_eq!(gone, ["-a", "-b"]);
    assert_eq!(told(&mut followed, 1).await, ["+a"]);
    let stats = followed.stats.of(Kind::StorageClass);
    assert_eq!((stats.objects.load(Relaxed), stats.swept.load(Relaxed)), (1, 2));
}

/// What a load balancer or a server that starts answers must not empty the cache.
#[tokio::test]
async fn a_kind_is_not_gone_because_a_request_was_answered_by_404() {
    let shown = |answer: Vec<Answer>| {
        let begin = [classes(50, &["a"]), refusal(404, NO_PATH)];
        let end = [document(
            "{\"type\":\"ADDED\",\"object\":{\"metadata\":{\"name\":\"b\",\
            \"resourceVersion\":\"51\"}}}\n",
        )];
        begin.into_iter().chain(answer).chain(end).collect::<Vec<_>>()
    };
    for answers in [
        // Discovery shows it.
        vec![groups(&["storage.k8s.io"]), resources(&["storageclasses"])],
        // Nothing behind that address knows of discovery.
        vec![refusal(404, "404 page not found")],
        vec![refusal(403, r#"{"kind":"Status","reason":"Forbidden","code":403}"#)],
        vec![document("<html>come back later</html>")],
        vec![groups(&["storage.k8s.io"]), refusal(503, "{}")],
    ] {
        let server = Server::start(shown(answers)).await;
        let (mut followed, _looks) = follow(&server, Kind::StorageClass, Duration::from_secs(60));
        assert_eq!(told(&mut followed, 2).await, ["+a", "+b"], "{:?}", server.requests());
        assert_eq!(followed.state(), KindState::Synced);
    }
}

/// Without pods or nodes there is no scheduling: they are asked for again by themselves, and what
/// is known of them stays in force.
#[tokio::test]
async fn a_kind_that_must_be_there_is_never_taken_as_gone() {
    let node = r#"{"metadata":{"name":"a","resourceVersion":"7"}}"#;
    let list = format!(r#"{{"metadata":{{"resourceVersion":"50"}},"items":[{node}]}}"#);
    let line = format!(r#"{{"type":"DELETED","object":{node}}}"#).replace("\"7\"", "\"51\"") + "\n";
    let server = Server::start(vec![
        refusal(404, NO_PATH),
        resources(&["pods"]),
        document(&list),
        refusal(404, NO_PATH),
        resources(&["pods"]),
        document(&line),
    ])
    .await;
    let (mut followed, _looks) = follow(&server, Kind::Node, Duration::from_secs(60));
    until(&followed, KindState::NotServed).await;
    assert!(!followed.states.borrow().is_ready());
    assert_eq!(followed.next(2).await, ["+a false", "-a"]);
    let requests = server.requests();
    assert!(
        requests[1] == "/api/v1" && requests[5].contains("&resourceVersion=50"),
        "{requests:?}"
    );
}
