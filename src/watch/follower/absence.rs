//! A kind that the API server does not serve, from the request that told to the day it appears.

use super::Follower;
use crate::watch::discovery::{Search, Sight};
use crate::watch::feed::Stopped;
use crate::watch::kind::Collection;
use crate::watch::request::RequestError;
use crate::watch::resume::Resume;
use crate::watch::state::KindState;

impl Follower {
    /// A list or watch was not answered, or by an error. Where the server says that there is no
    /// such resource, discovery says whether that is so.
    pub(super) async fn refused(
        &mut self,
        verb: &str,
        error: &RequestError,
    ) -> Result<(), Stopped> {
        if !error.is_not_served() {
            self.failed(verb, error);
            return Ok(());
        }
        let Some(discovery) = self.discovery.clone() else {
            self.failed(verb, error);
            self.state.set(KindState::NotServed);
            return Ok(());
        };
        let (search, sight) = tokio::select! {
            answer = discovery.ask(self.kind) => answer,
            () = self.feed.closed() => return Err(Stopped),
        };
        match sight {
            Sight::Missing if self.kind.is_required() => {
                self.failed(verb, error);
                self.state.set(KindState::NotServed);
            }
            Sight::Missing => return self.await_appearance(search).await,
            // The path comes and goes a moment before or after its entry in discovery.
            Sight::Offered(version) if version == self.collection.version => {
                self.failed(verb, error);
            }
            Sight::Offered(version) => {
                self.take_version(version);
                self.failed(verb, error);
                self.resume.list();
            }
            Sight::Unknown(why) => {
                tracing::debug!(kind = %self.kind, error = %why, "discovery does not say");
                self.failed(verb, error);
                if why.is_denied() || why.is_not_served() {
                    // It never will: the request itself is what there is to go by.
                    self.state.set(KindState::NotServed);
                }
            }
        }
        Ok(())
    }

    /// The cluster does not have the kind: what was known of it is gone, as of an empty list, and
    /// nothing is asked for until discovery shows it.
    async fn await_appearance(&mut self, mut search: Search) -> Result<(), Stopped> {
        let (resource, objects) = (self.kind.qualified(), self.feed.known());
        self.feed.begin_list();
        self.feed.sweep().await?;
        self.feed.flush().await?;
        self.feed.missing(true);
        self.duties.list_begins();
        if self.state.lose() {
            tracing::warn!(
                kind = %self.kind, objects,
                "the API server does not serve {resource} any more: its objects are taken as gone; \
                 it is watched again once discovery shows it"
            );
        } else {
            tracing::info!(
                kind = %self.kind,
                "the API server does not serve {resource}: it is watched once discovery shows it"
            );
        }
        let version = tokio::select! {
            version = search.appears() => version,
            () = self.feed.closed() => return Err(Stopped),
        };
        drop(search);
        tracing::info!(kind = %self.kind, version, "the API server serves {resource}: watching it");
        self.feed.missing(false);
        self.feed.forget_versions();
        self.take_version(version);
        // Its versions may be of another store than before.
        self.seed = self.seed.wrapping_add(1);
        self.resume = Resume::new(self.seed);
        Ok(())
    }

    fn take_version(&mut self, version: &'static str) {
        if version != self.collection.version {
            tracing::info!(
                kind = %self.kind, version, before = self.collection.version,
                "watching another version"
            );
        }
        self.collection = Collection { kind: self.kind, version };
    }
}
