//! From a request line to what is asked: [`Route::parse`].

use bytes::Bytes;
use http::{HeaderMap, Method, Uri, header};
use http_body_util::{BodyExt, Either, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use percent_encoding::percent_decode_str;
use serde_json::Value;

use crate::protobuf;
use crate::registry::Target;
use crate::resource::{self, Resource};
use crate::selector::Selector;
use crate::status::{Result, Status};

/// Body limit of the real server (`MaxRequestBodyBytes`, 3 MiB).
const BODY_MAX: usize = 3 << 20;

/// A body as it arrives, or one that has been read before.
pub(crate) type RequestBody = Either<Incoming, Full<Bytes>>;

const PROTOBUF: &str = "application/vnd.kubernetes.protobuf";

/// What a path leads to.
#[derive(Debug)]
pub(crate) enum Route {
    Health,
    Version,
    /// `/api`, `/apis`, `/apis/{group}` and the like, split at the slashes.
    Discovery {
        path: Vec<String>,
        aggregated: bool,
    },
    /// `/openapi/…`.
    OpenApi(Vec<String>),
    Object(Call),
}

/// In which form the client wants objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Media {
    Json,
    /// `meta.k8s.io/v1` Table, as kubectl asks.
    Table,
    /// PartialObjectMetadata.
    Metadata,
}

/// A request for an object or a collection.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) method: Method,
    pub(crate) resource: &'static Resource,
    /// Empty for cluster-scoped resources and for all namespaces.
    pub(crate) namespace: String,
    pub(crate) name: String,
    pub(crate) subresource: String,
    pub(crate) query: Query,
    pub(crate) media: Media,
}

/// The query parameters, decoded.
#[derive(Debug, Default, Clone)]
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    fn parse(query: &str) -> Self {
        let pairs = query.split('&').filter(|p| !p.is_empty()).map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(key), decode(value))
        });
        Self(pairs.collect())
    }

    /// The value of a parameter, or nothing.
    pub(crate) fn get(&self, key: &str) -> &str {
        self.0.iter().find(|(k, _)| k == key).map_or("", |(_, v)| v)
    }

    /// Go's `strconv.ParseBool` of a parameter; a bare name counts as true.
    pub(crate) fn flag(&self, key: &str) -> bool {
        self.0.iter().any(|(k, v)| {
            k == key && matches!(v.as_str(), "" | "1" | "t" | "true" | "True" | "TRUE")
        })
    }

    /// A number, when the parameter is there.
    pub(crate) fn number(&self, key: &str) -> Result<Option<u64>> {
        match self.get(key) {
            "" => Ok(None),
            text => text.parse().map(Some).map_err(|_| {
                Status::bad_request(format!(
                    "invalid value {text:?} of parameter {key}: not a number"
                ))
            }),
        }
    }
}

/// Undoes percent encoding and `+`.
fn decode(text: &str) -> String {
    percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned()
}

impl Route {
    pub(crate) fn parse(method: &Method, uri: &Uri, headers: &HeaderMap) -> Result<Self> {
        let path: Vec<String> = uri
            .path()
            .split('/')
            .filter(|p| !p.is_empty())
            .map(|p| percent_decode_str(p).decode_utf8_lossy().into_owned())
            .collect();
        let parts: Vec<&str> = path.iter().map(String::as_str).collect();
        let (group, version, rest) = match parts[..] {
            ["healthz" | "livez" | "readyz", ..] => return Ok(Self::Health),
            ["version"] => return Ok(Self::Version),
            ["openapi", ..] => return Ok(Self::OpenApi(path)),
            [] | ["api"] | ["api", _] | ["apis"] | ["apis", _] | ["apis", _, _] => {
                let aggregated = accepts(headers).any(|a| {
                    a.param("as") == Some("APIGroupDiscoveryList") && a.param("v") == Some("v2")
                });
                return Ok(Self::Discovery { path, aggregated });
            }
            ["api", version, ref rest @ ..] => ("", version, rest),
            ["apis", group, version, ref rest @ ..] => (group, version, rest),
            _ => return Err(Status::no_such_path()),
        };
        let (namespace, rest) = match rest {
            ["namespaces", namespace, inner, ..] if !matches!(*inner, "status" | "finalize") => {
                (*namespace, &rest[2..])
            }
            _ => ("", rest),
        };
        let plural = rest.first().copied().unwrap_or_default();
        let resource = resource::find(group, version, plural)
            .filter(|r| r.namespaced || namespace.is_empty())
            .ok_or_else(Status::no_such_path)?;
        let subresource = rest.get(2).copied().unwrap_or_default();
        if rest.len() > 3
            || !(subresource.is_empty() || resource.subresources.contains(&subresource))
        {
            return Err(Status::no_such_path());
        }
        Ok(Self::Object(Call {
            method: method.clone(),
            resource,
            namespace: namespace.to_owned(),
            name: rest.get(1).copied().unwrap_or_default().to_owned(),
            subresource: subresource.to_owned(),
            query: Query::parse(uri.query().unwrap_or_default()),
            media: negotiate(headers)?,
        }))
    }
}

