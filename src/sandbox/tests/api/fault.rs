//! Faults do what they say, and only that.

use std::time::Duration;

use bytes::Bytes;
use http::Method;
use serde_json::json;

use crate::client::{PODS, sandbox, until};
use crate::object::{binding, pod};

#[tokio::test]
async fn failed_requests_change_nothing_and_are_counted() {
    let (sandbox, client) = sandbox().await;
    sandbox.faults().fail_next("create", "pods", 2, 429);
    for _ in 0..2 {
        let refused = client.post(PODS, &pod("a")).await;
        assert_eq!((refused.code, refused.body["reason"].as_str()), (429, Some("TooManyRequests")));
        assert_eq!(refused.headers["retry-after"], "1");
    }
    assert_eq!(client.get(&format!("{PODS}/a")).await.code, 404);
    assert_eq!(client.post(PODS, &pod("a")).await.code, 201);
    sandbox.faults().fail_next("*", "*", 1, 500);
    assert_eq!(client.get(PODS).await.body["reason"], "InternalError");
    let counted = sandbox.requests();
    let count = |code| counted.get(&("create".to_owned(), "pods".to_owned(), code)).copied();
    assert_eq!((count(429), count(201)), (Some(2), Some(1)));
}

#[tokio::test]
async fn a_lost_answer_was_carried_out() {
    let (sandbox, client) = sandbox().await;
    let created = client.post(PODS, &pod("a")).await.body;
    sandbox.faults().lose_answers("create", "pods/binding", 1);
    let body = Bytes::from(binding(&created, "n").to_string());
    let path = format!("{PODS}/a/binding");
    let lost =
        client.send(Method::POST, &path, &[("content-type", "application/json")], body).await;
    assert!(lost.is_err());
    assert_eq!(sandbox.get("pods", "default", "a").unwrap().unwrap()["spec"]["nodeName"], "n");
}

#[tokio::test]
async fn a_late_request_is_carried_out_when_its_client_has_gone() {
    let (sandbox, client) = sandbox().await;
    let created = client.post(PODS, &pod("a")).await.body;
    let mut stale = binding(&created, "n");
    stale["metadata"]["resourceVersion"] = json!("1");
    sandbox.faults().apply_late("create", "pods/binding", 2, Duration::from_millis(20));
    let path = format!("{PODS}/a/binding");
    for body in [stale, binding(&created, "n")] {
        let body = Bytes::from(body.to_string());
        let json = [("content-type", "application/json")];
        assert!(client.send(Method::POST, &path, &json, body).await.is_err());
    }
    let count = |code| {
        let key = ("create".to_owned(), "pods/binding".to_owned(), code);
        sandbox.requests().get(&key).copied().unwrap_or(0)
    };
    until("both were carried out", || async { (count(409) + count(201) == 2).then_some(()) }).await;
    assert_eq!(count(409), 1, "the pod has not the version that was asked for");
    assert_eq!(sandbox.get("pods", "default", "a").unwrap().unwrap()["spec"]["nodeName"], "n");
}

#[tokio::test]
async fn watches_are_cut_and_histories_compacted() {
    let (sandbox, client) = sandbox().await;
    sandbox.create("pods", pod("a")).unwrap();
    let mut watch = client.watch(&format!("{PODS}?watch=1")).await;
    let (_, object) = watch.event().await.unwrap();
    sandbox.compact();
    sandbox.faults().cut_watches();
    assert!(watch.event().await.is_none());
    let rv = object["metadata"]["resourceVersion"].as_str().unwrap();
    let mut resumed = client.watch(&format!("{PODS}?watch=1&resourceVersion={rv}")).await;
    assert_eq!(resumed.event().await.unwrap().1["code"], 410);
}

