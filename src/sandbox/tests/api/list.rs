//! LIST: pages over one snapshot, selectors, versions.

use serde_json::{Value, json};

use crate::client::{Client, PODS, sandbox};
use crate::object::pod;

async fn names(client: &Client, query: &str) -> Vec<String> {
    let list = client.get(&format!("{PODS}?{query}")).await;
    assert_eq!(list.code, 200, "{}", list.body);
    let items = list.body["items"].as_array().unwrap().iter();
    items.map(|p| p["metadata"]["name"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn pages_show_one_moment() {
    let (sandbox, client) = sandbox().await;
    for name in ["a", "b", "c", "d", "e"] {
        sandbox.create("pods", pod(name)).unwrap();
    }
    let first = client.get(&format!("{PODS}?limit=2")).await.body;
    let rv = first["metadata"]["resourceVersion"].clone();
    assert_eq!(first["metadata"]["remainingItemCount"], 3);
    // Later writes do not show in later pages.
    sandbox.delete("pods", "default", "c").unwrap();
    sandbox.create("pods", pod("bb")).unwrap();
    let mut seen = Vec::new();
    let mut page = first;
    loop {
        assert_eq!(page["metadata"]["resourceVersion"], rv);
        let items = page["items"].as_array().unwrap().iter();
        seen.extend(items.map(|p| p["metadata"]["name"].as_str().unwrap().to_owned()));
        let Some(token) = page["metadata"]["continue"].as_str() else { break };
        page = client.get(&format!("{PODS}?limit=2&continue={token}")).await.body;
    }
    assert_eq!(seen, ["a", "b", "c", "d", "e"]);
}

#[tokio::test]
async fn an_old_continue_token_expires() {
    let (sandbox, client) = sandbox().await;
    for name in ["a", "b", "c"] {
        sandbox.create("pods", pod(name)).unwrap();
    }
    let first = client.get(&format!("{PODS}?limit=2")).await.body;
    sandbox.compact();
    let token = first["metadata"]["continue"].as_str().unwrap();
    let expired = client.get(&format!("{PODS}?limit=2&continue={token}")).await;
    assert_eq!((expired.code, expired.body["reason"].as_str()), (410, Some("Expired")));
    assert_eq!(client.get(&format!("{PODS}?continue=nonsense")).await.code, 400);
}

#[tokio::test]
async fn selectors() {
    let (sandbox, client) = sandbox().await;
    for name in ["a", "b", "c"] {
        sandbox.create("pods", pod(name)).unwrap();
    }
    assert_eq!(names(&client, "labelSelector=app%20in%20(a,b)").await, ["a", "b"]);
    assert_eq!(names(&client, "labelSelector=app%21%3Da").await, ["b", "c"]);
    assert_eq!(names(&client, "fieldSelector=metadata.name%3Dc").await, ["c"]);
    let open = "fieldSelector=status.phase!%3DSucceeded,status.phase!%3DFailed";
    assert_eq!(names(&client, open).await.len(), 3);
    assert_eq!(names(&client, "fieldSelector=spec.schedulerName%3Dother").await.len(), 0);
    let unknown = client.get(&format!("{PODS}?fieldSelector=spec.color%3Dred")).await;
    assert_eq!(unknown.code, 400);
    assert!(unknown.body["message"].as_str().unwrap().contains("field label not supported"));
}

#[tokio::test]
async fn a_version_from_the_future_is_a_timeout() {
    let (sandbox, client) = sandbox().await;
    let future = sandbox.resource_version() + 1000;
    let answer = client.get(&format!("{PODS}?resourceVersion={future}")).await;
    assert_eq!((answer.code, answer.body["reason"].as_str()), (504, Some("Timeout")));
    assert_eq!(answer.body["details"]["causes"][0]["reason"], "ResourceVersionTooLarge");
}

#[tokio::test]
async fn events_have_two_forms_and_one_storage() {
    let (_sandbox, client) = sandbox().await;
    let event = json!({
        "metadata": {"name": "e", "namespace": "default"},
        "regarding": {"kind": "Pod", "name": "a", "namespace": "default"},
        "reason": "Scheduled", "note": "ok", "type": "Normal", "action": "Binding",
        "reportingController": "berth", "reportingInstance": "berth-1",
        "eventTime": "2026-01-01T00:00:00.000000Z",
    });
    let new = "/apis/events.k8s.io/v1/namespaces/default/events";
    let created = client.post(new, &event).await;
    assert_eq!(
        (created.code, created.body["note"].as_str()),
        (201, Some("ok")),
        "{}",
        created.body
    );
    let core = "/api/v1/namespaces/default/events?fieldSelector=involvedObject.name%3Da,reason%3DScheduled";
    let core = client.get(core).await.body;
    assert_eq!(core["items"][0]["message"], "ok");
    assert_eq!(core["items"][0]["apiVersion"], "v1");
    let series = json!({"series": {"count": 2, "lastObservedTime": "2026-01-01T00:00:01.000000Z"}});
    let patched = client.patch(&format!("{new}/e"), "strategic-merge-patch+json", &series).await;
    assert_eq!((patched.code, patched.body["series"]["count"].as_u64()), (200, Some(2)));
    let listed: Value = client.get(new).await.body;
    assert_eq!(listed["items"][0]["regarding"]["name"], "a");
}

#[tokio::test]
async fn the_oldest_events_go_when_there_are_too_many() {
    let (sandbox, _client) = sandbox().await;
    for n in 0..20_100 {
        sandbox.create("events", json!({"metadata": {"name": format!("e{n:06}")}})).unwrap();
        if n % 100 == 0 {
            tokio::task::yield_now().await;
        }
    }
    crate::client::until("the surplus is gone", || async {
        (sandbox.count("events", |_| true).unwrap() == 20_000).then_some(())
    })
    .await;
    assert!(sandbox.get("events", "default", "e000000").unwrap().is_none());
    assert!(sandbox.get("events", "default", "e020099").unwrap().is_some());
}
