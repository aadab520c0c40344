//! Who may read what: the API server is asked, by TokenReview and SubjectAccessReview, as
//! kube-scheduler does (`options.DelegatingAuthenticationOptions` and
//! `DelegatingAuthorizationOptions`). Enter at [`Access::check`].

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use super::remembered::Remembered;
use crate::client::{Client, exchange, request};

/// How long an answer counts (`--authentication-token-webhook-cache-ttl` and
/// `--authorization-webhook-cache-{authorized,unauthorized}-ttl` by default).
const TTL: Duration = Duration::from_secs(10);

/// Answers remembered of each kind. Tokens take 1–2 kB, so 2 MB; a few scrapers need ten.
const REMEMBERED_MAX: usize = 1024;

/// Longest token looked at. A ServiceAccount's takes about 1 kB; headers end at 8 kB anyway.
const TOKEN_MAX: usize = 16 * 1024;

/// Reviews under way: a flood of bad tokens costs the API server at most this many requests at
/// once.
const REVIEWS_MAX: usize = 8;

/// Deadline of a review.
const DEADLINE: Duration = Duration::from_secs(10);

/// `user.Info`: what a SubjectAccessReview wants to know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct User {
    #[serde(rename(serialize = "user", deserialize = "username"))]
    pub(super) name: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    uid: String,
    groups: Vec<String>,
    #[serde(skip_serializing_if = "Value::is_null")]
    extra: Value,
}

impl Default for User {
    /// Who comes without a token.
    fn default() -> Self {
        Self {
            name: "system:anonymous".to_owned(),
            uid: String::new(),
            groups: vec!["system:unauthenticated".to_owned()],
            extra: Value::Null,
        }
    }
}

/// Why a request is not answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Refusal {
    /// 401: the token is not valid.
    Unauthorized,
    /// 403, with a message for people.
    Forbidden(String),
    /// 500: the API server could not be asked.
    Unknown(String),
}

/// Asks the API server who may read.
#[derive(Debug)]
pub struct Access {
    authentication: AskedClient,
    authorization: AskedClient,
    /// Paths that need neither; `/x/*` stands for all below `/x/`.
    open_paths: Vec<String>,
    users: Remembered<String, Option<User>>,
    decisions: Remembered<String, Decision>,
    reviews: Semaphore,
}

struct AskedClient(Client);

impl std::fmt::Debug for AskedClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Client")
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Decision {
    Allowed,
    Denied(String),
}

impl Access {
    /// Reviews go to these clients; `open_paths` is `--authorization-always-allow-paths`.
    pub fn new(authentication: Client, authorization: Client, open_paths: Vec<String>) -> Self {
        Self {
            authentication: AskedClient(authentication),
            authorization: AskedClient(authorization),
            open_paths,
            users: Remembered::new(TTL, REMEMBERED_MAX),
            decisions: Remembered::new(TTL, REMEMBERED_MAX),
            reviews: Semaphore::new(REVIEWS_MAX),
        }
    }

    /// Whether `verb` (`get`) on `path` may be answered to who sends this `Authorization` header.
    pub(super) async fn check(
        &self,
        verb: &str,
        path: &str,
        authorization: Option<&str>,
    ) -> Result<(), Refusal> {
        if self.is_open(path) {
            return Ok(());
        }
        let user = match authorization.and_then(bearer) {
            None => User::default(),
            Some(token) => self.user_of(token).await?,
        };
        if user.groups.iter().any(|group| group == "system:masters") {
            return Ok(());
        }
        match self.decide(&user, verb, path).await? {
            Decision::Allowed => Ok(()),
            Decision::Denied(reason) => {
                let mut text =
                    format!("forbidden: User {:?} cannot {verb} path {path:?}", user.name);
                if !reason.is_empty() {
                    text.push_str(": ");
                    text.push_str(&reason);
                }
                Err(Refusal::Forbidden(text))
            }
        }
    }

