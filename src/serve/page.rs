//! What can be read, and one answer.

use std::fmt;

use futures::future::BoxFuture;
use serde_json::json;

use super::access::Refusal;
use super::health::{self, Check};
use crate::metrics::Exposition;

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Page {
    pub(super) status: u16,
    pub(super) content_type: &'static str,
    pub(super) body: Vec<u8>,
}

impl Page {
    pub(super) fn text(status: u16, body: String) -> Self {
        Self { status, content_type: "text/plain; charset=utf-8", body: body.into_bytes() }
    }

    fn json(status: u16, body: &serde_json::Value) -> Self {
        Self { status, content_type: "application/json", body: body.to_string().into_bytes() }
    }

    pub(super) fn answer(answer: &Answer) -> Self {
        match answer {
            Ok(value) => Self::json(200, value),
            Err((status, what)) => Self::text(*status, format!("{what}\n")),
        }
    }

    pub(super) fn not_found() -> Self {
        Self::text(404, "404 page not found\n".to_owned())
    }

    pub(super) fn method_not_allowed() -> Self {
        Self::text(405, "Only GET and HEAD are served.\n".to_owned())
    }

    /// A `v1.Status` of failure, as the API server writes it.
    pub(super) fn refusal(refusal: &Refusal) -> Self {
        let (code, reason, message) = match refusal {
            Refusal::Unauthorized => (401, "Unauthorized", "Unauthorized"),
            Refusal::Forbidden(message) => (403, "Forbidden", message.as_str()),
            Refusal::Busy => {
                (429, "TooManyRequests", "too many reviews of tokens and paths; try again")
            }
            Refusal::Unknown(_) => {
                (500, "InternalError", "the API server cannot be asked; see the scheduler's log")
            }
        };
        Self::json(
            code,
            &json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
                "message": message, "reason": reason, "code": code}),
        )
    }
}

type Text = Box<dyn Fn() -> String + Send + Sync>;

/// JSON, or an HTTP status and what is wrong.
pub type Answer = Result<serde_json::Value, (u16, String)>;
type Ask = Box<dyn Fn(String) -> BoxFuture<'static, Answer> + Send + Sync>;
type Scrape = Box<dyn Fn(Option<&str>) -> Exposition + Send + Sync>;

/// Everything that is served. The server calls these for each request; they must not block.
pub struct Pages {
    /// `/healthz` and `/livez`.
    pub live: Vec<Check>,
    /// `/readyz`.
    pub ready: Vec<Check>,
    /// `/metrics`, for a given `Accept`.
    pub metrics: Scrape,
    /// `/configz`, the whole page: the configuration in force under `componentconfig`.
    pub config: Box<dyn Fn() -> serde_json::Value + Send + Sync>,
    /// Serve CPU and heap profiles (`enableProfiling`).
    pub profiling: bool,
    /// Views for people: path (`/debug/cache`) and text.
    pub debug: Vec<(&'static str, Text)>,
    /// Views that take a while, of what the query asks for: path and answer.
    pub asked: Vec<(&'static str, Ask)>,
}

impl fmt::Debug for Pages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let debug: Vec<_> = self.debug.iter().map(|(path, _)| path).collect();
        f.debug_struct("Pages")
            .field("live", &self.live)
            .field("ready", &self.ready)
            .field("debug", &debug)
            .finish_non_exhaustive()
    }
}

impl Pages {
    /// The answer to a question at `path`, where it is one.
    pub(super) fn ask(&self, path: &str, query: &str) -> Option<BoxFuture<'static, Answer>> {
        let (_, ask) = self.asked.iter().find(|(known, _)| *known == path)?;
        Some(ask(query.to_owned()))
    }

    /// The page at `path`.
    pub(super) fn read(&self, path: &str, query: &str, accept: Option<&str>) -> Page {
        let (top, below) = match path.trim_start_matches('/').split_once('/') {
            Some((top, below)) => (top, below),
            None => (path.trim_start_matches('/'), ""),
        };
        let checks = match top {
            "healthz" | "livez" => Some(&self.live),
            "readyz" => Some(&self.ready),
            _ => None,
        };
        if let Some(checks) = checks {
            return match below {
                "" => health::all(top, checks, query),
                check => health::one(checks, check).unwrap_or_else(Page::not_found),
            };
        }
        match path {
            "/metrics" => {
                let Exposition { content_type, body } = (self.metrics)(accept);
                Page { status: 200, content_type, body: body.into_bytes() }
            }
            "/configz" => Page::json(200, &(self.config)()),
            _ => match self.debug.iter().find(|(known, _)| *known == path) {
                Some((_, text)) => Page::text(200, text()),
                None => Page::not_found(),
            },
        }
    }
}
