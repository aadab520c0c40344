//! Requests for lists and watches, and what their answers mean before any object is read.

mod error;

use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, RETRY_AFTER};
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Limited};
use kube::client::Body;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::kind::Collection;
use super::resume::List;
use super::{json, proto};
use crate::causes::chain;

pub use error::RequestError;

/// Media type of protobuf.
const PROTOBUF: &str = "application/vnd.kubernetes.protobuf";
/// Largest page: 500 pods of 6 kB are 3 MB; 256 MiB are 500 objects of 0.5 MB.
const PAGE_MAX: usize = 256 << 20;
/// Largest document of discovery: 1,000 resources of 300 bytes are 0.3 MB.
const DOCUMENT_MAX: usize = 16 << 20;
/// Largest error answer that is read; a Status is below 10 kB.
const STATUS_MAX: usize = 1 << 20;
/// Time for a page or a list from request to last byte; the API server itself gives up after 60 s.
pub(crate) const LIST_DEADLINE: Duration = Duration::from_secs(90);
/// Time for a watch to be answered at all.
const WATCH_DEADLINE: Duration = Duration::from_secs(60);

/// The format of lists and watches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Format {
    /// Protobuf where the server has it, else JSON (kube-scheduler's default).
    #[default]
    Protobuf,
    /// JSON only.
    Json,
}

impl Format {
    /// The format that `clientConnection.acceptContentTypes`, or where that is empty
    /// `contentType`, asks for. JSON is read whatever is asked for.
    pub fn configured(accept_content_types: &str, content_type: &str) -> Self {
        let wanted = match accept_content_types {
            "" => content_type,
            accept => accept,
        };
        if wanted.is_empty() || wanted.contains(PROTOBUF) { Self::Protobuf } else { Self::Json }
    }

    /// As [`Format::accept`], for objects of which only the metadata are wanted. A server that does
    /// not know the form sends whole objects.
    fn accept_names(self) -> &'static str {
        match self {
            Self::Protobuf => {
                "application/vnd.kubernetes.protobuf;as=PartialObjectMetadataList;g=meta.k8s.io;\
                 v=v1, application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1, \
                 application/json"
            }
            Self::Json => {
                "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1, \
                 application/json"
            }
        }
    }

    fn accept(self) -> &'static str {
        match self {
            Self::Protobuf => "application/vnd.kubernetes.protobuf, application/json",
            Self::Json => "application/json",
        }
    }

    /// The format of a body by its `Content-Type`.
    pub(crate) fn of(response: &Response<Body>) -> Self {
        let content_type = response.headers().get(CONTENT_TYPE).and_then(|v| v.to_str().ok());
        match content_type {
            Some(value) if value.starts_with(PROTOBUF) => Self::Protobuf,
            _ => Self::Json,
        }
    }
}

/// Where to read and how.
#[derive(Clone)]
pub(crate) struct Source {
    pub(crate) client: kube::Client,
    pub(crate) format: Format,
    pub(crate) page_size: u32,
}

impl std::fmt::Debug for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Source").field("format", &self.format).finish_non_exhaustive()
    }
}

impl Source {
    /// Asks for a list: what the server has at hand, which may be the whole list, or a page.
    pub(crate) async fn list(
        &self,
        of: Collection,
        list: &List,
    ) -> Result<Response<Body>, RequestError> {
        let mut query = match list {
            // Named and empty: what is newest. Protobuf is cut into items as it comes.
            List::Whole if self.format == Format::Protobuf => "resourceVersion=".to_owned(),
            // JSON is read into memory, page by page.
            _ => format!("limit={}", self.page_size),
        };
        if let List::Continue(token) = list {
            query.push_str("&continue=");
            push_encoded(&mut query, token);
        }
        self.get(of, &query, self.format.accept()).await
    }

    /// Asks who there is, not older than version `at`: whole from the server's cache where it
    /// answers in protobuf, which is read as it comes, else a page of what is newest.
    pub(crate) async fn names(
        &self,
        of: Collection,
        format: Format,
        at: u64,
        token: &str,
    ) -> Result<Response<Body>, RequestError> {
        let mut query = match format {
            Format::Protobuf => format!("resourceVersion={at}&resourceVersionMatch=NotOlderThan"),
            Format::Json => format!("limit={}", self.page_size),
        };
        if !token.is_empty() {
            query.push_str("&continue=");
            push_encoded(&mut query, token);
        }
        self.get(of, &query, format.accept_names()).await
    }