impl Call {
    pub(crate) fn is_watch(&self) -> bool {
        self.query.flag("watch")
    }

    /// The verb, as RBAC and metrics name it.
    pub(crate) fn verb(&self) -> &'static str {
        match (self.method.as_str(), self.name.is_empty()) {
            ("GET", _) if self.is_watch() => "watch",
            ("GET", true) => "list",
            ("GET", false) => "get",
            ("POST", _) => "create",
            ("PUT", _) => "update",
            ("PATCH", _) => "patch",
            ("DELETE", true) => "deletecollection",
            ("DELETE", false) => "delete",
            _ => "",
        }
    }

    /// `pods` or `pods/binding`, as RBAC names it.
    pub(crate) fn resource_name(&self) -> String {
        if self.subresource.is_empty() {
            self.resource.plural.to_owned()
        } else {
            format!("{}/{}", self.resource.plural, self.subresource)
        }
    }

    pub(crate) fn target(&self) -> Target<'_> {
        Target {
            resource: self.resource,
            namespace: &self.namespace,
            name: &self.name,
            dry_run: self.query.get("dryRun") == "All",
        }
    }

    /// The namespace a list is confined to.
    pub(crate) fn list_namespace(&self) -> Option<&str> {
        Some(self.namespace.as_str()).filter(|n| !n.is_empty())
    }

    pub(crate) fn selector(&self) -> Result<Selector> {
        let (labels, fields) = (self.query.get("labelSelector"), self.query.get("fieldSelector"));
        let selector = Selector::parse(self.resource, labels, fields)?;
        if self.name.is_empty() {
            return Ok(selector);
        }
        // A watch of one object by its path.
        Selector::parse(self.resource, labels, &format!("metadata.name={}", self.name))
    }
}

/// One entry of an Accept header.
struct Accepted<'a> {
    media_type: &'a str,
    params: &'a str,
}

impl<'a> Accepted<'a> {
    fn param(&self, name: &str) -> Option<&'a str> {
        let pairs = self.params.split(';').filter_map(|p| p.trim().split_once('='));
        pairs.into_iter().find(|(k, _)| *k == name).map(|(_, v)| v)
    }
}

fn accepts(headers: &HeaderMap) -> impl Iterator<Item = Accepted<'_>> {
    let values = headers.get_all(header::ACCEPT).into_iter().filter_map(|v| v.to_str().ok());
    values.flat_map(|v| v.split(',')).map(|entry| {
        let (media_type, params) = entry.split_once(';').unwrap_or((entry, ""));
        Accepted { media_type: media_type.trim(), params }
    })
}

/// The first form that the client accepts and we speak; clients list them by preference.
fn negotiate(headers: &HeaderMap) -> Result<Media> {
    let mut any = false;
    for accepted in accepts(headers) {
        any = true;
        if !matches!(accepted.media_type, "application/json" | "application/*" | "*/*") {
            continue;
        }
        match (accepted.param("as"), accepted.param("v")) {
            (None, _) => return Ok(Media::Json),
            (Some("Table"), Some("v1")) => return Ok(Media::Table),
            (Some("PartialObjectMetadata" | "PartialObjectMetadataList"), Some("v1")) => {
                return Ok(Media::Metadata);
            }
            _ => {}
        }
    }
    if !any {
        return Ok(Media::Json);
    }
    let message = "only the following media types are accepted: application/json";
    Err(Status::new(406, "NotAcceptable", message))
}

