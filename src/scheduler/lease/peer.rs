//! Whether a kube-scheduler is alive: its Lease tells. Enter at [`live_kube_scheduler`].
//!
//! Two schedulers for the same pods would bind against each other, so a profile named
//! `default-scheduler` starts only where none is seen. The Lease is read and never written.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::record::Record;
use crate::client::{Client, exchange, request};

/// The name that kube-scheduler's own profile has by default.
pub const DEFAULT_SCHEDULER: &str = "default-scheduler";

/// Where kube-scheduler keeps its Lease (`leaderElection.resourceNamespace` and `resourceName`).
const PATH: &str = "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/kube-scheduler";

/// Deadline of one look.
const DEADLINE: Duration = Duration::from_secs(10);

/// Why it is not known whether a kube-scheduler is alive.
#[derive(Debug, thiserror::Error)]
pub enum LeaseError {
    /// RBAC.
    #[error(
        "Lease kube-system/kube-scheduler cannot be read ({0}), so that a live kube-scheduler would \
         not be seen: grant `get` on it, or take the profile {DEFAULT_SCHEDULER} anyway with \
         --allow-default-scheduler"
    )]
    Denied(String),
    /// No answer, or none that tells.
    #[error("Lease kube-system/kube-scheduler cannot be read: {0}")]
    Unknown(String),
}

/// A kube-scheduler that holds its Lease.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// `holderIdentity`: hostname and a UUID.
    pub identity: String,
    /// When it last renewed.
    pub renewed: Timestamp,
}

/// The live kube-scheduler, if there is one.
///
/// # Errors
/// The Lease cannot be read. That there is none is no error.
pub async fn live_kube_scheduler(client: &Client) -> Result<Option<Holder>, LeaseError> {
    let unknown = |text: String| LeaseError::Unknown(text);
    let request = request("GET", PATH, None).map_err(|e| unknown(e.to_string()))?;
    let answer = exchange(client, request, DEADLINE).await.map_err(|e| unknown(e.to_string()))?;
    match answer.status {
        200 => {}
        404 => return Ok(None),
        401 | 403 => return Err(LeaseError::Denied(answer.text())),
        _ => return Err(unknown(answer.text())),
    }
    let not_a_lease = |error| unknown(format!("its text is not a Lease: {error}"));
    let lease: Value = serde_json::from_slice(&answer.body).map_err(not_a_lease)?;
    let record = Record::of(&lease).map_err(not_a_lease)?;
    // The API server's clock, as this machine's may be off; the holder's is trusted to be right.
    let now = answer.date.and_then(|second| Timestamp::from_second(second).ok());
    Ok(holder(&record, now.unwrap_or_else(Timestamp::now)))
}

/// Who holds the Lease at `now`: somebody is named and has renewed within the Lease's duration. A
/// scheduler that ends in order empties the name (`ReleaseOnCancel`).
fn holder(record: &Record, now: Timestamp) -> Option<Holder> {
    let identity = record.holder()?.to_owned();
    let renewed = record.renew_time?;
    let duration = i64::try_from(record.duration_seconds()).unwrap_or(i64::MAX);
    let age = now.duration_since(renewed);
    // A `Date` has whole seconds, so that the age may be short by one and never long.
    let fresh = age <= SignedDuration::from_secs(duration);
    fresh.then_some(Holder { identity, renewed })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::client::fake::{FakeServer, Reply};

    /// A Lease renewed at second 100.
    fn lease(identity: &str, duration: i64) -> Record {
        let json = format!(
            r#"{{"metadata":{{"name":"kube-scheduler"}},"spec":{{"holderIdentity":{identity:?},
                "leaseDurationSeconds":{duration},"renewTime":"1970-01-01T00:01:40.000000Z",
                "leaseTransitions":3}}}}"#
        );
        Record::of(&serde_json::from_str(&json).unwrap()).unwrap()
    }

    fn held(spec: &Record, second: i64) -> bool {
        holder(spec, Timestamp::from_second(second).unwrap()).is_some()
    }

    #[test]
    fn fresh_leases_are_held() {
        let spec = lease("node_uuid", 15);
        let table = [(99, true), (100, true), (115, true), (116, false), (9_999, false)];
        for (second, expected) in table {
            assert_eq!(held(&spec, second), expected, "{second}");
        }
        assert!(held(&lease("x", 60), 150));
        assert!(held(&lease("x", 0), 115) && !held(&lease("x", 0), 116), "15 s by default");
    }

    #[test]
    fn a_released_or_empty_lease_is_not_held() {
        assert!(!held(&lease("", 15), 100));
        assert!(!held(&Record::default(), 100));
        let renewed = Record { renew_time: None, ..lease("x", 15) };
        assert!(!held(&renewed, 100));
    }

    async fn look(reply: Reply) -> Result<Option<Holder>, LeaseError> {
        let server = FakeServer::start(move |_| reply.clone()).await;
        let found = live_kube_scheduler(&server.client()).await;
        let seen = server.requests();
        assert_eq!((&*seen[0].method, &*seen[0].path), ("GET", PATH));
        assert_eq!(seen.len(), 1, "it is read once and never written");
        found
    }

    #[tokio::test]
    async fn the_servers_clock_counts() {
        let body = r#"{"spec":{"holderIdentity":"a_1","leaseDurationSeconds":15,
            "renewTime":"1994-11-06T08:49:30.000000Z"}}"#;
        let at = |date| Reply::json(200, body).with_header("date", date);
        let live = look(at("Sun, 06 Nov 1994 08:49:37 GMT")).await.unwrap();
        assert_eq!(live.unwrap().identity, "a_1");
        let dead = look(at("Sun, 06 Nov 1994 08:49:46 GMT")).await.unwrap();
        assert_eq!(dead, None);
    }

    #[tokio::test]
    async fn no_lease_is_no_scheduler_and_a_refusal_says_what_to_do() {
        assert_eq!(look(Reply::status(404, "NotFound", "")).await.unwrap(), None);
        let text = look(Reply::status(403, "Forbidden", "no")).await.unwrap_err().to_string();
        assert!(text.contains("403 Forbidden: no") && text.contains("--allow-default"), "{text}");
        assert!(matches!(look(Reply::Close).await, Err(LeaseError::Unknown(_))));
        assert!(matches!(look(Reply::json(200, "<html>")).await, Err(LeaseError::Unknown(_))));
    }
}
