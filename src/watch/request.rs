//! Requests for lists and watches, and what their answers mean before any object is read.

use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, RETRY_AFTER};
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Limited};
use kube::client::Body;

use super::kind::Kind;
use super::resume::{Failure, List};
use super::wire::meta::Status;
use super::{json, proto};

/// Media type of protobuf.
const PROTOBUF: &str = "application/vnd.kubernetes.protobuf";
/// Largest page: 500 pods of 6 kB are 3 MB; 256 MiB are 500 objects of 0.5 MB.
const PAGE_MAX: usize = 256 << 20;
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

/// A request that brought no objects.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// The server answered with an error.
    #[error("{code} {reason}: {message}")]
    Refused {
        /// HTTP status code.
        code: u16,
        /// `reason` of the Status, such as `Forbidden`.
        reason: String,
        /// `message` of the Status.
        message: String,
        /// Wait asked for by the server.
        retry_after: Option<Duration>,
    },
    /// No answer, or one that ended too soon.
    #[error("{0}")]
    Lost(String),
    /// The answer cannot be read.
    #[error("{0}")]
    Unreadable(String),
}

impl RequestError {
    /// What the watch makes of it.
    pub(crate) fn failure(&self) -> Failure {
        match self {
            Self::Refused { code: 410, .. } => Failure::Expired,
            Self::Refused { retry_after: Some(after), .. } => Failure::Throttled(*after),
            _ => Failure::Other,
        }
    }

    /// Whether the server does not know the resource.
    pub fn is_not_served(&self) -> bool {
        matches!(self, Self::Refused { code: 404, .. })
    }

    /// Whether the server has nothing as new as the version asked for (client-go's
    /// `IsTooLargeResourceVersionError`).
    pub(crate) fn is_version_too_large(&self) -> bool {
        matches!(self, Self::Refused { code: 504, message, .. }
            if message.starts_with("Too large resource version"))
    }

    /// Whether the server knows us not or does not let us.
    pub fn is_denied(&self) -> bool {
        matches!(self, Self::Refused { code: 401 | 403, .. })
    }

    /// The error of a Status, in an answer with this code or in an event.
    pub(crate) fn of_status(code: Option<u16>, status: Status) -> Self {
        let wait = status.details.and_then(|d| d.retry_after_seconds);
        let wait = wait.and_then(|s| u64::try_from(s).ok()).filter(|s| *s > 0);
        Self::Refused {
            code: code
                .or_else(|| u16::try_from(status.code.unwrap_or_default()).ok())
                .unwrap_or_default(),
            reason: status.reason.unwrap_or_default(),
            message: status.message.unwrap_or_default(),
            retry_after: wait.map(Duration::from_secs),
        }
    }

    /// What this has in common with failures of other kinds: a server that is away or in trouble
    /// is so for all of them, what it refuses it refuses of one.
    pub(crate) fn cause(&self, verb: &str, kind: Kind) -> String {
        match self {
            Self::Refused { code: 401, .. } => "401".into(),
            Self::Refused { code: code @ (429 | 500..), reason, .. } => format!("{code} {reason}"),
            Self::Refused { code, reason, .. } => format!("{verb} {kind}: {code} {reason}"),
            Self::Lost(text) => text.clone(),
            Self::Unreadable(text) => format!("{kind}: {text}"),
        }
    }

    /// Text for people: what went wrong with `verb` of `kind`, and for a denial what to grant.
    pub(crate) fn explain(&self, verb: &str, kind: Kind) -> String {
        let resource = kind.resource();
        match self {
            Self::Refused { code: 403, message, .. } => {
                let group = kind.group();
                let grantee = service_account(message).map_or_else(
                    || "the scheduler's user".into(),
                    |a| format!("the ServiceAccount {a}"),
                );
                format!(
                    "cannot {verb} {resource}: RBAC denies it ({message}): grant get, list, watch \
                     on {resource} (apiGroup {group:?}) to {grantee}"
                )
            }
            Self::Refused { code: 401, message, .. } => format!(
                "cannot {verb} {resource}: the API server does not accept the credentials \
                 ({message}): check the token or client certificate"
            ),
            other => format!("cannot {verb} {resource}: {other}"),
        }
    }
}