/// The body's media type, without parameters.
pub(crate) fn content_type(headers: &HeaderMap) -> &str {
    let value = headers.get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
    value.split(';').next().unwrap_or_default().trim()
}

/// The whole body, within the limit.
pub(crate) async fn read_bytes(body: RequestBody) -> Result<Bytes> {
    let read = Limited::new(body, BODY_MAX).collect().await;
    read.map(http_body_util::Collected::to_bytes).map_err(|error| {
        if error.is::<LengthLimitError>() {
            let message = format!("Request entity too large: limit is {BODY_MAX}");
            Status::new(413, "RequestEntityTooLarge", message)
        } else {
            Status::bad_request(format!("the request's body ended early: {error}"))
        }
    })
}

/// The body of a JSON or YAML request; null when there is none.
pub(crate) async fn read_body(headers: &HeaderMap, body: RequestBody) -> Result<Value> {
    let bytes = read_bytes(body).await?;
    if bytes.is_empty() {
        return Ok(Value::Null);
    }
    match content_type(headers) {
        "" | "application/json" => serde_json::from_slice(&bytes)
            .map_err(|e| Status::bad_request(format!("the object provided is not JSON: {e}"))),
        "application/yaml" => from_yaml(&bytes),
        PROTOBUF => protobuf::decode(&bytes).map_err(|error| match error {
            protobuf::Error::Malformed => Status::bad_request(error.to_string()),
            protobuf::Error::Unknown(..) => {
                Status::new(415, "UnsupportedMediaType", error.to_string())
            }
        }),
        _ => Err(unknown_format("application/json, application/yaml")),
    }
}

/// Reads YAML, and JSON as its subset.
pub(crate) fn from_yaml(bytes: &[u8]) -> Result<Value> {
    if let Ok(value) = serde_json::from_slice(bytes) {
        return Ok(value);
    }
    serde_saphyr::from_slice(bytes)
        .map_err(|e| Status::bad_request(format!("the object provided is not YAML: {e}")))
}

/// 415 with the media types that would do.
pub(crate) fn unknown_format(known: &str) -> Status {
    let message = format!(
        "the body of the request was in an unknown format - accepted media types include: {known}"
    );
    Status::new(415, "UnsupportedMediaType", message)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn call(method: &Method, uri: &str) -> Call {
        match Route::parse(method, &uri.parse().unwrap(), &HeaderMap::new()).unwrap() {
            Route::Object(call) => call,
            other => panic!("{uri}: {other:?}"),
        }
    }

    #[test]
    fn paths() {
        let one = call(&Method::POST, "/api/v1/namespaces/a/pods/b/binding");
        assert_eq!((one.verb(), one.resource_name().as_str()), ("create", "pods/binding"));
        assert_eq!((one.namespace.as_str(), one.name.as_str()), ("a", "b"));
        let one = call(&Method::GET, "/api/v1/namespaces/a");
        assert_eq!((one.verb(), one.resource.kind, one.name.as_str()), ("get", "Namespace", "a"));
        let one = call(&Method::PUT, "/api/v1/namespaces/a/status");
        assert_eq!((one.name.as_str(), one.subresource.as_str()), ("a", "status"));
        let one = call(&Method::GET, "/apis/batch/v1/jobs?watch=1&labelSelector=a%3Db%2Cc");
        assert_eq!((one.verb(), one.query.get("labelSelector")), ("watch", "a=b,c"));
        for bad in [
            "/apis/batch/v1/nothing/x",
            "/api/v1/namespaces/a/nodes",
            "/api/v1/nodes/a/binding",
            "/metrics",
        ] {
            let parsed = Route::parse(&Method::GET, &bad.parse().unwrap(), &HeaderMap::new());
            assert_eq!(parsed.unwrap_err().code, 404, "{bad}");
        }
    }

    #[test]
    fn accept() {
        let media = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT, text.parse().unwrap());
            negotiate(&headers)
        };
        let both = "application/vnd.kubernetes.protobuf, application/json";
        assert_eq!(media(both).unwrap(), Media::Json);
        assert_eq!(media("application/vnd.kubernetes.protobuf").unwrap_err().code, 406);
        let table = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";
        assert_eq!(media(table).unwrap(), Media::Table);
    }
}
