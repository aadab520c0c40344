//! The API server and the lease (staging/src/k8s.io/component-base/config/v1alpha1).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize, Serializer};

use berth_plugins::GoDuration;

/// How to reach the API server.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct ClientConnectionConfiguration {
    /// Path of a kubeconfig file; empty for the service account of the pod.
    pub kubeconfig: String,
    /// The Accept header; empty for what contentType says.
    pub accept_content_types: String,
    /// The type in which objects travel. Default application/vnd.kubernetes.protobuf.
    pub content_type: String,
    /// Requests per second; negative for no limit. Without a number the rate follows the API
    /// server, between 50 and 10,000 from 1,000 on; the completed configuration shows
    /// kube-scheduler's default, 50.
    #[serde(serialize_with = "as_json_of_go")]
    pub qps: f32,
    /// Requests at once, above the rate; without effect where `qps` has no number. Default 100.
    pub burst: i32,
}

/// Leader election by a Lease. Accepted; nobody is elected yet, and a warning says so.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct LeaderElectionConfiguration {
    /// Whether a leader is elected. Default true.
    pub leader_elect: Option<bool>,
    /// How long others wait for a leader that does not renew. Default 15s.
    pub lease_duration: GoDuration,
    /// How long the leader tries to renew before it gives up. Less than leaseDuration. Default 10s.
    pub renew_deadline: GoDuration,
    /// Pause between tries. Default 2s.
    pub retry_period: GoDuration,
    /// Kind of the lock: leases.
    pub resource_lock: String,
    /// Name of the Lease. Default kube-scheduler.
    pub resource_name: String,
    /// Namespace of the Lease. Default kube-system.
    pub resource_namespace: String,
}

/// The shortest number that reads as the same `f32`, and an integer where it is one.
fn as_json_of_go<S: Serializer>(value: &f32, serializer: S) -> Result<S::Ok, S::Error> {
    let shortest: f64 = value.to_string().parse().unwrap_or_else(|_| f64::from(*value));
    // Up to here an f64 holds every integer.
    if shortest.fract() == 0.0 && shortest.abs() < 9_007_199_254_740_992.0 {
        return serializer.serialize_i64(shortest as i64);
    }
    serializer.serialize_f64(shortest)
}
