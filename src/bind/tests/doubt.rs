//! Binds that were not simply carried out: answers lost, and conflicts.

use std::sync::Mutex;

use super::*;

fn methods(seen: &[Seen]) -> Vec<&str> {
    seen.iter().map(|seen| seen.method.as_str()).collect()
}

/// A server that does `post` with the bind and then answers looks with `looks`, in order.
async fn after(post: Reply, looks: Vec<Reply>) -> (BindOutcome, Vec<Seen>) {
    let looks = Mutex::new(looks.into_iter());
    let mut bench = Bench::new(options(), move |seen| match seen.method.as_str() {
        "POST" => post.clone(),
        _ => looks.lock().unwrap().next().unwrap_or(Reply::Close),
    })
    .await;
    let outcome = bench.bind("p").await;
    (outcome, bench.server.requests())
}

#[tokio::test]
async fn a_lost_answer_is_looked_up() {
    let post = || Reply::status(504, "Timeout", "etcd");
    let (outcome, seen) = after(post(), vec![pod_on("n1")]).await;
    assert_eq!(outcome, BindOutcome::Bound);
    assert_eq!((&*seen[1].method, &*seen[1].path), ("GET", "/api/v1/namespaces/ns/pods/p"));
    let (outcome, _) = after(Reply::Close, vec![pod_on("n2")]).await;
    assert_eq!(outcome, BindOutcome::Conflict("the pod is bound to node n2".into()));
    let (outcome, _) = after(post(), vec![Reply::status(404, "NotFound", "")]).await;
    assert_eq!(outcome, BindOutcome::Gone);
    let other = Reply::json(200, r#"{"metadata":{"uid":"other"},"spec":{"nodeName":"n1"}}"#);
    let (outcome, _) = after(post(), vec![other]).await;
    assert_eq!(outcome, BindOutcome::Replaced, "a namesake is not our pod");
}

#[tokio::test]
async fn a_lost_bind_is_not_given_up_before_the_pod_has_been_written() {
    let unavailable = || Reply::status(503, "ServiceUnavailable", "");
    let looks = vec![
        pod_on(""),
        // Not written, so the bind may still be carried out.
        unavailable(),
        pod_on(""),
        Reply::Close,
        pod_on(""),
        pod_at(9, ""),
    ];
    let (outcome, seen) = after(Reply::Close, looks).await;
    let BindOutcome::NotBound { message, resource_version, is_told } = outcome else {
        panic!("{outcome:?}")
    };
    assert_eq!((resource_version, is_told), (9, true));
    assert_eq!(methods(&seen), ["POST", "GET", "PATCH", "GET", "PATCH", "GET", "PATCH"]);
    let patch = seen[6].json();
    assert_eq!(seen[6].path, "/api/v1/namespaces/ns/pods/p/status");
    assert_eq!(patch["metadata"], json!({"uid": "uid-p", "resourceVersion": "7"}));
    let condition = &patch["status"]["conditions"][0];
    assert_eq!((condition["status"].as_str(), condition["reason"].as_str()), {
        (Some("False"), Some("SchedulerError"))
    });
    assert_eq!(condition["message"], message);
}

#[tokio::test]
async fn a_bind_that_arrives_before_the_write_has_bound_the_pod() {
    let conflict = Reply::status(409, "Conflict", "the object has been modified");
    let (outcome, _) = after(Reply::Close, vec![pod_on(""), conflict, pod_at(8, "n1")]).await;
    assert_eq!(outcome, BindOutcome::Bound);
}

#[tokio::test]
async fn a_pod_that_has_changed_by_itself_needs_no_write() {
    let (outcome, seen) = after(Reply::Close, vec![pod_at(8, "")]).await;
    let BindOutcome::NotBound { resource_version: 8, is_told: false, .. } = outcome else {
        panic!("{outcome:?}")
    };
    assert_eq!(methods(&seen), ["POST", "GET"]);
}

#[tokio::test]
async fn a_write_that_changes_nothing_frees_no_room() {
    let looks = vec![pod_on(""); 1_000];
    let (outcome, seen) = after(Reply::Close, looks).await;
    // Not before the time is up in which the server may carry the bind out.
    assert!(matches!(outcome, BindOutcome::Denied(_)), "{outcome:?}");
    assert!(seen.len() > 10, "{}", seen.len());
}

/// Binds a pod on a server that answers POSTs and looks from two lists.
async fn conflicts(posts: Vec<Reply>, looks: Vec<Reply>) -> (BindOutcome, Vec<Seen>) {
    let (posts, looks) = (Mutex::new(posts.into_iter()), Mutex::new(looks.into_iter()));
    let mut bench = Bench::new(options(), move |seen| {
        let replies = if seen.method == "POST" { &posts } else { &looks };
        replies.lock().unwrap().next().unwrap_or(Reply::Close)
    })
    .await;
    let outcome = bench.bind("p").await;
    (outcome, bench.server.requests())
}

#[tokio::test]
async fn a_pod_that_has_changed_is_bound_again_at_once() {
    let conflict = || Reply::status(409, "Conflict", "why");
    let (outcome, seen) =
        conflicts(vec![conflict(), conflict(), created()], vec![pod_at(8, ""), pod_at(9, "")])
            .await;
    assert_eq!(outcome, BindOutcome::Bound);
    let posted = seen.iter().filter(|seen| seen.method == "POST");
    let versions: Vec<_> =
        posted.map(|seen| seen.json()["metadata"]["resourceVersion"].clone()).collect();
    assert_eq!(versions, ["7", "8", "9"]);
    // Not for ever.
    let looks = (8..100).map(|version| pod_at(version, "")).collect();
    let (outcome, seen) = conflicts(vec![conflict(); 100], looks).await;
    assert_eq!(outcome, BindOutcome::Conflict("409 Conflict: why".into()));
    assert_eq!(seen.iter().filter(|seen| seen.method == "POST").count(), 5);
}

#[tokio::test]
async fn a_conflict_is_looked_into() {
    let going = r#"{"metadata":{"uid":"uid-p","resourceVersion":"8","deletionTimestamp":"2026-01-02T15:04:05Z"}}"#;
    let other = r#"{"metadata":{"uid":"other","resourceVersion":"3"}}"#;
    let conflict = || BindOutcome::Conflict("409 Conflict: why".into());
    let table = [
        (vec![pod_at(8, "n1")], BindOutcome::Bound),
        (vec![pod_at(8, "n2")], BindOutcome::Conflict("the pod is bound to node n2".into())),
        (vec![Reply::json(200, other)], BindOutcome::Replaced),
        (vec![Reply::status(404, "NotFound", "")], BindOutcome::Gone),
        (vec![Reply::json(200, going)], conflict()),
        // No other version: it was something else that the server did not like.
        (vec![pod_at(7, "")], conflict()),
        (vec![Reply::status(403, "Forbidden", "")], conflict()),
        (vec![], conflict()),
        (vec![Reply::Close, pod_at(7, "n1")], BindOutcome::Bound),
    ];
    for (looks, expected) in table {
        let text = format!("{looks:?}");
        let (outcome, seen) = conflicts(vec![Reply::status(409, "Conflict", "why")], looks).await;
        assert_eq!(outcome, expected, "{text}");
        assert_eq!(seen.iter().filter(|seen| seen.method == "POST").count(), 1, "{text}");
    }
}

#[tokio::test]
async fn looking_goes_on_until_the_server_tells() {
    let mut looks = vec![Reply::status(503, "ServiceUnavailable", ""); 20];
    looks.extend([Reply::Close, Reply::status(500, "InternalError", ""), pod_on("n1")]);
    let (outcome, seen) = after(Reply::Close, looks).await;
    assert_eq!(outcome, BindOutcome::Bound);
    let methods: Vec<_> = seen.iter().map(|s| s.method.as_str()).collect();
    assert_eq!(methods.iter().filter(|m| **m == "POST").count(), 1);
    assert_eq!(methods.len(), 24);
}

#[tokio::test]
async fn a_refused_look_ends() {
    let looks = vec![Reply::status(403, "Forbidden", "pods: get"); 100];
    let (outcome, seen) = after(Reply::Close, looks).await;
    let BindOutcome::Denied(text) = outcome else { panic!("{outcome:?}") };
    assert!(text.contains("ns/p") && text.contains("pods: get"), "{text}");
    assert!(seen.len() > 5, "{}", seen.len());
}

#[tokio::test]
async fn a_pod_that_another_has_replaced_is_doubted() {
    let gone = || Reply::status(404, "NotFound", "");
    let other = || Reply::json(200, r#"{"metadata":{"uid":"other","resourceVersion":"3"}}"#);
    let conflict = Reply::status(409, "Conflict", "uid");
    for (post, look) in [(gone(), gone()), (conflict, other())] {
        let (doubts, mut doubted) = Doubts::channel();
        let options = BindOptions { doubts: Some(doubts), ..options() };
        let mut bench = Bench::new(options, move |seen| match seen.method.as_str() {
            "POST" => post.clone(),
            _ => look.clone(),
        })
        .await;
        bench.bind("p").await;
        let (key, uid) = doubted.recv().await.unwrap();
        assert_eq!((&*key.name, &*uid), ("p", "uid-p"));
    }
}
