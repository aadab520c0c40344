//! What an answer to a bind means. Pure: status code and `v1.Status` in, outcome out.

use std::time::Duration;

use berth_engine::BindOutcome;
use serde::Deserialize;

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
    let reason = status.as_ref().map_or("", |s| s.reason.as_str());
    let text = answer.text();
    match answer.status {
        404 if reason == "NotFound" => Verdict::Known(BindOutcome::Gone),
        409 => Verdict::Known(BindOutcome::Conflict(text)),
        429 => Verdict::Known(BindOutcome::Throttled(text)),
        503 if reason == "ServiceUnavailable" => Verdict::Known(BindOutcome::Unavailable(text)),
        501 | 505 => Verdict::Known(BindOutcome::Unavailable(text)),
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

/// What a look at the pod told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Look {
    /// The end of the bind.
    Known(BindOutcome),
    /// The server refuses to show the pod.
    Refused(String),
    /// No answer, or none that tells: look again.
    Again(String),
}

/// `v1.Pod`, as far as a look reads it.
#[derive(Deserialize)]
struct PodSeen {
    metadata: MetadataSeen,
    #[serde(default)]
    spec: SpecSeen,
}

#[derive(Deserialize)]
struct MetadataSeen {
    #[serde(default)]
    uid: String,
}

#[derive(Default, Deserialize)]
struct SpecSeen {
    #[serde(default, rename = "nodeName")]
    node_name: Option<String>,
}

/// Reads the answer to GET of the pod: it is ours only with our `uid` and on our `node`.
pub(super) fn of_look(result: &Result<Answer, Failure>, uid: &str, node: &str) -> Look {
    let answer = match result {
        Ok(answer) => answer,
        Err(failure) => return Look::Again(failure.to_string()),
    };
    if answer.status == 200 {
        let Ok(pod) = serde_json::from_slice::<PodSeen>(&answer.body) else {
            return Look::Again("200 with a body that is no pod".to_owned());
        };
        return Look::Known(match pod.spec.node_name.as_deref() {
            _ if pod.metadata.uid != uid => BindOutcome::Gone,
            Some(bound) if bound == node => BindOutcome::Bound,
            Some(other) if !other.is_empty() => {
                BindOutcome::Conflict(format!("the pod is bound to node {other}"))
            }
            _ => BindOutcome::NotBound("the answer was lost and the pod is not bound".to_owned()),
        });
    }
    let reason = answer.api_status().map(|s| s.reason).unwrap_or_default();
    match answer.status {
        404 if reason == "NotFound" => Look::Known(BindOutcome::Gone),
        408 | 429 | 500.. => Look::Again(answer.text()),
        _ => Look::Refused(answer.text()),
    }
}

/// The label of an outcome in metrics.
pub(super) fn label(outcome: &BindOutcome) -> &'static str {
    match outcome {
        BindOutcome::Bound => "bound",
        BindOutcome::Conflict(_) => "conflict",
        BindOutcome::Gone => "gone",
        BindOutcome::Denied(_) => "denied",
        BindOutcome::Throttled(_) => "throttled",
        BindOutcome::Unavailable(_) => "unavailable",
        BindOutcome::NotBound(_) => "not_bound",
    }
}

/// All values of [`label`], so that every series exists from the start.
pub(crate) const LABELS: [&str; 7] =
    ["bound", "conflict", "gone", "denied", "throttled", "unavailable", "not_bound"];

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
            Verdict::Known(outcome) => label(outcome),
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
            BindOutcome::Denied(text()),
            BindOutcome::Throttled(text()),
            BindOutcome::Unavailable(text()),
            BindOutcome::NotBound(text()),
        ];
        assert_eq!(all.each_ref().map(label), LABELS);
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

    #[test]
    fn every_answer_to_a_look() {
        let pod = |body: &str| {
            let body = body.to_owned().into();
            of_look(&Ok(Answer { status: 200, retry_after: None, date: None, body }), "u", "n")
        };
        let known = |look| match look {
            Look::Known(outcome) => label(&outcome),
            Look::Refused(_) => "refused",
            Look::Again(_) => "again",
        };
        let table = [
            (r#"{"metadata":{"uid":"u"},"spec":{"nodeName":"n"}}"#, "bound"),
            (r#"{"metadata":{"uid":"u"},"spec":{"nodeName":"m"}}"#, "conflict"),
            (r#"{"metadata":{"uid":"u"},"spec":{"nodeName":""}}"#, "not_bound"),
            (r#"{"metadata":{"uid":"u"},"spec":{}}"#, "not_bound"),
            (r#"{"metadata":{"uid":"v"},"spec":{"nodeName":"n"}}"#, "gone"),
            (r#"{"kind":"Status"}"#, "again"),
            ("<html>", "again"),
        ];
        for (body, expected) in table {
            assert_eq!(known(pod(body)), expected, "{body}");
        }
        let table = [
            (404, "NotFound", "gone"),
            (404, "", "refused"),
            (401, "Unauthorized", "refused"),
            (403, "Forbidden", "refused"),
            (429, "TooManyRequests", "again"),
            (500, "InternalError", "again"),
            (503, "", "again"),
        ];
        for (status, reason, expected) in table {
            let look = of_look(&answer(status, reason), "u", "n");
            assert_eq!(known(look), expected, "{status} {reason}");
        }
        assert_eq!(known(of_look(&Err(Failure::Unsent("refused".into())), "u", "n")), "again");
    }
}
