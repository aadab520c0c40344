//! One request, one answer, one deadline. Enter at [`exchange`].

use std::time::Duration;

use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderValue, Request};

use super::Client;
use super::answer::{Answer, Failure};
use super::pace::Sign;
use super::pool::Content;
use super::protobuf::PROTOBUF;

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
