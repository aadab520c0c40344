//! Who may read what: the API server is asked, by TokenReview and SubjectAccessReview, as
//! kube-scheduler does (`options.DelegatingAuthenticationOptions` and
//! `DelegatingAuthorizationOptions`). Enter at [`Access::check`].
//!
//! Nothing but a clear yes lets anybody in.

mod reviewer;
mod user;

use std::fmt;
use std::time::{Duration, Instant};

use serde::Deserialize;
use serde_json::json;

use super::remembered::Remembered;
use crate::client::Client;
use reviewer::{Reviewer, Standing};
pub(super) use user::User;

/// How long an answer counts (`--authentication-token-webhook-cache-ttl` and
/// `--authorization-webhook-cache-{authorized,unauthorized}-ttl` by default).
const TTL: Duration = Duration::from_secs(10);

/// How long whoever was granted something counts as known when the API server is asked again. A
/// scraper comes each minute or more often.
const KNOWN_TTL: Duration = Duration::from_secs(600);

/// Answers remembered of each kind. Reviews come at 30/s at most with bursts of 60, so that 360
/// are fresh: there is always room. Tokens take 1–2 kB, so 2 MB.
const REMEMBERED_MAX: usize = 1024;

/// Longest token looked at. A ServiceAccount's takes about 1 kB; headers end at 8 kB anyway.
const TOKEN_MAX: usize = 16 * 1024;

/// Why a request is not answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Refusal {
    /// 401: the token is not valid.
    Unauthorized,
    /// 403, with a message for people.
    Forbidden(String),
    /// 429: strangers cause too many reviews.
    Busy,
    /// 500: the API server could not be asked.
    Unknown(String),
}

/// Asks the API server who may read.
pub struct Access {
    authentication: Client,
    authorization: Client,
    /// Paths that need neither; `/x/*` stands for all below `/x/`.
    open_paths: Vec<String>,
    users: Remembered<String, Option<User>>,
    decisions: Remembered<String, Decision>,
    /// Tokens that were valid.
    known_users: Remembered<String, ()>,
    /// Keys of decisions that allowed.
    known_decisions: Remembered<String, ()>,
    reviewer: Reviewer,
}

impl fmt::Debug for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Access").field("open_paths", &self.open_paths).finish_non_exhaustive()
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
            authentication,
            authorization,
            open_paths,
            users: Remembered::new(TTL, REMEMBERED_MAX),
            decisions: Remembered::new(TTL, REMEMBERED_MAX),
            known_users: Remembered::new(KNOWN_TTL, REMEMBERED_MAX),
            known_decisions: Remembered::new(KNOWN_TTL, REMEMBERED_MAX),
            reviewer: Reviewer::new(reviewer::DEADLINE, Instant::now()),
        }
    }

    /// Whether `verb` (`get`) on `path` may be answered to who sends this `Authorization` header,
    /// or showed a client certificate: where there is one it counts, as in kube-scheduler's union
    /// of authenticators.
    pub(super) async fn check(
        &self,
        verb: &str,
        path: &str,
        authorization: Option<&str>,
        certificate: Option<&User>,
    ) -> Result<(), Refusal> {
        if self.is_open(path) {
            return Ok(());
        }
        let user = match (certificate, authorization.and_then(bearer)) {
            (Some(user), _) => user.clone(),
            (None, Some(token)) => self.user_of(token).await?,
            (None, None) => User::anonymous(),
        };
        if user.is_master() {
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
        let (client, standing) = (&self.authentication, standing(&self.known_users, &key));
        let status: TokenStatus = self.reviewer.ask(standing, client, path, &review).await?;
        if !status.error.is_empty() {
            tracing::debug!(error = status.error, "Token refused");
        }
        // A review that holds an error, or names nobody, is not a yes.
        let valid = status.authenticated && status.error.is_empty();
        let user = status.user.filter(|user| valid && !user.name.is_empty());
        let user = user.map(User::authenticated);
        if user.is_some() {
            self.known_users.put(key.clone(), (), Instant::now());
        }
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
        let (client, standing) = (&self.authorization, standing(&self.known_decisions, &key));
        let status: AccessStatus = self.reviewer.ask(standing, client, path, &review).await?;
        let decision = match status.allowed && !status.denied {
            true => Decision::Allowed,
            false => Decision::Denied(status.reason),
        };
        if decision == Decision::Allowed {
            self.known_decisions.put(key.clone(), (), Instant::now());
        }
        self.decisions.put(key, decision.clone(), Instant::now());
        Ok(decision)
    }
}

/// The limits for asking once more.
fn standing(known: &Remembered<String, ()>, key: &String) -> Standing {
    match known.get(key, Instant::now()) {
        Some(()) => Standing::Known,
        None => Standing::Stranger,
    }
}

#[derive(Deserialize)]
struct TokenStatus {
    #[serde(default)]
    authenticated: bool,
    user: Option<User>,
    #[serde(default)]
    error: String,
}

#[derive(Deserialize)]
struct AccessStatus {
    allowed: bool,
    #[serde(default)]
    denied: bool,
    #[serde(default)]
    reason: String,
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
