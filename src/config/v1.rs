//! `kubescheduler.config.k8s.io/v1`, field by field (staging/src/k8s.io/kube-scheduler/config/v1).
//!
//! Absent fields are `None` or empty until the defaults are filled in. What is left out when a
//! configuration is written is what Go leaves out.

mod client;
mod extender;
mod plugins;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use client::{ClientConnectionConfiguration, LeaderElectionConfiguration};
pub use extender::{Extender, ExtenderManagedResource, ExtenderTLSConfig};
pub use plugins::{Plugin, PluginSet, Plugins};

/// The only version.
pub const API_VERSION: &str = "kubescheduler.config.k8s.io/v1";
/// The kind of a configuration.
pub const KIND: &str = "KubeSchedulerConfiguration";

/// Configures a scheduler: kube-scheduler's own format.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct KubeSchedulerConfiguration {
    /// `kubescheduler.config.k8s.io/v1`.
    pub api_version: String,
    /// `KubeSchedulerConfiguration`.
    pub kind: String,
    /// Threads of the scheduling cycle, at most one per core. Greater than 0. Default 16.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parallelism: Option<i32>,
    /// Leader election. Accepted; nobody is elected yet, and a warning says so.
    pub leader_election: LeaderElectionConfiguration,
    /// How to reach the API server.
    pub client_connection: ClientConnectionConfiguration,
    /// Profiles at `/debug/pprof/profile` and `heap`. Read at the start alone. Default true.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enable_profiling: Option<bool>,
    /// Profiling of lock contention. Accepted, without effect: the engine has no locks. Default
    /// true.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enable_contention_profiling: Option<bool>,
    /// 0 to 100. Accepted, without effect: Berth always scores all nodes. Default 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub percentage_of_nodes_to_score: Option<i32>,
    /// First pause of a pod whose attempt failed, in seconds. Greater than 0. Default 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pod_initial_backoff_seconds: Option<i64>,
    /// Longest pause of a pod whose attempts fail, in seconds. Not less than
    /// podInitialBackoffSeconds. Default 10.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pod_max_backoff_seconds: Option<i64>,
    /// The profiles; a pod goes to the one it names in `spec.schedulerName`. Default one profile,
    /// `default-scheduler`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub profiles: Vec<KubeSchedulerProfile>,
    /// HTTP extenders. Checked; `run` refuses to start with any until it calls them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub extenders: Vec<Extender>,
    /// Fill the caches only as the leader. Accepted, without effect. Default false.
    #[serde(skip_serializing_if = "is_false")]
    pub delay_cache_until_active: bool,
}

/// The plugins for the pods of one scheduler name.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct KubeSchedulerProfile {
    /// What pods name in `spec.schedulerName`. Needed where there are several profiles; a single
    /// one is `default-scheduler` without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scheduler_name: Option<String>,
    /// 0 to 100. Accepted, without effect: Berth always scores all nodes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub percentage_of_nodes_to_score: Option<i32>,
    /// Which plugins run beside, or instead of, the default ones.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plugins: Option<Plugins>,
    /// Arguments of plugins. A plugin that is not here has its default arguments.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub plugin_config: Vec<PluginConfig>,
}

/// Arguments of one plugin.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct PluginConfig {
    /// Name of the plugin.
    pub name: String,
    /// Its arguments.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub args: Option<Value>,
}

pub(super) fn is_false(value: &bool) -> bool {
    !value
}
