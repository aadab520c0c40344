//! Who gets in, in which forms, and what is open.

use bytes::Bytes;
use http::Method;
use serde_json::json;

use crate::client::{PODS, sandbox};
use crate::object::pod;

#[tokio::test]
async fn the_token_opens_all_but_health() {
    let (sandbox, client) = sandbox().await;
    let stranger = client.clone().with_token("wrong");
    for open in ["/healthz", "/livez", "/readyz", "/version"] {
        assert_eq!(stranger.get(open).await.code, 200, "{open}");
    }
    let refused = stranger.get(PODS).await;
    assert_eq!((refused.code, refused.body["reason"].as_str()), (401, Some("Unauthorized")));
    assert!(sandbox.kubeconfig().contains(sandbox.url()));
}

#[tokio::test]
async fn forms_it_does_not_speak() {
    let (_sandbox, client) = sandbox().await;
    let protobuf = "application/vnd.kubernetes.protobuf";
    let only = client.ask(Method::GET, PODS, &[("accept", protobuf)], Bytes::new()).await;
    assert_eq!((only.code, only.body["reason"].as_str()), (406, Some("NotAcceptable")));
    let either = format!("{protobuf}, application/json");
    let either = client.ask(Method::GET, PODS, &[("accept", &either)], Bytes::new()).await;
    assert_eq!(either.code, 200);
    assert_eq!(either.headers["content-type"], "application/json");
    let body = Bytes::from_static(b"k8s\0\x0a\x09\x0a\x02v1\x12\x03Pod");
    let sent = client.ask(Method::POST, PODS, &[("content-type", protobuf)], body).await;
    assert_eq!(sent.code, 415, "{}", sent.body);
    let sent =
        client.ask(Method::POST, PODS, &[("content-type", "text/xml")], "<pod/>".into()).await;
    assert_eq!((sent.code, sent.body["reason"].as_str()), (415, Some("UnsupportedMediaType")));
    let broken = Bytes::from_static(b"{");
    assert_eq!(client.ask(Method::POST, PODS, &[], broken).await.code, 400);
    let huge = Bytes::from(vec![b' '; 4 << 20]);
    assert_eq!(client.ask(Method::POST, PODS, &[], huge).await.code, 413);
}

#[tokio::test]
async fn reviews_tell_the_truth() {
    let (sandbox, client) = sandbox().await;
    let tokens = "/apis/authentication.k8s.io/v1/tokenreviews";
    let known = client.post(tokens, &json!({"spec": {"token": sandbox.token()}})).await.body;
    assert_eq!(known["status"]["authenticated"], true);
    let unknown = client.post(tokens, &json!({"spec": {"token": "x"}})).await.body;
    assert_eq!(unknown["status"]["authenticated"], false);
    let access = "/apis/authorization.k8s.io/v1/subjectaccessreviews";
    for (user, allowed) in [(&known["status"]["user"]["username"], true), (&json!("eve"), false)] {
        let review = client.post(access, &json!({"spec": {"user": user}})).await.body;
        assert_eq!(review["status"]["allowed"], allowed);
    }
}

#[tokio::test]
async fn what_is_not_there_is_a_status_too() {
    let (_sandbox, client) = sandbox().await;
    client.post(PODS, &pod("a")).await;
    let logs = client.get(&format!("{PODS}/a/log")).await;
    assert_eq!((logs.code, logs.body["reason"].as_str()), (501, Some("NotImplemented")));
    assert_eq!(client.get("/apis/example.com/v1/things").await.code, 404);
    assert_eq!(client.put(PODS, &pod("a")).await.code, 405);
    assert_eq!(client.get("/api/v1/nodes/none").await.body["details"]["name"], "none");
}

#[tokio::test]
async fn only_loopback_is_served() {
    let options = berth_sandbox::Options {
        address: "0.0.0.0:0".parse().unwrap(),
        ..berth_sandbox::Options::default()
    };
    assert!(berth_sandbox::Sandbox::start(options).await.is_err());
}