    fn is_open(&self, path: &str) -> bool {
        self.open_paths.iter().any(|open| match open.strip_suffix('*') {
            Some(prefix) => path.starts_with(prefix),
            None => path.trim_start_matches('/') == open.trim_start_matches('/'),
        })
    }

    async fn user_of(&self, token: &str) -> Result<User, Refusal> {
        if token.len() > TOKEN_MAX {
            return Err(Refusal::Unauthorized);
        }
        let key = token.to_owned();
        if let Some(known) = self.users.get(&key, Instant::now()) {
            return known.ok_or(Refusal::Unauthorized);
        }
        let review = json!({
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenReview",
            "spec": {"token": token},
        });
        let path = "/apis/authentication.k8s.io/v1/tokenreviews";
        let status: TokenStatus = self.review(&self.authentication.0, path, &review).await?;
        if !status.error.is_empty() {
            tracing::debug!(error = status.error, "Token refused");
        }
        let user = status.authenticated.then_some(status.user).map(authenticated);
        self.users.put(key, user.clone(), Instant::now());
        user.ok_or(Refusal::Unauthorized)
    }

    async fn decide(&self, user: &User, verb: &str, path: &str) -> Result<Decision, Refusal> {
        let mut spec = serde_json::to_value(user).map_err(|e| Refusal::Unknown(e.to_string()))?;
        spec["nonResourceAttributes"] = json!({"path": path, "verb": verb});
        let key = spec.to_string();
        if let Some(known) = self.decisions.get(&key, Instant::now()) {
            return Ok(known);
        }
        let review = json!({
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SubjectAccessReview",
            "spec": spec,
        });
        let path = "/apis/authorization.k8s.io/v1/subjectaccessreviews";
        let status: AccessStatus = self.review(&self.authorization.0, path, &review).await?;
        let decision = match status.allowed && !status.denied {
            true => Decision::Allowed,
            false => Decision::Denied(status.reason),
        };
        self.decisions.put(key, decision.clone(), Instant::now());
        Ok(decision)
    }

    /// Creates a review and reads its status.
    async fn review<S: for<'de> Deserialize<'de>>(
        &self,
        client: &Client,
        path: &str,
        review: &Value,
    ) -> Result<S, Refusal> {
        let unknown = |error: String| {
            tracing::warn!(path, error, "Cannot ask the API server who may read");
            Refusal::Unknown(error)
        };
        let body = Some(("application/json", review.to_string().into_bytes()));
        let request = request("POST", path, body).map_err(|e| unknown(e.to_string()))?;
        let _permit = self.reviews.acquire().await.map_err(|e| unknown(e.to_string()))?;
        let answer =
            exchange(client, request, DEADLINE).await.map_err(|e| unknown(e.to_string()))?;
        if !answer.is_success() {
            return Err(unknown(answer.text()));
        }
        let reviewed: Reviewed<S> =
            serde_json::from_slice(&answer.body).map_err(|e| unknown(e.to_string()))?;
        Ok(reviewed.status)
    }
}

#[derive(Deserialize)]
struct Reviewed<S> {
    status: S,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct TokenStatus {
    authenticated: bool,
    user: User,
    error: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct AccessStatus {
    allowed: bool,
    denied: bool,
    reason: String,
}

/// Everybody with a valid token is in this group (`group.NewAuthenticatedGroupAdder`).
fn authenticated(mut user: User) -> User {
    const GROUP: &str = "system:authenticated";
    user.groups.retain(|group| group != "system:unauthenticated");
    if !user.groups.iter().any(|group| group == GROUP) {
        user.groups.push(GROUP.to_owned());
    }
    user
}

/// The token of `Authorization: Bearer <token>`; the scheme in any case (RFC 9110 §11.1). An
/// empty one counts as none, as in `bearertoken.Authenticator`.
fn bearer(header: &str) -> Option<&str> {
    let (scheme, token) = header.trim().split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

#[cfg(test)]
mod tests;
