//! One request, one answer, one deadline. Enter at [`exchange`].

use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, Request, Response};
use prost::Message;
use serde::Deserialize;

use super::Client;
use super::pace::Sign;
use super::pool::Content;
use super::protobuf::{self, PROTOBUF};

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

    /// The `v1.Status` in the body, if it is one.
    pub(crate) fn api_status(&self) -> Option<ApiStatus> {
        if let Some(raw) = protobuf::content(&self.body) {
            return WireStatus::decode(raw).ok().map(ApiStatus::from);
        }
        serde_json::from_slice::<ApiStatus>(&self.body).ok().filter(|s| s.kind == "Status")
    }

    /// Code, reason and message for people.
    pub(crate) fn text(&self) -> String {
        match self.api_status() {
            Some(status) => format!("{} {}: {}", self.status, status.reason, status.message),
            None => {
                let body = String::from_utf8_lossy(&self.body);
                let line = body.lines().next().unwrap_or_default();
                format!("{} {}", self.status, line.chars().take(200).collect::<String>())
            }
        }
    }
}

/// `v1.Status`, as far as it is read.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ApiStatus {
    /// Always `Status`.
    pub(crate) kind: String,
    /// Machine-readable, such as `Conflict`.
    pub(crate) reason: String,
    /// For people.
    pub(crate) message: String,
}

/// `v1.Status` as protobuf: asked of an answer that is no success, so that it can be nothing else.
#[derive(Clone, PartialEq, Eq, prost::Message)]
struct WireStatus {
    #[prost(string, tag = "3")]
    message: String,
    #[prost(string, tag = "4")]
    reason: String,
}

impl From<WireStatus> for ApiStatus {
    fn from(wire: WireStatus) -> Self {
        Self { kind: "Status".to_owned(), reason: wire.reason, message: wire.message }
    }
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

/// Builds a request with an optional body of the given content type. Whoever writes protobuf is
/// answered in it.
///
/// # Errors
/// `path` cannot stand in a URL: a name that the API server would not have let pass.
pub(crate) fn request(
    method: &str,
    path: &str,
    body: Option<(&'static str, Vec<u8>)>,
) -> Result<Request<Content>, http::Error> {
    let builder = Request::builder().method(method).uri(path);
    match body {
        None => builder.body(Content::default()),
        Some((PROTOBUF, bytes)) => {
            let accept = HeaderValue::from_static("application/vnd.kubernetes.protobuf, */*");
            builder.header(CONTENT_TYPE, PROTOBUF).header(ACCEPT, accept).body(Content::from(bytes))
        }
        Some((content_type, bytes)) => {
            builder.header(CONTENT_TYPE, content_type).body(Content::from(bytes))
        }
    }
}

/// Sends a request and reads its answer, once.
///
/// # Errors
/// [`Failure::Unsent`] only where the request surely never reached the server.
pub(crate) async fn exchange(
    client: &Client,
    request: Request<Content>,
    deadline: Duration,
) -> Result<Answer, Failure> {
    let began = tokio::time::Instant::now();
    let answered = tokio::time::timeout(deadline, client.send(request)).await;
    let late = answered.is_err();
    let result = match answered {
        Ok(result) => result.map(Answer::from),
        Err(_) => Err(Failure::Lost(format!("deadline of {deadline:?} passed"))),
    };
    let now = tokio::time::Instant::now();
    client.pace.hear(Sign::of(&result, now - began, late), now.into_std());
    result
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::fake::{FakeServer, Reply};
    use super::*;

    const LONG: Duration = Duration::from_secs(60);

    fn get() -> Request<Content> {
        request("GET", "/x", None).unwrap()
    }

    #[tokio::test]
    async fn an_answer_carries_status_and_headers() {
        let server = FakeServer::start(|_| {
            Reply::json(429, r#"{"kind":"Status","reason":"TooManyRequests","message":"slow"}"#)
                .with_header("retry-after", "7")
                .with_header("date", "Sun, 06 Nov 1994 08:49:37 GMT")
        })
        .await;
        let answer = exchange(&server.client(), get(), LONG).await.unwrap();
        assert_eq!(answer.retry_after, Some(Duration::from_secs(7)));
        assert_eq!(answer.date, Some(784_111_777));
        assert_eq!(answer.text(), "429 TooManyRequests: slow");
    }

    #[tokio::test]
    async fn refused_is_unsent() {
        let server = FakeServer::start(|_| Reply::Close).await;
        let client = server.client();
        drop(server);
        let error = exchange(&client, get(), LONG).await.unwrap_err();
        assert!(matches!(error, Failure::Unsent(_)), "{error:?}");
    }

    #[tokio::test]
    async fn cut_and_silence_are_lost() {
        let server = FakeServer::start(|_| Reply::Close).await;
        let error = exchange(&server.client(), get(), LONG).await.unwrap_err();
        assert!(matches!(error, Failure::Lost(_)), "{error:?}");
        let server = FakeServer::start(|_| Reply::Hang).await;
        let error = exchange(&server.client(), get(), Duration::from_millis(20)).await.unwrap_err();
        assert_eq!(error, Failure::Lost("deadline of 20ms passed".to_owned()));
    }
}
