//! The write that ends a bind in doubt: the pod's condition, which changes its resource version.

use std::time::Duration;

use berth_engine::{BindOutcome, FailureReason, PodName};
use jiff::Timestamp;
use serde_json::json;

use super::look::{Look, Unbound, of_look};
use crate::client::{Client, exchange, request};

/// A condition `PodScheduled=False` for one version of a pod.
///
/// The API server carries a Binding out only while the pod has the version that the Binding names,
/// so after this write the lost bind fails whenever it arrives. The write is itself on condition
/// that the pod still has that version: it cannot tell a bound pod that it waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fence {
    message: String,
    patch: Vec<u8>,
}

impl Fence {
    /// What is written of a pod as a look has shown it.
    ///
    /// The message names the pod's version, which no condition of the pod has named before: a write
    /// that changes nothing would leave the version as it is.
    pub(super) fn of(pod: &PodName, seen: Unbound, node: &str, now: Timestamp) -> Self {
        let message = message(node, seen.version);
        let mut condition = json!({
            "type": "PodScheduled",
            "status": "False",
            "reason": FailureReason::SchedulerError.as_str(),
            "message": message,
        });
        if !seen.is_told {
            // `metav1.Time` has whole seconds.
            condition["lastTransitionTime"] = json!(now.strftime("%FT%TZ").to_string());
        }
        let metadata = json!({"uid": pod.uid, "resourceVersion": seen.version.to_string()});
        let patch = json!({"metadata": metadata, "status": {"conditions": [condition]}});
        Self { message, patch: patch.to_string().into_bytes() }
    }

    /// Writes it. The answer shows the pod as it is then.
    pub(super) async fn write(
        &self,
        client: &Client,
        pod: &PodName,
        node: &str,
        deadline: Duration,
    ) -> Look {
        let path = format!("/api/v1/namespaces/{}/pods/{}/status", pod.key.namespace, pod.key.name);
        let content = ("application/strategic-merge-patch+json", self.patch.clone());
        match request("PATCH", &path, Some(content)) {
            Ok(request) => of_look(&exchange(client, request, deadline).await, &pod.uid, node),
            Err(error) => Look::Refused(error.to_string()),
        }
    }
}

/// The outcome of a bind that cannot be carried out any more. `fence` is what has been written for
/// it: where the pod has changed by itself nothing has, and the condition is still to be written.
pub(super) fn not_bound(seen: Unbound, node: &str, fence: Option<Fence>) -> BindOutcome {
    let is_told = fence.is_some();
    let message = fence.map_or_else(|| message(node, seen.version), |fence| fence.message);
    BindOutcome::NotBound { message, resource_version: seen.version, is_told }
}

fn message(node: &str, version: u64) -> String {
    format!(
        "running Bind plugin \"DefaultBinder\": the answer to the bind to node {node} was lost and \
         the pod is not bound (resourceVersion {version})"
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use berth_engine::record::ObjectKey;
    use serde_json::Value;

    use super::*;

    #[test]
    fn it_is_written_on_the_version_seen_and_always_says_something_new() {
        let pod = PodName { key: ObjectKey::new("ns", "p"), uid: "u".into() };
        let now = Timestamp::from_second(784_111_777).unwrap();
        let fence = |version, is_told| {
            let seen = Unbound { version, can_be_bound: true, is_told };
            let fence = Fence::of(&pod, seen, "n", now);
            serde_json::from_slice::<Value>(&fence.patch).unwrap()
        };
        let first = fence(7, false);
        assert_eq!(first["metadata"], json!({"uid": "u", "resourceVersion": "7"}));
        let condition = &first["status"]["conditions"][0];
        assert_eq!(condition["lastTransitionTime"], "1994-11-06T08:49:37Z");
        assert_eq!(condition["status"], "False");
        let second = fence(9, true);
        let again = &second["status"]["conditions"][0];
        assert_ne!(again["message"], condition["message"]);
        assert_eq!(again.get("lastTransitionTime"), None, "it was False before");
    }
}
