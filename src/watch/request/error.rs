//! Requests that brought no objects: what that means, and what to do about it.

use std::time::Duration;

use crate::client::Status;
use crate::watch::kind::Kind;
use crate::watch::resume::Failure;

/// A request that brought no objects.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// The server answered with an error.
    #[error("{code} {reason}: {message}")]
    Refused {
        /// HTTP status code.
        code: u16,
        /// `reason` of the Status, such as `Forbidden`.
        reason: String,
        /// `message` of the Status.
        message: String,
        /// Wait asked for by the server.
        retry_after: Option<Duration>,
    },
    /// No answer, or one that ended too soon.
    #[error("{0}")]
    Lost(String),
    /// The answer cannot be read.
    #[error("{0}")]
    Unreadable(String),
}

impl RequestError {
    /// What the watch makes of it.
    pub(crate) fn failure(&self) -> Failure {
        match self {
            Self::Refused { code: 410, .. } => Failure::Expired,
            Self::Refused { retry_after: Some(after), .. } => Failure::Throttled(*after),
            _ => Failure::Other,
        }
    }

    /// Whether the server does not know the resource.
    pub fn is_not_served(&self) -> bool {
        matches!(self, Self::Refused { code: 404, .. })
    }

    /// Whether the server has nothing as new as the version asked for (client-go's
    /// `IsTooLargeResourceVersionError`).
    pub(crate) fn is_version_too_large(&self) -> bool {
        matches!(self, Self::Refused { code: 504, message, .. }
            if message.starts_with("Too large resource version"))
    }

    /// Whether the server knows us not or does not let us.
    pub fn is_denied(&self) -> bool {
        matches!(self, Self::Refused { code: 401 | 403, .. })
    }

    /// The error of a Status, in an answer with this code or in an event.
    pub(crate) fn of_status(code: Option<u16>, status: Status) -> Self {
        let wait = status.details.and_then(|d| d.retry_after_seconds);
        let wait = wait.and_then(|s| u64::try_from(s).ok()).filter(|s| *s > 0);
        Self::Refused {
            code: code
                .or_else(|| u16::try_from(status.code.unwrap_or_default()).ok())
                .unwrap_or_default(),
            reason: status.reason.unwrap_or_default(),
            message: status.message.unwrap_or_default(),
            retry_after: wait.map(Duration::from_secs),
        }
    }

    /// What this has in common with failures of other kinds: a server that is away or in trouble
    /// is so for all of them, what it refuses it refuses of one.
    pub(crate) fn cause(&self, verb: &str, kind: Kind) -> String {
        match self {
            Self::Refused { code: 401, .. } => "401".into(),
            Self::Refused { code: code @ (429 | 500..), reason, .. } => format!("{code} {reason}"),
            Self::Refused { code, reason, .. } => format!("{verb} {kind}: {code} {reason}"),
            Self::Lost(text) => text.clone(),
            Self::Unreadable(text) => format!("{kind}: {text}"),
        }
    }

    /// Text for people: what went wrong with `verb` of `kind`, and for a denial what to grant.
    pub(crate) fn explain(&self, verb: &str, kind: Kind) -> String {
        let resource = kind.resource();
        match self {
            Self::Refused { code: 403, message, .. } => {
                let group = kind.group();
                let grantee = service_account(message).map_or_else(
                    || "the scheduler's user".into(),
                    |a| format!("the ServiceAccount {a}"),
                );
                format!(
                    "cannot {verb} {resource}: RBAC denies it ({message}): grant get, list, watch \
                     on {resource} (apiGroup {group:?}) to {grantee}"
                )
            }
            Self::Refused { code: 401, message, .. } => format!(
                "cannot {verb} {resource}: the API server does not accept the credentials \
                 ({message}): check the token or client certificate"
            ),
            other => format!("cannot {verb} {resource}: {other}"),
        }
    }
}

/// `namespace/name` of the ServiceAccount that a message says is not allowed.
fn service_account(message: &str) -> Option<String> {
    let (_, rest) = message.split_once("User \"system:serviceaccount:")?;
    let (account, _) = rest.split_once('"')?;
    Some(account.replacen(':', "/", 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_denial_says_what_to_grant() {
        let error = RequestError::Refused {
            code: 403,
            reason: "Forbidden".into(),
            message:
                "nodes is forbidden: User \"system:serviceaccount:berth-system:berth\" cannot \
                      list resource \"nodes\" in API group \"\" at the cluster scope"
                    .into(),
            retry_after: None,
        };
        let text = error.explain("list", Kind::Node);
        assert!(text.starts_with("cannot list nodes: RBAC denies it"), "{text}");
        let grant = "grant get, list, watch on nodes (apiGroup \"\") to the ServiceAccount \
                     berth-system/berth";
        assert!(text.ends_with(grant), "{text}");
        assert!(error.is_denied());
        assert_eq!(error.failure(), Failure::Other);
    }

    #[test]
    fn a_server_in_trouble_is_one_cause_for_all_kinds_and_a_refusal_is_of_one() {
        let refused = |code| RequestError::Refused {
            code,
            reason: "R".into(),
            message: "m".into(),
            retry_after: None,
        };
        for error in [RequestError::Lost("refused".into()), refused(503), refused(429)] {
            assert_eq!(error.cause("list", Kind::Pod), error.cause("watch", Kind::Node));
        }
        assert_ne!(refused(403).cause("list", Kind::Pod), refused(403).cause("list", Kind::Node));
    }
}