#[tokio::test]
async fn a_restart_keeps_port_and_objects() {
    let (sandbox, client) = sandbox().await;
    client.post(PODS, &pod("a")).await;
    let mut watch = client.watch(&format!("{PODS}?watch=1")).await;
    watch.event().await.unwrap();
    let refused = async {
        until("connections are refused", || async {
            let sent = client.send(Method::GET, PODS, &[], Bytes::new()).await;
            sent.is_err().then_some(())
        })
        .await;
    };
    let (restarted, ()) = tokio::join!(sandbox.restart(Duration::from_millis(200)), refused);
    restarted.unwrap();
    assert!(watch.event().await.is_none());
    assert_eq!(client.get(&format!("{PODS}/a")).await.code, 200);
}

#[tokio::test]
async fn malformed_objects_and_frames_reach_clients_as_they_are() {
    let (sandbox, client) = sandbox().await;
    let mut watch = client.watch(&format!("{PODS}?watch=1")).await;
    let broken = json!({"metadata": {"namespace": "default", "name": "broken"}, "spec": "none"});
    sandbox.create_unchecked("pods", broken).unwrap();
    let (_, object) = watch.event().await.unwrap();
    assert_eq!(object["spec"], "none");
    assert_eq!(client.get(PODS).await.body["items"][0]["spec"], "none");
    assert!(sandbox.faults().send_raw("pods", "{\"type\":\"ADDED\",\"object\":{\n"));
    assert_eq!(watch.line().await.unwrap(), b"{\"type\":\"ADDED\",\"object\":{\n");
    sandbox.create("pods", pod("a")).unwrap();
    assert_eq!(watch.names(1).await, [("ADDED".to_owned(), "a".to_owned())]);
}

#[tokio::test]
async fn delays_hold_a_request_back() {
    let (sandbox, client) = sandbox().await;
    let delay = Duration::from_millis(100);
    sandbox.faults().delay_next("create", "pods", 1, delay);
    let start = tokio::time::Instant::now();
    assert_eq!(client.post(PODS, &pod("a")).await.code, 201);
    assert!(start.elapsed() >= delay);
}

#[tokio::test]
async fn swallowed_events_leave_no_gap_in_the_watch() {
    let (sandbox, client) = sandbox().await;
    let mut watch = client.watch(&format!("{PODS}?watch=1")).await;
    assert!(sandbox.faults().swallow_events("pods", 1));
    sandbox.create("pods", pod("a")).unwrap();
    sandbox.create("pods", pod("b")).unwrap();
    assert_eq!(watch.names(1).await, [("ADDED".to_owned(), "b".to_owned())]);
    assert_eq!(sandbox.faults().swallowing("pods"), 0);
    assert_eq!(client.get(&format!("{PODS}/a")).await.code, 200);
    assert!(!sandbox.faults().swallow_events("unheard-of", 1));
}

#[tokio::test]
async fn a_restored_store_gives_versions_out_again() {
    let (sandbox, client) = sandbox().await;
    client.post(PODS, &pod("a")).await;
    let backup = sandbox.backup();
    let lost = client.post(PODS, &pod("b")).await.body["metadata"]["resourceVersion"].clone();
    let mut watch = client.watch(&format!("{PODS}?watch=1")).await;
    watch.names(2).await;
    sandbox.restore(&backup);
    while watch.event().await.is_some() {}
    assert_eq!(client.get(&format!("{PODS}/b")).await.code, 404);
    assert_eq!(client.get(&format!("{PODS}/a")).await.code, 200);
    // A watch from the lost future is told of nothing that is before it.
    let lost = lost.as_str().unwrap().to_owned();
    let mut watch = client.watch(&format!("{PODS}?watch=1&resourceVersion={lost}")).await;
    let again = client.post(PODS, &pod("c")).await.body["metadata"]["resourceVersion"].clone();
    assert_eq!(again, lost);
    client.post(PODS, &pod("d")).await;
    assert_eq!(watch.names(1).await, [("ADDED".to_owned(), "d".to_owned())]);

    sandbox.begin_anew().unwrap();
    assert_eq!(client.get(PODS).await.body["items"], json!([]));
    assert_eq!(client.post(PODS, &pod("a")).await.code, 201);
}
