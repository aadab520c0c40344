//! Tokens of credential plugins (`exec` in a kubeconfig): asked for once, shared by all clients,
//! and renewed before they end. Enter at [`Credential::of`].
//!
//! kube runs the plugin for each client and each TLS configuration, and again under way, where
//! requests wait for it. client-go has one cache for the process as well (`globalCache` in
//! `plugin/pkg/client/auth/exec`).

mod plugin;

use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::task::{Context, Poll};
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use http::header::AUTHORIZATION;
use http::{HeaderValue, Request, Response, StatusCode};
use jiff::Timestamp;
use kube::config::ExecConfig;
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::task::AbortOnDropHandle;
use tower::{Layer, Service};

pub use plugin::PluginError;
use plugin::{Issued, issue};

/// How long before its end a token is renewed; half of its time where that is less.
const MARGIN: Duration = Duration::from_secs(60);

/// Least time from one run of a plugin to the next: a server that refuses every token must not
/// start processes without end. Six a minute at most.
const FLOOR: Duration = Duration::from_secs(10);

/// The plugins of this process whose tokens are in use: one for each kubeconfig, so three at most
/// (`--kubeconfig`, `--authentication-kubeconfig`, `--authorization-kubeconfig`).
static IN_USE: tokio::sync::Mutex<Vec<(String, Weak<Shared>)>> =
    tokio::sync::Mutex::const_new(Vec::new());

/// What a plugin has issued, renewed in the background; cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Credential(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    state: Arc<State>,
    /// Certificate and key, where the plugin issues them. They stay: a connection keeps its own.
    identity: Option<(String, String)>,
    _renewal: AbortOnDropHandle<()>,
}

#[derive(Debug)]
struct State {
    header: Mutex<Option<HeaderValue>>,
    /// A request was answered by 401.
    refused: Notify,
}

impl Credential {
    /// Of this plugin, which is run unless another client has done so.
    ///
    /// # Errors
    /// The plugin cannot be run, or does not print a credential.
    pub(super) async fn of(exec: &ExecConfig) -> Result<Self, PluginError> {
        let key = plugin::key(exec);
        // Held while the plugin runs: whoever asks meanwhile gets the same.
        let mut in_use = IN_USE.lock().await;
        in_use.retain(|(_, shared)| shared.strong_count() > 0);
        let known = in_use.iter().find(|(other, _)| *other == key);
        if let Some(shared) = known.and_then(|(_, shared)| shared.upgrade()) {
            return Ok(Self(shared));
        }
        let issued = issue(exec).await?;
        let (identity, expires) = (issued.identity.clone(), issued.expires);
        let state = Arc::new(State { header: Mutex::new(issued.token), refused: Notify::new() });
        let renewal = tokio::spawn(renew(exec.clone(), Arc::clone(&state), expires));
        let renewal = AbortOnDropHandle::new(renewal);
        let shared = Arc::new(Shared { state, identity, _renewal: renewal });
        in_use.push((key, Arc::downgrade(&shared)));
        Ok(Self(shared))
    }

    /// Certificate and key, PEM, where the plugin issues them.
    pub(super) fn identity(&self) -> Option<&(String, String)> {
        self.0.identity.as_ref()
    }
}

impl State {
    fn header(&self) -> Option<HeaderValue> {
        self.header.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn take(&self, issued: Issued) -> Option<Timestamp> {
        *self.header.lock().unwrap_or_else(PoisonError::into_inner) = issued.token;
        issued.expires
    }
}

/// How long a token is used before it is renewed.
fn use_for(expires: Timestamp, now: Timestamp) -> Duration {
    let left = Duration::try_from(expires.duration_since(now)).unwrap_or_default();
    (left - MARGIN.min(left / 2)).max(FLOOR)
}

async fn renew(exec: ExecConfig, state: Arc<State>, mut expires: Option<Timestamp>) {
    loop {
        let due = expires.map(|expires| Instant::now() + use_for(expires, Timestamp::now()));
        let end = async {
            match due {
                Some(due) => tokio::time::sleep_until(due).await,
                None => std::future::pending().await,
            }
        };
        // Not at once, whatever is refused.
        tokio::time::sleep(FLOOR).await;
        tokio::select! {
            () = end => {}
            () = state.refused.notified() => {}
        }
        match issue(&exec).await {
            Ok(issued) => expires = state.take(issued),
            Err(error) => {
                tracing::warn!(%error, "The token before it is used until it ends; trying again");
                expires = Some(Timestamp::now());
            }
        }
    }
}

/// Adds the token to requests.
impl<S> Layer<S> for Credential {
    type Service = Authorized<S>;

    fn layer(&self, inner: S) -> Authorized<S> {
        Authorized { inner, credential: self.clone() }
    }
}

/// A service whose requests have a token.
#[derive(Debug, Clone)]
pub(super) struct Authorized<S> {
    inner: S,
    credential: Credential,
}

impl<S, B, R> Service<Request<B>> for Authorized<S>
where
    S: Service<Request<B>, Response = Response<R>>,
    S::Future: Send + 'static,
{
    type Response = Response<R>;
    type Error = S::Error;
    type Future = BoxFuture<'static, Result<Response<R>, S::Error>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let state = Arc::clone(&self.credential.0.state);
        // Alive as long as its requests.
        let credential = self.credential.clone();
        if let Some(header) = state.header() {
            request.headers_mut().insert(AUTHORIZATION, header);
        }
        let answer = self.inner.call(request);
        async move {
            let answer = answer.await;
            if answer.as_ref().is_ok_and(|answer| answer.status() == StatusCode::UNAUTHORIZED) {
                state.refused.notify_one();
            }
            drop(credential);
            answer
        }
        .boxed()
    }
}

#[cfg(test)]
mod tests;