/// `namespace/name` of the ServiceAccount that a message says is not allowed.
fn service_account(message: &str) -> Option<String> {
    let (_, rest) = message.split_once("User \"system:serviceaccount:")?;
    let (account, _) = rest.split_once('"')?;
    Some(account.replacen(':', "/", 1))
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
        kind: Kind,
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
        self.get(kind, &query, self.format.accept()).await
    }

    /// Asks who there is, not older than version `at`: whole from the server's cache where it
    /// answers in protobuf, which is read as it comes, else a page of what is newest.
    pub(crate) async fn names(
        &self,
        kind: Kind,
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
        self.get(kind, &query, format.accept_names()).await
    }

    /// A watch from `version`, which the server ends after `timeout`.
    pub(crate) async fn watch(
        &self,
        kind: Kind,
        version: &str,
        timeout: Duration,
    ) -> Result<Response<Body>, RequestError> {
        let mut query =
            format!("watch=true&allowWatchBookmarks=true&timeoutSeconds={}", timeout.as_secs());
        query.push_str("&resourceVersion=");
        push_encoded(&mut query, version);
        tokio::time::timeout(WATCH_DEADLINE, self.get(kind, &query, self.format.accept()))
            .await
            .map_err(|_| RequestError::Lost(format!("no answer within {WATCH_DEADLINE:?}")))?
    }

    async fn get(
        &self,
        kind: Kind,
        query: &str,
        accept: &'static str,
    ) -> Result<Response<Body>, RequestError> {
        let mut uri = format!("{}?{query}", kind.path());
        if let Some(selector) = kind.field_selector() {
            uri.push_str("&fieldSelector=");
            push_encoded(&mut uri, selector);
        }
        let request = Request::get(uri)
            .header(ACCEPT, accept)
            .body(Body::empty())
            .map_err(|e| RequestError::Lost(e.to_string()))?;
        let response =
            self.client.send(request).await.map_err(|e| RequestError::Lost(full_text(&e)))?;
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

/// An error with its causes.
pub(crate) fn full_text(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        source = cause.source();
    }
    text
}

/// Appends a query value, percent-encoded but for the unreserved characters of RFC 3986.
fn push_encoded(query: &mut String, value: &str) {
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            query.push(char::from(byte));
        } else {
            query.push_str(&format!("%{byte:02X}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_denial_says_what_to_grant() {
        let error = RequestError::Refused {
            code: 403,
            reason: "Forbidden".into(),
            message:
                "nodes is forbidden: User \"system:serviceaccount:berth-system:berth\" cannot \
                      list resource \"nodes\" in API group \"\" at the cluster scope"
                    .into(),
            retry_after: None,
        };
        let text = error.explain("list", Kind::Node);
        assert!(text.starts_with("cannot list nodes: RBAC denies it"), "{text}");
        let grant = "grant get, list, watch on nodes (apiGroup \"\") to the ServiceAccount \
                     berth-system/berth";
        assert!(text.ends_with(grant), "{text}");
        assert!(error.is_denied());
        assert_eq!(error.failure(), Failure::Other);
    }

    #[test]
    fn a_server_in_trouble_is_one_cause_for_all_kinds_and_a_refusal_is_of_one() {
        let refused = |code| RequestError::Refused {
            code,
            reason: "R".into(),
            message: "m".into(),
            retry_after: None,
        };
        for error in [RequestError::Lost("refused".into()), refused(503), refused(429)] {
            assert_eq!(error.cause("list", Kind::Pod), error.cause("watch", Kind::Node));
        }
        assert_ne!(refused(403).cause("list", Kind::Pod), refused(403).cause("list", Kind::Node));
    }

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
