//! WATCH: where it starts, what it shows, how it ends.

use std::time::Duration;

use berth_sandbox::Options;
use serde_json::json;

use crate::client::{PODS, sandbox, with};
use crate::object::pod;

fn of(kind: &str, name: &str) -> (String, String) {
    (kind.to_owned(), name.to_owned())
}

#[tokio::test]
async fn from_a_version_on() {
    let (sandbox, client) = sandbox().await;
    sandbox.create("pods", pod("a")).unwrap();
    let rv = sandbox.resource_version();
    sandbox.create("pods", pod("b")).unwrap();
    let mut watch = client.watch(&format!("{PODS}?watch=1&resourceVersion={rv}")).await;
    sandbox.delete("pods", "default", "a").unwrap();
    assert_eq!(watch.names(2).await, [of("ADDED", "b"), of("DELETED", "a")]);
}

#[tokio::test]
async fn from_zero_or_nothing_begins_with_what_is_there() {
    let (sandbox, client) = sandbox().await;
    sandbox.create("pods", pod("a")).unwrap();
    for query in ["watch=true", "watch=1&resourceVersion=0"] {
        let mut watch = client.watch(&format!("{PODS}?{query}")).await;
        assert_eq!(watch.names(1).await, [of("ADDED", "a")], "{query}");
    }
}

#[tokio::test]
async fn streaming_lists_end_in_a_marked_bookmark() {
    let (sandbox, client) = sandbox().await;
    sandbox.create("pods", pod("a")).unwrap();
    let query =
        "watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true";
    let mut watch = client.watch(&format!("{PODS}?{query}")).await;
    assert_eq!(watch.names(1).await, [of("ADDED", "a")]);
    let (kind, bookmark) = watch.event().await.unwrap();
    assert_eq!(kind, "BOOKMARK");
    assert_eq!(bookmark["metadata"]["annotations"]["k8s.io/initial-events-end"], "true");
    assert_eq!(bookmark["metadata"]["resourceVersion"], sandbox.resource_version().to_string());
    let refused = client.get(&format!("{PODS}?watch=1&sendInitialEvents=true")).await;
    assert_eq!(refused.code, 422);
}

#[tokio::test]
async fn leaving_the_selection_is_a_deletion() {
    let (sandbox, client) = sandbox().await;
    sandbox.create("pods", pod("a")).unwrap();
    let query = "watch=1&fieldSelector=status.phase!%3DSucceeded";
    let mut watch = client.watch(&format!("{PODS}?{query}")).await;
    assert_eq!(watch.names(1).await, [of("ADDED", "a")]);
    let patch = |phase: &str| json!({"status": {"phase": phase}});
    let path = format!("{PODS}/a/status");
    client.patch(&path, "merge-patch+json", &patch("Running")).await;
    client.patch(&path, "merge-patch+json", &patch("Succeeded")).await;
    assert_eq!(watch.names(1).await, [of("MODIFIED", "a")]);
    let (kind, left) = watch.event().await.unwrap();
    assert_eq!((kind.as_str(), left["status"]["phase"].as_str()), ("DELETED", Some("Running")));
    assert_eq!(left["metadata"]["resourceVersion"], sandbox.resource_version().to_string());
    client.patch(&path, "merge-patch+json", &patch("Running")).await;
    assert_eq!(watch.names(1).await, [of("ADDED", "a")]);
}

#[tokio::test]
async fn a_version_too_old_is_gone() {
    let (sandbox, client) = sandbox().await;
    sandbox.create("pods", pod("a")).unwrap();
    let rv = sandbox.resource_version();
    sandbox.compact();
    let mut watch = client.watch(&format!("{PODS}?watch=1&resourceVersion={rv}")).await;
    let (kind, status) = watch.event().await.unwrap();
    assert_eq!((kind.as_str(), status["code"].as_u64()), ("ERROR", Some(410)));
    assert_eq!(status["reason"], "Expired");
    assert!(watch.event().await.is_none());
}

#[tokio::test]
async fn bookmarks_carry_the_newest_version_and_timeouts_end_a_watch() {
    let options = Options { bookmark_every: Duration::from_millis(10), ..Options::default() };
    let (sandbox, client) = with(options).await;
    let rv = sandbox.resource_version();
    let query = format!("watch=1&allowWatchBookmarks=true&timeoutSeconds=1&resourceVersion={rv}");
    let mut watch = client.watch(&format!("{PODS}?{query}")).await;
    // Another resource's write moves the bookmark too.
    sandbox.create("configmaps", json!({"metadata": {"name": "a"}})).unwrap();
    let newest = sandbox.resource_version().to_string();
    let mut reached = false;
    while let Some((kind, object)) = watch.event().await {
        assert_eq!(kind, "BOOKMARK");
        reached |= object["metadata"]["resourceVersion"] == newest.as_str();
    }
    assert!(reached);
}

#[tokio::test]
async fn one_namespace_shows_no_other() {
    let (sandbox, client) = sandbox().await;
    sandbox.create("namespaces", json!({"metadata": {"name": "other"}})).unwrap();
    let mut watch = client.watch(&format!("{PODS}?watch=1")).await;
    let mut all = client.watch("/api/v1/pods?watch=1").await;
    let mut foreign = pod("x");
    foreign["metadata"]["namespace"] = json!("other");
    sandbox.create("pods", foreign).unwrap();
    sandbox.create("pods", pod("a")).unwrap();
    assert_eq!(watch.names(1).await, [of("ADDED", "a")]);
    assert_eq!(all.names(2).await, [of("ADDED", "x"), of("ADDED", "a")]);
}
