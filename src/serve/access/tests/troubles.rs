//! Whatever the API server says but a clear yes lets nobody in.

use super::*;

/// The deadline of a review here.
const SOON: Duration = Duration::from_millis(200);

/// Answers that are no yes, for a review of this kind.
fn troubles(kind: &'static str, yes: &serde_json::Value) -> Vec<(String, Reply)> {
    let with = |status: serde_json::Value| json!({"kind": kind, "status": status}).to_string();
    let mut replies = vec![
        ("hangs".to_owned(), Reply::Hang),
        ("closes".to_owned(), Reply::Close),
        ("not JSON".to_owned(), Reply::json(201, "<html>yes</html>")),
        ("empty".to_owned(), Reply::json(201, "")),
        ("cut off".to_owned(), Reply::json(201, &with(yes.clone())[..30])),
        ("no status".to_owned(), Reply::json(201, &json!({ "kind": kind }).to_string())),
        ("null".to_owned(), Reply::json(201, &with(json!(null)))),
        ("status of nothing".to_owned(), Reply::json(201, &with(json!({})))),
        (
            "another kind".to_owned(),
            Reply::json(201, &json!({"kind": "Status", "status": yes}).to_string()),
        ),
    ];
    // A yes in the body does not count where the code says no.
    for code in [301, 400, 401, 403, 404, 409, 415, 422, 429, 500, 503, 504] {
        replies.push((format!("{code} with a yes"), Reply::json(code, &with(yes.clone()))));
        replies.push((format!("{code}"), Reply::status(code, "Reason", "message")));
    }
    replies
}

/// Asks with a token of an API server that answers the reviews of `kind` by `reply`, and others
/// by yes; what a second try says, too.
async fn refused(kind: &'static str, name: &str, reply: Reply) {
    let yes_to_all = move |seen: &Seen| {
        let asked = seen.json()["kind"].as_str().unwrap().to_owned();
        match asked.as_str() {
            asked if asked == kind => reply.clone(),
            "TokenReview" => Reply::json(201, &token_yes().to_string()),
            _ => Reply::json(201, &access_yes().to_string()),
        }
    };
    let server = FakeServer::start(yes_to_all).await;
    let mut access = Access::new(server.client(), server.client(), Vec::new());
    access.reviewer = Reviewer::new(SOON, Instant::now());
    for time in ["first", "second"] {
        let answer = access.check("get", "/metrics", Some("Bearer t"), None).await;
        assert!(answer.is_err(), "{kind} {name}: let in the {time} time");
    }
}

fn token_yes() -> serde_json::Value {
    json!({"kind": "TokenReview", "status": {"authenticated": true, "user": {"username": "u"}}})
}

fn access_yes() -> serde_json::Value {
    json!({"kind": "SubjectAccessReview", "status": {"allowed": true}})
}

#[tokio::test]
async fn a_clear_yes_lets_in() {
    let server = FakeServer::start(|seen| {
        let yes = if seen.path.ends_with("tokenreviews") { token_yes() } else { access_yes() };
        Reply::json(201, &yes.to_string())
    })
    .await;
    let access = Access::new(server.client(), server.client(), Vec::new());
    assert_eq!(access.check("get", "/metrics", Some("Bearer t"), None).await, Ok(()));
}

#[tokio::test]
async fn an_access_review_that_is_no_clear_yes_lets_nobody_in() {
    let kind = "SubjectAccessReview";
    let mut replies = troubles(kind, &access_yes()["status"]);
    for status in [
        json!({"allowed": true, "denied": true}),
        json!({"allowed": false}),
        json!({"allowed": false, "denied": true, "reason": "no"}),
        json!({"denied": false}),
        json!({"allowed": "true"}),
        json!({"allowed": 1}),
        json!({"allowed": null}),
        json!({"allowed": true, "denied": "no"}),
        json!([true]),
    ] {
        let body = json!({"kind": kind, "status": status}).to_string();
        replies.push((status.to_string(), Reply::json(201, &body)));
    }
    for (name, reply) in replies {
        refused(kind, &name, reply).await;
    }
}

#[tokio::test]
async fn a_token_review_that_is_no_clear_yes_lets_nobody_in() {
    let kind = "TokenReview";
    let mut replies = troubles(kind, &token_yes()["status"]);
    let user = json!({"username": "u"});
    for status in [
        json!({"authenticated": false, "user": user}),
        json!({"user": user}),
        json!({"authenticated": "true", "user": user}),
        json!({"authenticated": 1, "user": user}),
        json!({"authenticated": null, "user": user}),
        json!({"authenticated": true}),
        json!({"authenticated": true, "user": null}),
        json!({"authenticated": true, "user": {}}),
        json!({"authenticated": true, "user": {"groups": ["system:masters"]}}),
        json!({"authenticated": true, "user": {"username": ""}}),
        json!({"authenticated": true, "user": "u"}),
        json!({"authenticated": true, "user": user, "error": "cannot be checked"}),
    ] {
        let body = json!({"kind": kind, "status": status}).to_string();
        replies.push((status.to_string(), Reply::json(201, &body)));
    }
    for (name, reply) in replies {
        refused(kind, &name, reply).await;
    }
}

#[tokio::test]
async fn an_api_server_that_is_gone_lets_nobody_in() {
    let server = FakeServer::start(|_| Reply::Close).await;
    let access = Access::new(server.client(), server.client(), Vec::new());
    drop(server);
    for token in [None, Some("Bearer t")] {
        let answer = access.check("get", "/metrics", token, None).await;
        assert!(matches!(answer, Err(Refusal::Unknown(_))), "{answer:?}");
    }
}
