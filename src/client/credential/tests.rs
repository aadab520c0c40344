#![allow(clippy::unwrap_used)]

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use super::super::fake::{FakeServer, Reply};
use super::super::{ConnectOptions, connect, exchange, request};
use super::*;

const LONG: Duration = Duration::from_secs(60);

/// A kubeconfig whose plugin counts its runs in `calls`, and issues `token-N`.
fn kubeconfig(directory: &Path, server: &str, expires: &str) -> std::path::PathBuf {
    let (plugin, calls) = (directory.join("plugin"), directory.join("calls"));
    let calls = calls.display();
    let script = format!(
        r#"#!/bin/sh
echo "$KUBERNETES_EXEC_INFO" >> {calls}
echo '{{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{{
"token":"token-'$(wc -l < {calls})'"{expires}}}}}'
"#
    );
    std::fs::write(&plugin, script).unwrap();
    std::fs::set_permissions(&plugin, std::fs::Permissions::from_mode(0o700)).unwrap();
    let text = format!(
        r#"{{"apiVersion":"v1","kind":"Config","current-context":"c",
        "clusters":[{{"name":"k","cluster":{{"server":"{server}"}}}}],
        "users":[{{"name":"u","user":{{"exec":{{"interactiveMode":"Never",
            "apiVersion":"client.authentication.k8s.io/v1","command":"{}"}}}}}}],
        "contexts":[{{"name":"c","context":{{"cluster":"k","user":"u"}}}}]}}"#,
        plugin.display()
    );
    let path = directory.join("kubeconfig");
    std::fs::write(&path, text).unwrap();
    path
}

fn calls(directory: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(directory.join("calls")).unwrap();
    text.lines().map(str::to_owned).collect()
}

#[tokio::test]
async fn a_plugin_runs_once_for_all_clients() {
    let directory = tempfile::tempdir().unwrap();
    let version = r#"{"major":"1","minor":"37","gitVersion":"","gitCommit":"","gitTreeState":"",
        "buildDate":"","goVersion":"","compiler":"","platform":""}"#;
    let server = FakeServer::start(move |_| Reply::json(200, version)).await;
    let kubeconfig = kubeconfig(directory.path(), &server.url(), "");
    let options = ConnectOptions { kubeconfig: Some(kubeconfig), master: None };
    let clients = (connect(&options).await.unwrap(), connect(&options).await.unwrap());
    for client in [&clients.0, &clients.1] {
        exchange(client, request("GET", "/x", None).unwrap(), LONG).await.unwrap();
        client.kube().apiserver_version().await.unwrap();
    }
    let requests = server.requests();
    assert_eq!(requests.len(), 4);
    for seen in requests {
        assert_eq!(seen.header("authorization"), "Bearer token-1");
    }
    let calls = calls(directory.path());
    assert_eq!(calls.len(), 1, "{calls:?}");
    let info: serde_json::Value = serde_json::from_str(&calls[0]).unwrap();
    assert_eq!(info["spec"]["interactive"], false);
}

#[tokio::test]
async fn a_refused_token_is_renewed_while_requests_go_on() {
    let directory = tempfile::tempdir().unwrap();
    let server = FakeServer::start(|seen| match seen.header("authorization") {
        "Bearer token-2" => Reply::json(200, "{}"),
        _ => Reply::status(401, "Unauthorized", ""),
    })
    .await;
    let kubeconfig = kubeconfig(directory.path(), &server.url(), "");
    let options = ConnectOptions { kubeconfig: Some(kubeconfig), master: None };
    let client = connect(&options).await.unwrap();
    let get = async || {
        let request = request("GET", "/x", None).unwrap();
        exchange(&client, request, LONG).await.unwrap().status
    };
    assert_eq!(get().await, 401);
    while get().await == 401 {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(calls(directory.path()).len(), 2);
}

#[test]
fn a_token_is_renewed_before_its_end() {
    let now = Timestamp::now();
    for (left, expected) in [(3600, 3540), (75, 38), (0, 10), (-5, 10)] {
        let expires = now.checked_add(jiff::SignedDuration::from_secs(left)).unwrap();
        assert_eq!(use_for(expires, now).as_secs_f64().ceil() as u64, expected, "{left}");
    }
}

#[tokio::test]
async fn a_plugin_that_issues_nothing_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let kubeconfig = kubeconfig(directory.path(), "http://127.0.0.1:1", "");
    let options = ConnectOptions { kubeconfig: Some(kubeconfig), master: None };
    let plugin = directory.path().join("plugin");
    for (script, expected) in [
        ("#!/bin/sh\nexit 3\n", "exit status: 3"),
        ("#!/bin/sh\necho '['\n", "has not printed an ExecCredential"),
        ("#!/bin/sh\necho '{status: {}}'\n", "neither a token nor a certificate"),
        ("", "cannot be started"),
    ] {
        if script.is_empty() {
            std::fs::remove_file(&plugin).unwrap();
        } else {
            std::fs::write(&plugin, script).unwrap();
        }
        let error = connect(&options).await.unwrap_err().to_string();
        let named = plugin.display().to_string();
        assert!(error.contains(&named) && error.contains(expected), "{error}");
    }
}
