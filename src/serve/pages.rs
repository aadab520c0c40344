//! What can be read, by its path.

use std::fmt;

use futures::future::BoxFuture;

use super::health::{self, Check};
use super::page::{Answer, Page};
use crate::metrics::Exposition;

type Text = Box<dyn Fn() -> String + Send + Sync>;

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
