#![allow(clippy::unwrap_used)]

mod floods;
mod troubles;

use super::*;
use crate::client::fake::{FakeServer, Reply, Seen};

/// An API server with three tokens: `good` may get /metrics, `poor` nothing, `root` is a master.
fn script(seen: &Seen) -> Reply {
    let body = seen.json();
    if seen.path.ends_with("tokenreviews") {
        let user = |name: &str, group: &str| {
            json!({"authenticated": true, "user": {"username": name, "uid": "u",
                "groups": [group], "extra": {"scope": ["a"]}}})
        };
        let status = match body["spec"]["token"].as_str().unwrap() {
            "good" => user("prometheus", "monitoring"),
            "poor" => user("poor", "none"),
            "root" => user("admin", "system:masters"),
            "broken" => return Reply::status(500, "InternalError", "etcd"),
            _ => json!({"authenticated": false, "error": "unknown token"}),
        };
        return Reply::json(201, &json!({"kind": "TokenReview", "status": status}).to_string());
    }
    assert_eq!(seen.path, "/apis/authorization.k8s.io/v1/subjectaccessreviews");
    let spec = &body["spec"];
    let allowed = spec["user"] == "prometheus"
        && spec["groups"] == json!(["monitoring", "system:authenticated"])
        && spec["extra"] == json!({"scope": ["a"]})
        && spec["nonResourceAttributes"] == json!({"path": "/metrics", "verb": "get"});
    let status = json!({"allowed": allowed, "reason": if allowed { "" } else { "no RBAC" }});
    Reply::json(201, &json!({"kind": "SubjectAccessReview", "status": status}).to_string())
}

async fn access() -> (FakeServer, Access) {
    let server = FakeServer::start(script).await;
    let open = ["/healthz", "/readyz", "/livez", "/open/*"].map(str::to_owned).to_vec();
    let access = Access::new(server.client(), server.client(), open);
    (server, access)
}

#[tokio::test]
async fn tokens_and_what_they_may() {
    let (server, access) = access().await;
    let check = async |path, header| access.check("get", path, header, None).await;
    assert_eq!(check("/metrics", Some("Bearer good")).await, Ok(()));
    assert_eq!(check("/metrics", Some("bearer  good ")).await, Ok(()));
    assert_eq!(server.requests().len(), 2, "the second answer is remembered");
    let forbidden = |who: &str, path: &str| {
        let text = format!("forbidden: User \"{who}\" cannot get path \"{path}\": no RBAC");
        Err(Refusal::Forbidden(text))
    };
    assert_eq!(check("/configz", Some("Bearer good")).await, forbidden("prometheus", "/configz"));
    assert_eq!(check("/metrics", Some("Bearer poor")).await, forbidden("poor", "/metrics"));
    assert_eq!(check("/metrics", None).await, forbidden("system:anonymous", "/metrics"));
    assert_eq!(
        check("/metrics", Some("Basic YTpi")).await,
        forbidden("system:anonymous", "/metrics")
    );
    assert_eq!(check("/metrics", Some("Bearer bad")).await, Err(Refusal::Unauthorized));
    let asked = server.requests().len();
    assert_eq!(check("/metrics", Some("Bearer bad")).await, Err(Refusal::Unauthorized));
    assert_eq!(server.requests().len(), asked, "a refusal is remembered too");
}

#[tokio::test]
async fn masters_and_open_paths_ask_no_one() {
    let (server, access) = access().await;
    for path in ["/healthz", "/readyz", "/open/door"] {
        assert_eq!(access.check("get", path, Some("Bearer bad"), None).await, Ok(()), "{path}");
    }
    assert!(server.requests().is_empty());
    assert_eq!(access.check("get", "/debug/cache", Some("Bearer root"), None).await, Ok(()));
    assert_eq!(server.requests().len(), 1, "a token review and no access review");
    assert!(access.check("get", "/readyz/ping", None, None).await.is_err(), "as in kube-scheduler");
}

#[tokio::test]
async fn an_api_server_in_trouble_opens_nothing() {
    let (server, access) = access().await;
    let refused = access.check("get", "/metrics", Some("Bearer broken"), None).await;
    assert_eq!(refused, Err(Refusal::Unknown("500 InternalError: etcd".to_owned())));
    let asked = server.requests().len();
    let refused = access.check("get", "/metrics", Some("Bearer broken"), None).await;
    assert!(matches!(refused, Err(Refusal::Unknown(_))));
    assert_eq!(server.requests().len(), asked + 1, "trouble is not remembered");
    let long = format!("Bearer {}", "x".repeat(TOKEN_MAX + 1));
    let refused = access.check("get", "/metrics", Some(&long), None).await;
    assert_eq!(refused, Err(Refusal::Unauthorized));
}
