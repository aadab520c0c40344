//! What an answer to a bind means. Pure: status code and `v1.Status` in, outcome out.

use std::time::Duration;

use berth_engine::BindOutcome;

use crate::client::{Answer, Failure};

/// Longest pause that a `Retry-After` can ask for. The API server asks for 1 s when it sheds load
/// and up to some 10 s when it starts; a wrong value must not stop all binding.
const PAUSE_MAX: Duration = Duration::from_secs(30);

/// Pause after a 429 without `Retry-After`; the API server's own value (`retryAfter = "1"`).
const PAUSE_DEFAULT: Duration = Duration::from_secs(1);

/// What is known after one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The end of the bind.
    Known(BindOutcome),
    /// 409, surely not carried out: the pod is another, is bound, is going, or has only changed.
    Conflict(String),
    /// The pod may be bound or not: look.
    InDoubt(String),
}

/// Reads the answer to POST of a Binding.
///
/// Only what the API server itself says is final. 500 is in doubt, because etcd's timeouts come as
/// 500 after they may have been committed; 502, 504 and a 503 without a `v1.Status` come from
/// proxies, which say nothing about what happened behind them.
pub(super) fn of_post(result: &Result<Answer, Failure>) -> Verdict {
    let answer = match result {
        Ok(answer) => answer,
        Err(Failure::Unsent(text)) => {
            return Verdict::Known(BindOutcome::Unavailable(text.clone()));
        }
        Err(lost @ Failure::Lost(_)) => return Verdict::InDoubt(lost.to_string()),
    };
    // The body of a success says nothing more.
    if matches!(answer.status, 200 | 201) {
        return Verdict::Known(BindOutcome::Bound);
    }
    let status = answer.api_status();
    let reason = status.as_ref().map_or("", |s| s.reason());
    let text = answer.text();
    match answer.status {
        404 if reason == "NotFound" => Verdict::Known(BindOutcome::Gone),
        409 => Verdict::Conflict(text),
        429 => Verdict::Known(BindOutcome::Throttled(text)),
        503 if reason == "ServiceUnavailable" => Verdict::Known(BindOutcome::Unavailable(text)),
        501 | 505 => Verdict::Known(BindOutcome::Unavailable(text)),
        // Of proxies: the request may have gone on.
        408 | 499 => Verdict::InDoubt(text),
        300..=499 => Verdict::Known(BindOutcome::Denied(text)),
        _ => Verdict::InDoubt(text),
    }
}

/// For how long an answer asks all binds to pause.
pub(super) fn pause(result: &Result<Answer, Failure>) -> Option<Duration> {
    let answer = result.as_ref().ok()?;
    match answer.status {
        429 => Some(answer.retry_after.unwrap_or(PAUSE_DEFAULT).min(PAUSE_MAX)),
        503 => answer.retry_after.map(|wait| wait.min(PAUSE_MAX)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn answer(status: u16, reason: &str) -> Result<Answer, Failure> {
        let body = match reason {
            "" => "upstream connect error".to_owned(),
            _ => format!(r#"{{"kind":"Status","reason":"{reason}","message":"m"}}"#),
        };
        Ok(Answer { status, retry_after: None, date: None, body: body.into() })
    }

    fn name(verdict: &Verdict) -> &'static str {
        match verdict {
            Verdict::Known(outcome) => outcome.label(),
            Verdict::Conflict(_) => "conflict",
            Verdict::InDoubt(_) => "in doubt",
        }
    }

    #[test]
    fn every_answer_to_a_post() {
        let table = [
            (201, "", "bound"),
            (200, "", "bound"),
            (202, "", "in doubt"),
            (302, "", "denied"),
            (400, "BadRequest", "denied"),
            (401, "Unauthorized", "denied"),
            (403, "Forbidden", "denied"),
            (404, "NotFound", "gone"),
            (404, "", "denied"),
            (405, "MethodNotAllowed", "denied"),
            (408, "", "in doubt"),
            (409, "Conflict", "conflict"),
            (409, "", "conflict"),
            (422, "Invalid", "denied"),
            (429, "TooManyRequests", "throttled"),
            (429, "", "throttled"),
            (500, "InternalError", "in doubt"),
            (501, "", "unavailable"),
            (502, "", "in doubt"),
            (503, "ServiceUnavailable", "unavailable"),
            (503, "", "in doubt"),
            (504, "Timeout", "in doubt"),
            (599, "", "in doubt"),
        ];
        for (status, reason, expected) in table {
            assert_eq!(name(&of_post(&answer(status, reason))), expected, "{status} {reason}");
        }
        assert_eq!(name(&of_post(&Err(Failure::Unsent("refused".into())))), "unavailable");
        assert_eq!(name(&of_post(&Err(Failure::Lost("reset".into())))), "in doubt");
    }

    #[test]
    fn every_label_is_listed() {
        let text = String::new;
        let all = [
            BindOutcome::Bound,
            BindOutcome::Conflict(text()),
            BindOutcome::Gone,
            BindOutcome::Replaced,
            BindOutcome::Denied(text()),
            BindOutcome::Throttled(text()),
            BindOutcome::Unavailable(text()),
            BindOutcome::NotBound { message: text(), resource_version: 0, is_told: false },
        ];
        assert_eq!(all.each_ref().map(BindOutcome::label), BindOutcome::LABELS);
    }

    #[test]
    fn pauses_follow_retry_after_up_to_the_cap() {
        let with = |status, seconds: Option<u64>| {
            let mut result = answer(status, "x");
            result.as_mut().unwrap().retry_after = seconds.map(Duration::from_secs);
            pause(&result).map(|d| d.as_secs())
        };
        assert_eq!(with(429, None), Some(1));
        assert_eq!(with(429, Some(5)), Some(5));
        assert_eq!(with(429, Some(86_400)), Some(30));
        assert_eq!(with(503, Some(2)), Some(2));
        assert_eq!(with(503, None), None);
        assert_eq!(with(201, Some(5)), None);
        assert_eq!(pause(&Err(Failure::Lost("x".into()))), None);
    }
}