    /// A watch from `version`, which the server ends after `timeout`.
    pub(crate) async fn watch(
        &self,
        of: Collection,
        version: &str,
        timeout: Duration,
    ) -> Result<Response<Body>, RequestError> {
        let mut query =
            format!("watch=true&allowWatchBookmarks=true&timeoutSeconds={}", timeout.as_secs());
        query.push_str("&resourceVersion=");
        push_encoded(&mut query, version);
        tokio::time::timeout(WATCH_DEADLINE, self.get(of, &query, self.format.accept()))
            .await
            .map_err(|_| RequestError::Lost(format!("no answer within {WATCH_DEADLINE:?}")))?
    }

    /// A document of discovery, in JSON.
    pub(crate) async fn document(&self, path: &str) -> Result<Bytes, RequestError> {
        let response = self.send(path.to_owned(), Format::Json.accept()).await?;
        collect(response, DOCUMENT_MAX).await
    }

    async fn get(
        &self,
        of: Collection,
        query: &str,
        accept: &'static str,
    ) -> Result<Response<Body>, RequestError> {
        let mut uri = format!("{}?{query}", of.path());
        if let Some(selector) = of.kind.field_selector() {
            uri.push_str("&fieldSelector=");
            push_encoded(&mut uri, selector);
        }
        self.send(uri, accept).await
    }

    async fn send(
        &self,
        uri: String,
        accept: &'static str,
    ) -> Result<Response<Body>, RequestError> {
        let request = Request::get(uri)
            .header(ACCEPT, accept)
            .body(Body::empty())
            .map_err(|e| RequestError::Lost(e.to_string()))?;
        let response =
            self.client.send(request).await.map_err(|e| RequestError::Lost(chain(&e)))?;
        if response.status().is_success() { Ok(response) } else { Err(refusal(response).await) }
    }
}

/// The error that an answer other than 2xx carries.
async fn refusal(response: Response<Body>) -> RequestError {
    let code = response.status();
    let format = Format::of(&response);
    let header = response.headers().get(RETRY_AFTER).and_then(|v| v.to_str().ok());
    let header = header.and_then(|v| v.parse().ok()).map(Duration::from_secs);
    let body = collect(response, STATUS_MAX).await.unwrap_or_default();
    let status = match format {
        Format::Protobuf => proto::status(&body),
        Format::Json => json::status(&body),
    };
    let mut error = RequestError::of_status(Some(code.as_u16()), status);
    if let RequestError::Refused { reason, message, retry_after, .. } = &mut error {
        if message.is_empty() {
            *message = String::from_utf8_lossy(&body).chars().take(200).collect();
        }
        if reason.is_empty() {
            *reason = code.canonical_reason().unwrap_or_default().into();
        }
        // Without a wait, 429 is a failure like another.
        *retry_after = header.or(*retry_after).filter(|_| code != StatusCode::GONE);
    }
    error
}

/// The whole body of a page.
pub(crate) async fn page_body(response: Response<Body>) -> Result<Bytes, RequestError> {
    collect(response, PAGE_MAX).await
}

async fn collect(response: Response<Body>, limit: usize) -> Result<Bytes, RequestError> {
    let body = Limited::new(response.into_body(), limit).collect().await;
    body.map(http_body_util::Collected::to_bytes).map_err(|e| RequestError::Lost(e.to_string()))
}

/// Unreserved in RFC 3986.
const KEPT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Appends a query value, percent-encoded.
fn push_encoded(query: &mut String, value: &str) {
    query.extend(utf8_percent_encode(value, KEPT));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_those_of_the_configuration() {
        let both = "application/vnd.kubernetes.protobuf,application/json";
        assert_eq!(Format::configured("", ""), Format::Protobuf);
        assert_eq!(Format::configured("", PROTOBUF), Format::Protobuf);
        assert_eq!(Format::configured("", "application/json"), Format::Json);
        assert_eq!(Format::configured(both, "application/json"), Format::Protobuf);
        assert_eq!(Format::configured("application/json", PROTOBUF), Format::Json);
    }

    #[test]
    fn query_values_are_encoded() {
        let mut query = String::new();
        push_encoded(&mut query, "status.phase!=Succeeded,a b+/=");
        assert_eq!(query, "status.phase%21%3DSucceeded%2Ca%20b%2B%2F%3D");
    }
}
