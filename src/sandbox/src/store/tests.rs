#![allow(clippy::unwrap_used)]

use serde_json::json;

use super::*;
use crate::resource;

fn pod(name: &str) -> Value {
    json!({"metadata": {"namespace": "default", "name": name, "uid": name}})
}

#[test]
fn a_stale_write_is_refused_and_an_equal_one_writes_nothing() {
    let store = Store::new();
    let first = store.insert(resource::pods(), pod("a")).unwrap();
    let mut value = first.value.clone();
    value["spec"] = json!({"nodeName": "n"});
    let second = store.replace(resource::pods(), &first, value.clone()).unwrap();
    assert!(second.version.rv > first.version.rv);
    assert!(store.replace(resource::pods(), &first, value.clone()).is_err());
    let third = store.replace(resource::pods(), &second, value).unwrap();
    assert_eq!(third.version.rv, second.version.rv);
    assert!(store.insert(resource::pods(), pod("a")).is_err());
}

#[test]
fn a_cursor_older_than_the_history_expires() {
    let store = Store::new();
    let pods = resource::pods();
    let start = store.versions(pods, None).2;
    let rv = store.rv();
    for n in 0..=history::HISTORY_MAX {
        store.insert(pods, pod(&n.to_string())).unwrap();
    }
    assert!(store.changes(pods, start, 10).is_err());
    assert!(store.cursor_after(pods, rv).is_err());
    assert!(store.cursor_after(pods, rv + 1).is_ok());
    // Another resource's history is its own.
    assert!(store.cursor_after(resource::nodes(), 0).is_ok());
}

#[test]
fn compaction_expires_every_version_handed_out() {
    let store = Store::new();
    let pods = resource::pods();
    let rv = store.insert(pods, pod("a")).unwrap().version.rv;
    store.compact();
    assert!(store.cursor_after(pods, rv).is_err());
    assert!(store.cursor_after(pods, store.rv()).is_ok());
}

#[test]
fn dependents_follow_owner_references() {
    let store = Store::new();
    let pods = resource::pods();
    let mut value = pod("a");
    value["metadata"]["ownerReferences"] = json!([{"uid": "owner"}]);
    let object = store.insert(pods, value).unwrap();
    assert_eq!(store.dependents("owner").len(), 1);
    store.remove(pods, &object).unwrap();
    assert!(store.dependents("owner").is_empty());
}

#[test]
fn a_namespace_is_not_a_prefix_of_another() {
    let store = Store::new();
    let pods = resource::pods();
    for namespace in ["a", "a-b", "ab"] {
        let mut value = pod("x");
        value["metadata"]["namespace"] = json!(namespace);
        store.insert(pods, value).unwrap();
    }
    assert_eq!(store.list(pods, Some("a")).1.len(), 1);
    assert_eq!(store.list(pods, None).1.len(), 3);
}
