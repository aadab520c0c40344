//! What came of a request: an answer of the server, or why there is none.

use std::time::Duration;

use bytes::Bytes;
use http::Response;
use http::header::RETRY_AFTER;
use prost::Message;
use serde::Deserialize;

use super::protobuf;
use super::status::Status;

/// What the server said.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    /// HTTP status code.
    pub(crate) status: u16,
    /// Header `Retry-After`, where it counts seconds.
    pub(crate) retry_after: Option<Duration>,
    /// Header `Date`, in seconds of the epoch.
    pub(crate) date: Option<i64>,
    /// The body; empty where it could not be read after a status had come.
    pub(crate) body: Bytes,
}

impl Answer {
    /// Whether the request was granted.
    pub(crate) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The `v1.Status` in the body, if it is one. An answer in protobuf that is no success can be
    /// nothing else.
    pub(crate) fn api_status(&self) -> Option<Status> {
        if let Some(raw) = protobuf::content(&self.body) {
            return Status::decode(raw).ok();
        }
        let typed = serde_json::from_slice::<Typed>(&self.body).ok()?;
        (typed.kind == "Status").then_some(typed.status)
    }

    /// Code, reason and message for people.
    pub(crate) fn text(&self) -> String {
        match self.api_status() {
            Some(status) => format!("{} {}: {}", self.status, status.reason(), status.message()),
            None => {
                let body = String::from_utf8_lossy(&self.body);
                let line = body.lines().next().unwrap_or_default();
                format!("{} {}", self.status, line.chars().take(200).collect::<String>())
            }
        }
    }
}

/// A `v1.Status` in JSON, which says what it is.
#[derive(Deserialize)]
struct Typed {
    kind: String,
    #[serde(flatten)]
    status: Status,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Failure {
    /// The request never left: the server has not seen it.
    #[error("{0}")]
    Unsent(String),
    /// The request may have been carried out.
    #[error("no answer: {0}")]
    Lost(String),
}

impl From<Response<Bytes>> for Answer {
    fn from(response: Response<Bytes>) -> Self {
        let (head, body) = response.into_parts();
        let header = |name| head.headers.get(name).and_then(|v| v.to_str().ok());
        let retry_after = header(RETRY_AFTER).and_then(|v| v.trim().parse().ok());
        Self {
            status: head.status.as_u16(),
            retry_after: retry_after.map(Duration::from_secs),
            date: header(http::header::DATE).and_then(parse_date),
            body,
        }
    }
}

/// `Date` of HTTP, RFC 9110 §5.6.7, to seconds of the epoch.
fn parse_date(value: &str) -> Option<i64> {
    jiff::fmt::rfc2822::parse(value).ok().map(|zoned| zoned.timestamp().as_second())
}
