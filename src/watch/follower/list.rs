//! Lists: page by page in JSON, item by item in protobuf.

use http::Response;
use http_body_util::BodyExt;
use kube::client::Body;
use tokio::time::{Instant, timeout_at};

use super::Follower;
use crate::causes::chain;
use crate::watch::decode::Page;
use crate::watch::feed::{Stopped, decoded};
use crate::watch::known::Source;
use crate::watch::proto::list::{ListReader, Piece};
use crate::watch::request::{Format, LIST_DEADLINE, RequestError, page_body};
use crate::watch::resume::{Failure, List, PageVerdict};
use crate::watch::state::KindState;
use crate::watch::stats::{add, count};
use crate::watch::wire::meta::ListMeta;
use crate::watch::{json, proto};

/// A list that broke off, or the end of the scheduler.
enum Broken {
    Failed(RequestError),
    Stopped,
}

impl From<Stopped> for Broken {
    fn from(_: Stopped) -> Self {
        Self::Stopped
    }
}

impl Follower {
    /// Asks for a list, or one page of it, and applies it.
    pub(super) async fn list(&mut self, list: &List) -> Result<(), Stopped> {
        if !matches!(list, List::Continue(_)) {
            count(&self.feed.stats().lists);
            self.feed.begin_list();
            self.duties.list_begins();
        }
        let deadline = Instant::now() + LIST_DEADLINE;
        let late = || RequestError::Lost(format!("no whole list within {LIST_DEADLINE:?}"));
        let answer = timeout_at(deadline, self.source.list(self.collection, list)).await;
        let done = match answer.unwrap_or_else(|_| Err(late())) {
            Err(error) => Err(Broken::Failed(error)),
            Ok(response) if Format::of(&response) == Format::Protobuf => {
                self.answers = Format::Protobuf;
                self.read_items(response, deadline).await
            }
            Ok(response) => match timeout_at(deadline, self.read_page(response)).await {
                Ok(Ok(page)) => {
                    self.answers = Format::Json;
                    self.apply_page(page).await.map_err(Broken::from)
                }
                Ok(Err(error)) => Err(Broken::Failed(error)),
                Err(_) => Err(Broken::Failed(late())),
            },
        };
        match done {
            Ok(()) => Ok(()),
            Err(Broken::Stopped) => Err(Stopped),
            Err(Broken::Failed(error)) => {
                // What has been read of it is true; only what it did not mention is not known.
                self.feed.flush().await?;
                self.refused("list", &error).await
            }
        }
    }

    /// Reads a list in protobuf and applies its items as they come.
    async fn read_items(
        &mut self,
        response: Response<Body>,
        deadline: Instant,
    ) -> Result<(), Broken> {
        let unreadable = |error: crate::watch::proto::list::ListError| {
            Broken::Failed(RequestError::Unreadable(error.to_string()))
        };
        let lost = |text: String| Broken::Failed(RequestError::Lost(text));
        let mut body = response.into_body();
        let mut reader = ListReader::new();
        let mut metadata: Option<ListMeta> = None;
        // Items of a list that may not count: only those of one page, as later lists are paged.
        let mut held = Vec::new();
        loop {
            let frame = match timeout_at(deadline, body.frame()).await {
                Ok(Some(Ok(frame))) => frame,
                Ok(Some(Err(error))) => return Err(lost(chain(&error))),
                Ok(None) => break,
                Err(_) => return Err(lost(format!("no whole list within {LIST_DEADLINE:?}"))),
            };
            let Some(chunk) = frame.data_ref() else { continue };
            reader.push(chunk);
            while let Some(piece) = reader.next_piece().map_err(unreadable)? {
                let item = match piece {
                    Piece::Metadata(found) => {
                        metadata = Some(found);
                        continue;
                    }
                    Piece::Item(item) => item,
                };
                let begun = std::time::Instant::now();
                let bytes = item.len();
                let item = proto::bare_object(self.kind, item, &mut self.templates);
                decoded(self.feed.stats(), bytes, begun);
                let version = metadata.as_ref().and_then(|m| m.resource_version.as_deref());
                if version.is_some_and(|version| !self.resume.is_old(version)) {
                    count(&self.feed.stats().listed);
                    self.feed.applied(item, Source::List).await?;
                } else {
                    held.push(item);
                }
            }
        }
        reader.finish().map_err(unreadable)?;
        let metadata = metadata.unwrap_or_default();
        self.apply_page(Page {
            resource_version: metadata.resource_version.unwrap_or_default(),
            continue_token: metadata.continue_token.unwrap_or_default(),
            items: held,
        })
        .await
        .map_err(Broken::from)
    }

    async fn read_page(&mut self, response: Response<Body>) -> Result<Page, RequestError> {
        let body = page_body(response).await?;
        let begun = std::time::Instant::now();
        let page = json::page(self.kind, &body, &mut self.templates);
        decoded(self.feed.stats(), body.len(), begun);
        page.map_err(|error| RequestError::Unreadable(error.to_string()))
    }

    /// Applies a page, or the end of one whose items have been applied as they came.
    async fn apply_page(&mut self, page: Page) -> Result<(), Stopped> {
        let now = self.now();
        let verdict = self.resume.page(&page.resource_version, &page.continue_token, now);
        if verdict == PageVerdict::Old {
            tracing::warn!(
                kind = %self.kind, version = page.resource_version,
                "the list is older than what was seen: not applied, asking again"
            );
            return Ok(());
        }
        if self.resume.take_reset() {
            tracing::error!(
                kind = %self.kind, version = page.resource_version,
                "the API server's lists stay older than what was seen (etcd restored from a \
                 backup?): taking them as the truth"
            );
            self.new_history();
        }
        add(&self.feed.stats().listed, page.items.len());
        for item in page.items {
            self.feed.applied(item, Source::List).await?;
        }
        if verdict == PageVerdict::ApplyLast {
            self.feed.sweep().await?;
            self.look_back(&page.resource_version);
        }
        self.feed.flush().await?;
        if verdict == PageVerdict::ApplyLast {
            self.feed.at_version(&page.resource_version);
            self.feed.heard();
            if self.state.set(KindState::Synced) {
                let version = page.resource_version;
                tracing::debug!(kind = %self.kind, version, "listed");
            }
        }
        Ok(())
    }

    /// Where the list, which is not older than what was seen, has objects that are: asks for it
    /// once more. An object of the same uid and version as before may say something else, and was
    /// not read.
    fn look_back(&mut self, version: &str) {
        if !self.feed.went_back() {
            return;
        }
        tracing::error!(
            kind = %self.kind, version,
            "the API server has other objects under versions that were seen before (etcd restored \
             from a backup, or another cluster at this address?): taking its list as the truth"
        );
        self.new_history();
        self.resume.failed(Failure::Expired, self.now());
    }

    fn new_history(&mut self) {
        count(&self.feed.stats().new_histories);
        self.feed.forget_versions();
        self.duties.tell_news();
    }
}
