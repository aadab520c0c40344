//! What all connections share, and the answer to one request. Enter at [`Site::answer`].

use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;

use super::access::{Access, User};
use super::guests::{Guest, Stage};
use super::pacer::{Pace, Pacer};
use super::page::Page;
use super::pages::Pages;
use super::{heap, profile};

/// Longest time for one answer, beyond what a CPU profile is to take; the reviews before it have
/// 10 s each.
const ANSWER_MAX: Duration = Duration::from_secs(30);

/// Handshakes: 1 ms of CPU each at most (RSA), so that all of them take 6 % of the thread. A
/// kubelet's probes need one each second or two.
const HANDSHAKES: Pace =
    Pace { peer: 20.0, all: 40.0, seldom: 20.0, wait_max: Duration::from_secs(4) };

/// Requests: 0.1 ms of CPU each where they are refused, so that all of them take 3 % of the
/// thread. 128 connections of one address, which are as many as there may be, wait 2.6 s.
const REQUESTS: Pace =
    Pace { peer: 50.0, all: 200.0, seldom: 100.0, wait_max: Duration::from_secs(4) };

/// What all connections share.
pub(super) struct Site {
    pub(super) handshakes: Pacer,
    requests: Pacer,
    pages: Pages,
    access: Access,
}

/// Who sends the requests of a connection.
pub(super) struct Visitor {
    pub(super) peer: IpAddr,
    /// By a client certificate.
    pub(super) certificate: Option<User>,
    pub(super) guest: Arc<Guest>,
}

impl Site {
    pub(super) fn new(pages: Pages, access: Access) -> Self {
        let now = Instant::now();
        let (handshakes, requests) = (Pacer::new(HANDSHAKES, now), Pacer::new(REQUESTS, now));
        Self { handshakes, requests, pages, access }
    }

    /// Answers in the visitor's turn.
    pub(super) async fn answer(
        &self,
        visitor: &Visitor,
        request: Request<Incoming>,
    ) -> Result<Response<Full<Bytes>>, Infallible> {
        // Whoever waits for a turn may have to leave; whoever is being answered may not.
        visitor.guest.is(Stage::Idle);
        let page = match self.requests.turn(visitor.peer, Instant::now()) {
            Some(turn) => {
                tokio::time::sleep(turn).await;
                visitor.guest.is(Stage::Busy);
                self.page(visitor, &request).await
            }
            None => Page::text(429, "too many requests; try again\n".to_owned()),
        };
        visitor.guest.is(Stage::Idle);
        Ok(response(page))
    }

    async fn page(&self, visitor: &Visitor, request: &Request<Incoming>) -> Page {
        let limit = self.profile_asked(request).map_or(ANSWER_MAX, |asked| match asked {
            Ok(duration) => duration + ANSWER_MAX,
            Err(_) => ANSWER_MAX,
        });
        match tokio::time::timeout(limit, self.read(visitor, request)).await {
            Ok(page) => page,
            Err(_) => Page::text(504, "timeout\n".to_owned()),
        }
    }

    /// How long a CPU profile is asked for, where the request is for one and they are enabled.
    fn profile_asked(&self, request: &Request<Incoming>) -> Option<Result<Duration, Page>> {
        let uri = request.uri();
        let asked = self.pages.profiling && uri.path() == profile::PATH;
        asked.then(|| profile::duration(uri.query().unwrap_or_default()))
    }

    async fn read(&self, visitor: &Visitor, request: &Request<Incoming>) -> Page {
        let header = |name| request.headers().get(name).and_then(|value| value.to_str().ok());
        let path = request.uri().path();
        let verb = request.method().as_str().to_ascii_lowercase();
        let (token, certificate) = (header(AUTHORIZATION), visitor.certificate.as_ref());
        if let Err(refusal) = self.access.check(&verb, path, token, certificate).await {
            return Page::refusal(&refusal);
        }
        if request.method() != Method::GET && request.method() != Method::HEAD {
            return Page::method_not_allowed();
        }
        match self.profile_asked(request) {
            Some(Ok(duration)) => return profile::take(duration).await,
            Some(Err(wrong)) => return wrong,
            None if self.pages.profiling && path == heap::PATH => return heap::take().await,
            None => {}
        }
        let query = request.uri().query().unwrap_or_default();
        match self.pages.ask(path, query) {
            Some(answer) => Page::answer(&answer.await),
            None => self.pages.read(path, query, header(ACCEPT)),
        }
    }
}

fn response(page: Page) -> Response<Full<Bytes>> {
    // `hyper` leaves the body out of an answer to HEAD, and keeps its length.
    let mut response = Response::new(Full::from(page.body));
    *response.status_mut() =
        StatusCode::from_u16(page.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(page.content_type));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache, private"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}
