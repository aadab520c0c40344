#![allow(clippy::unwrap_used)]
use std::io::Write;
use std::sync::{Arc, Mutex};

use super::*;

#[derive(Clone, Default)]
struct Sink(Arc<Mutex<Vec<u8>>>);

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn logged(verbosity: u8) -> Vec<Value> {
    let sink = Sink::default();
    let writer = sink.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::builder().parse(directives(verbosity)).unwrap())
        .with_writer(move || writer.clone())
        .event_format(JsonLines)
        .finish();
    tracing::subscriber::with_default(subscriber, || {
        tracing::info!(target: "berth::scheduler", pods = 3, name = "a \"b\"", "started");
        tracing::info!(target: DECISION, pod = "default/p", node = "n1", "bound");
        tracing::debug!(target: "berth::watch", "list");
        tracing::trace!(target: "berth_engine", "step");
        tracing::info!(target: "hyper", "connected");
        tracing::warn!(target: "hyper", "closed");
        tracing::warn!(target: "kube_client::client::tls", "Server cert bypassed");
        tracing::error!(target: "kube_client::client::builder", "failed with error");
    });
    let text = String::from_utf8(sink.0.lock().unwrap().clone()).unwrap();
    text.lines().map(|l| serde_json::from_str(l).unwrap()).collect()
}

fn messages(verbosity: u8) -> Vec<String> {
    logged(verbosity).iter().map(|l| l["msg"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn verbosity_selects_what_is_logged() {
    assert_eq!(messages(0), ["started", "closed"]);
    assert_eq!(messages(2), ["started", "bound", "closed"]);
    assert_eq!(messages(4), ["started", "bound", "list", "closed"]);
    assert_eq!(messages(10), ["started", "bound", "list", "step", "closed"]);
}

#[test]
fn no_line_holds_what_a_terminal_obeys() {
    let hostile = "\u{1b}[31m\u{9b}2J\u{7f}";
    let log = || {
        let error = std::io::Error::other(hostile);
        tracing::info!(pod = hostile, name = %hostile, ?hostile, %error, "{hostile}");
    };
    let sink = Sink::default();
    let writer = sink.clone();
    let builder = tracing_subscriber::fmt().with_writer(move || writer.clone());
    let subscriber = builder.fmt_fields(text_fields()).with_ansi(false).finish();
    tracing::subscriber::with_default(subscriber, log);
    let writer = sink.clone();
    let builder = tracing_subscriber::fmt().with_writer(move || writer.clone());
    tracing::subscriber::with_default(builder.event_format(JsonLines).finish(), log);
    let logged = String::from_utf8(sink.0.lock().unwrap().clone()).unwrap();
    let fatal = String::from_utf8(line(LogFormat::Json, "ERROR", hostile)).unwrap();
    for text in logged.lines().chain(fatal.lines()) {
        assert!(text.contains("31m"), "{text}");
        assert!(!text.contains(char::is_control), "{text:?}");
    }
    assert_eq!(logged.lines().count(), 2);
}

#[test]
fn lines_of_no_subscriber_look_like_the_others() {
    let text = String::from_utf8(line(LogFormat::Text, "WARN", "3 lines")).unwrap();
    assert!(text.ends_with("Z  WARN berth::cli::logging: 3 lines\n"), "{text}");
    let json = line(LogFormat::Json, "ERROR", "a \"b\"\nc");
    let json: Value = serde_json::from_slice(&json).unwrap();
    assert_eq!((&json["level"], &json["msg"]), (&"error".into(), &"a \"b\"\nc".into()));
    assert!(json["ts"].as_str().unwrap().parse::<Timestamp>().is_ok());
}

#[test]
fn a_json_line_holds_time_level_message_and_fields() {
    let line = &logged(0)[0];
    assert_eq!(line["level"], "info");
    assert_eq!(line["pods"], 3);
    assert_eq!(line["name"], "a \"b\"");
    assert!(line["ts"].as_str().unwrap().parse::<Timestamp>().is_ok());
}
