//! One answer.

use serde_json::json;

use super::access::Refusal;

/// JSON, or an HTTP status and what is wrong.
pub type Answer = Result<serde_json::Value, (u16, String)>;

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

    pub(super) fn json(status: u16, body: &serde_json::Value) -> Self {
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
