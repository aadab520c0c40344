//! What is printed where `berth run` cannot start: each cause once, in the form of the log.

#![allow(clippy::unwrap_used)]

use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Output};

fn run(flags: &[&str], rust_log: &str) -> Output {
    Command::new(env!("CARGO_BIN_EXE_berth"))
        .arg("run")
        .args(flags)
        .env("RUST_LOG", rust_log)
        .env_remove("KUBERNETES_SERVICE_HOST")
        .output()
        .unwrap()
}

/// A kubeconfig of a server that nobody has to answer for.
fn kubeconfig(directory: &Path) -> String {
    let path = directory.join("kubeconfig");
    let text = r#"{"apiVersion":"v1","kind":"Config","current-context":"c",
        "clusters":[{"name":"k","cluster":{"server":"https://127.0.0.1:1"}}],
        "users":[{"name":"u","user":{"token":"t"}}],
        "contexts":[{"name":"c","context":{"cluster":"k","user":"u"}}]}"#;
    std::fs::write(&path, text).unwrap();
    format!("--kubeconfig={}", path.display())
}

#[test]
fn a_cause_is_printed_once_and_in_the_form_of_the_log() {
    let directory = tempfile::tempdir().unwrap();
    let kubeconfig = kubeconfig(directory.path());
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = format!("--secure-port={}", taken.local_addr().unwrap().port());
    let broken = directory.path().join("broken");
    std::fs::write(&broken, "a: [").unwrap();
    let broken = format!("--kubeconfig={}", broken.display());
    let serve = ["--bind-address=127.0.0.1", &port, &kubeconfig];
    for (flags, rust_log, cause) in [
        (&["--kubeconfig=/nonexistent/file"][..], "", "No such file or directory"),
        (&["--config=/nonexistent/file"], "", "No such file or directory"),
        (&[&broken], "", "unclosed bracket '[': "),
        (&[], "", "environment variable not found"),
        (&serve, "", "Address already in use"),
        (&[&kubeconfig], "berth=loud", "expected one of"),
    ] {
        for form in ["text", "json"] {
            let logging = format!("--logging-format={form}");
            let flags = [flags, &[&logging]].concat();
            let output = run(&flags, rust_log);
            let text = String::from_utf8(output.stderr).unwrap();
            assert_eq!(output.status.code(), Some(1), "{text}");
            let told = text.matches(cause.trim_end_matches(": ")).count();
            // The YAML parser draws a picture with the same words below its message.
            let most = if cause.ends_with(": ") { 2 } else { 1 };
            assert!((1..=most).contains(&told), "{flags:?}: {text}");
            if form == "json" {
                let line = text.lines().last().unwrap();
                let line: serde_json::Value = serde_json::from_str(line).unwrap();
                assert_eq!(line["level"], "error", "{text}");
            }
        }
    }
}

#[test]
fn an_unverified_server_is_told_once() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("kubeconfig");
    kubeconfig(directory.path());
    let text = std::fs::read_to_string(&path).unwrap();
    let url = "\"server\":\"https://127.0.0.1:1\"";
    let unverified = format!("{url},\"insecure-skip-tls-verify\":true");
    std::fs::write(&path, text.replace(url, &unverified)).unwrap();
    let flags = ["kubeconfig", "authentication-kubeconfig", "authorization-kubeconfig"]
        .map(|flag| format!("--{flag}={}", path.display()));
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = format!("--secure-port={}", taken.local_addr().unwrap().port());
    // Three clients, and then an end.
    let flags = [&flags[0], &flags[1], &flags[2], "--bind-address=127.0.0.1", &port];
    let text = String::from_utf8(run(&flags, "").stderr).unwrap();
    assert_eq!(text.matches("not verified").count(), 1, "{text}");
    assert!(text.contains("Address already in use"), "{text}");
}

#[test]
fn a_proxy_that_is_not_for_the_server_stops_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let kubeconfig = kubeconfig(directory.path());
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = format!("--secure-port={}", taken.local_addr().unwrap().port());
    let flags = ["run", "--bind-address=127.0.0.1", &kubeconfig, &port];
    for (server, no_proxy) in [("https://127.0.0.1:1", ""), ("https://api.invalid", ".invalid")] {
        for proxy in ["http://127.0.0.1:9", "socks5://127.0.0.1:9", "::"] {
            let output = Command::new(env!("CARGO_BIN_EXE_berth"))
                .args(flags)
                .arg(format!("--master={server}"))
                .envs([("HTTPS_PROXY", proxy), ("https_proxy", proxy), ("NO_PROXY", no_proxy)])
                .env_remove("no_proxy")
                .output()
                .unwrap();
            let text = String::from_utf8(output.stderr).unwrap();
            // The client was made: what fails comes after it.
            assert!(text.contains("Address already in use"), "{server} {proxy}: {text}");
            assert!(!text.contains("proxy"), "{text}");
        }
    }
}

#[test]
fn a_wrong_filter_is_named() {
    let text = String::from_utf8(run(&[], "berth=loud").stderr).unwrap();
    assert!(text.starts_with("berth: RUST_LOG \"berth=loud\": "), "{text}");
}
