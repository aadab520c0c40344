//! What a look at a pod tells after a bind. Pure, as `outcome` is.

use berth_engine::BindOutcome;
use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::client::{Answer, Failure};
use crate::watch::number;

/// What a look at the pod told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Look {
    /// The end of the bind.
    Known(BindOutcome),
    /// The pod is there and has no node.
    Unbound(Unbound),
    /// The server refuses to show the pod.
    Refused(String),
    /// No answer, or none that tells: look again.
    Again(String),
}

/// A pod without a node, as a look shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Unbound {
    /// `metadata.resourceVersion`; 0 where it is no number.
    pub(super) version: u64,
    /// Neither going nor gated: a bind can be carried out.
    pub(super) can_be_bound: bool,
    /// It shows `PodScheduled=False`.
    pub(super) is_told: bool,
}

/// `v1.Pod`, as far as a look reads it.
#[derive(Deserialize)]
struct PodSeen {
    metadata: MetadataSeen,
    #[serde(default)]
    spec: SpecSeen,
    #[serde(default)]
    status: StatusSeen,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct MetadataSeen {
    #[serde(default)]
    uid: String,
    #[serde(default)]
    resource_version: String,
    #[serde(default)]
    deletion_timestamp: Option<IgnoredAny>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct SpecSeen {
    node_name: Option<String>,
    scheduling_gates: Option<Vec<IgnoredAny>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct StatusSeen {
    conditions: Option<Vec<ConditionSeen>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ConditionSeen {
    #[serde(rename = "type")]
    kind: String,
    status: String,
}

impl PodSeen {
    fn unbound(&self) -> Unbound {
        let conditions = self.status.conditions.iter().flatten();
        let gates = self.spec.scheduling_gates.as_ref().map_or(0, Vec::len);
        Unbound {
            version: number(&self.metadata.resource_version),
            can_be_bound: self.metadata.deletion_timestamp.is_none() && gates == 0,
            is_told: conditions.clone().any(|c| c.kind == "PodScheduled" && c.status == "False"),
        }
    }
}

/// Reads the answer to GET of the pod, or to a PATCH of its status: it is ours only with our `uid`
/// and on our `node`.
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
            _ if pod.metadata.uid != uid => BindOutcome::Replaced,
            Some(bound) if bound == node => BindOutcome::Bound,
            Some(other) if !other.is_empty() => {
                BindOutcome::Conflict(format!("the pod is bound to node {other}"))
            }
            _ => return Look::Unbound(pod.unbound()),
        });
    }
    let reason = answer.api_status().and_then(|s| s.reason).unwrap_or_default();
    match answer.status {
        404 if reason == "NotFound" => Look::Known(BindOutcome::Gone),
        // 409 to a PATCH: the pod has changed.
        408 | 409 | 429 | 499.. => Look::Again(answer.text()),
        _ => Look::Refused(answer.text()),
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

    #[test]
    fn every_answer_to_a_look() {
        let pod = |body: &str| {
            let body = body.to_owned().into();
            of_look(&Ok(Answer { status: 200, retry_after: None, date: None, body }), "u", "n")
        };
        let known = |look| match look {
            Look::Known(outcome) => outcome.label(),
            Look::Unbound(_) => "unbound",
            Look::Refused(_) => "refused",
            Look::Again(_) => "again",
        };
        let table = [
            (r#"{"metadata":{"uid":"u"},"spec":{"nodeName":"n"}}"#, "bound"),
            (r#"{"metadata":{"uid":"u"},"spec":{"nodeName":"m"}}"#, "conflict"),
            (r#"{"metadata":{"uid":"u"},"spec":{"nodeName":""}}"#, "unbound"),
            (r#"{"metadata":{"uid":"u"},"spec":{}}"#, "unbound"),
            (r#"{"metadata":{"uid":"v"},"spec":{"nodeName":"n"}}"#, "replaced"),
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

    #[test]
    fn a_pod_without_a_node_says_how_it_is() {
        let look = |metadata: &str, rest: &str| {
            let body = format!(r#"{{"metadata":{{"uid":"u",{metadata}}},{rest}}}"#).into();
            let answer = Answer { status: 200, retry_after: None, date: None, body };
            of_look(&Ok(answer), "u", "n")
        };
        let unbound = |version, can_be_bound, is_told| {
            Look::Unbound(Unbound { version, can_be_bound, is_told })
        };
        assert_eq!(look(r#""resourceVersion":"7""#, r#""spec":{}"#), unbound(7, true, false));
        let going = r#""resourceVersion":"8","deletionTimestamp":"2026-01-02T15:04:05Z""#;
        assert_eq!(look(going, r#""spec":{}"#), unbound(8, false, false));
        let gated = r#""spec":{"schedulingGates":[{"name":"g"}]}"#;
        assert_eq!(look(r#""resourceVersion":"x""#, gated), unbound(0, false, false));
        let told = r#""status":{"conditions":[{"type":"PodScheduled","status":"False"}]}"#;
        assert_eq!(look(r#""resourceVersion":"9""#, told), unbound(9, true, true));
        let nulls = r#""spec":{"schedulingGates":null},"status":{"conditions":null}"#;
        assert_eq!(look(r#""resourceVersion":"9""#, nulls), unbound(9, true, false));
    }
}
