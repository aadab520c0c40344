//! HTTP requests to registry calls and back. Enter at [`Apiserver::answer`].
//!
//! ```text
//! request ─▶ route (api/request.rs) ─▶ token ─▶ faults ─▶ read | watch | write | subresource
//! ```

mod answer;
mod discovery;
mod openapi;
mod read;
pub(crate) mod request;
mod review;
mod subresource;
mod table;
mod watch;
mod write;

use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, Method, Request, Response, header};
use http_body_util::{Either, Full};
use hyper::body::Incoming;
use serde_json::json;

use crate::counters::Counters;
use crate::faults::{Fault, Faults};
use crate::offer::Offer;
use crate::registry::Registry;
use crate::status::{Result, Status};
pub(crate) use answer::Body;
use request::{Call, RequestBody, Route};

/// The API server without its sockets.
#[derive(Debug)]
pub(crate) struct Apiserver {
    pub(crate) registry: Registry,
    pub(crate) faults: Faults,
    pub(crate) offer: Offer,
    pub(crate) counters: Counters,
    pub(crate) token: String,
    /// Time between the bookmarks of an idle watch.
    pub(crate) bookmark_every: Duration,
}

/// The connection is to be dropped without an answer.
#[derive(Debug, thiserror::Error)]
#[error("dropped by a fault")]
pub(crate) struct Dropped;

impl Apiserver {
    /// Answers one request.
    pub(crate) async fn answer(
        self: Arc<Self>,
        request: Request<Incoming>,
    ) -> std::result::Result<Response<Body>, Dropped> {
        let (parts, body) = request.into_parts();
        let body = Either::Left(body);
        let route = match Route::parse(&parts.method, &parts.uri, &parts.headers) {
            Ok(route) => route,
            Err(status) => return Ok(self.counted("", "", answer::failure(&status))),
        };
        if let Some(open) = answer_open(&route) {
            return Ok(open);
        }
        if !self.knows(&parts.headers) {
            return Ok(self.counted("", "", answer::failure(&Status::unauthorized())));
        }
        let call = match route {
            Route::Object(call) => call,
            route => {
                let answered = self.answer_about(&route);
                return Ok(answered.unwrap_or_else(|status| answer::failure(&status)));
            }
        };
        let (verb, resource) = (call.verb(), call.resource_name());
        if !self.offer.has(call.resource) {
            return Ok(self.counted(verb, &resource, answer::failure(&Status::no_such_path())));
        }
        let fault = self.faults.take(verb, &resource);
        match fault {
            Some(Fault::Delay(delay)) => tokio::time::sleep(delay).await,
            Some(Fault::Answer(status)) => {
                return Ok(self.counted(verb, &resource, answer::failure(&status)));
            }
            Some(Fault::ApplyLate(delay)) => {
                self.apply_late(call, parts.headers, body, delay).await;
                return Err(Dropped);
            }
            Some(Fault::LoseAnswer) | None => {}
        }
        let answered = self.call(&call, &parts.headers, body).await;
        let response = answered.unwrap_or_else(|status| answer::failure(&status));
        let response = self.counted(verb, &resource, response);
        if matches!(fault, Some(Fault::LoseAnswer)) { Err(Dropped) } else { Ok(response) }
    }

    /// Reads a request whole, for a connection that goes, and carries it out after `delay`.
    async fn apply_late(
        self: Arc<Self>,
        call: Call,
        headers: HeaderMap,
        body: RequestBody,
        delay: Duration,
    ) {
        let Ok(bytes) = request::read_bytes(body).await else { return };
        tokio::spawn(async move {
            tokio::time::sleep(delay).await;
            let answered = self.call(&call, &headers, Either::Right(Full::new(bytes))).await;
            let response = answered.unwrap_or_else(|status| answer::failure(&status));
            self.counted(call.verb(), &call.resource_name(), response);
        });
    }

    async fn call(
        self: &Arc<Self>,
        call: &Call,
        headers: &HeaderMap,
        body: RequestBody,
    ) -> Result<Response<Body>> {
        if call.resource.review {
            let body = request::read_body(headers, body).await?;
            return review::answer(self, call, body);
        }
        if !call.subresource.is_empty() && call.subresource != "status" {
            return self.subresource(call, headers, body).await;
        }
        match (&call.method, call.name.is_empty()) {
            (&Method::GET, _) if call.is_watch() => self.watch(call),
            (&Method::GET, true) => self.list(call),
            (&Method::GET, false) => self.get(call),
            (&Method::POST, true) => self.create(call, headers, body).await,
            (&Method::PUT, false) => self.update(call, headers, body).await,
            (&Method::PATCH, false) => self.patch(call, headers, body).await,
            (&Method::DELETE, false) => self.delete(call, headers, body).await,
            (&Method::DELETE, true) => self.delete_collection(call, headers, body).await,
            _ => Err(Status::method_not_allowed()),
        }
    }

    /// What the server tells about itself. Discovery is counted as `get` of its path.
    fn answer_about(&self, route: &Route) -> Result<Response<Body>> {
        match route {
            Route::Discovery { path, aggregated } => {
                let answered = discovery::answer(&self.offer, path, *aggregated);
                let code = answered.as_ref().map_or_else(|s| s.code, |a| a.status().as_u16());
                let path = path.iter().fold(String::new(), |all, part| all + "/" + part);
                self.counters.count("get", if code == 200 { &path } else { "" }, code);
                answered
            }
            Route::OpenApi(path) => openapi::answer(&self.offer, path),
            _ => Err(Status::no_such_path()),
        }
    }

    fn knows(&self, headers: &HeaderMap) -> bool {
        let value = headers.get(header::AUTHORIZATION).and_then(|v| v.to_str().ok());
        value.and_then(|v| v.strip_prefix("Bearer ")).is_some_and(|token| token == self.token)
    }

    fn counted(&self, verb: &str, resource: &str, response: Response<Body>) -> Response<Body> {
        self.counters.count(verb, resource, response.status().as_u16());
        response
    }
}

/// What the real server tells everyone: its health and version.
fn answer_open(route: &Route) -> Option<Response<Body>> {
    match route {
        Route::Health => Some(answer::text("ok")),
        Route::Version => Some(answer::value(
            200,
            &json!({
                "major": "1",
                "minor": "37",
                "gitVersion": "v1.37.2+berth-sandbox",
                "gitCommit": "",
                "gitTreeState": "clean",
                "buildDate": "1970-01-01T00:00:00Z",
                "goVersion": "",
                "compiler": "rustc",
                "platform": format!("{}/{}", std::env::consts::OS, std::env::consts::ARCH),
            }),
        )),
        _ => None,
    }
}
