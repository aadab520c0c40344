//! HTTP extenders.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::is_false;
use berth_plugins::GoDuration;

/// A process that filters, scores or binds over HTTP. An empty verb is one it does not serve.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Extender {
    /// Where it is; the verbs are appended.
    pub url_prefix: String,
    /// Verb of the filter call.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub filter_verb: String,
    /// Verb of the preempt call.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub preempt_verb: String,
    /// Verb of the prioritize call.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub prioritize_verb: String,
    /// Weight of its scores; greater than 0 where there is a prioritizeVerb.
    #[serde(skip_serializing_if = "is_zero")]
    pub weight: i64,
    /// Verb of the bind call; at most one extender has it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub bind_verb: String,
    /// Whether to speak HTTPS.
    #[serde(rename = "enableHTTPS", skip_serializing_if = "is_false")]
    pub enable_https: bool,
    /// How to speak it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls_config: Option<ExtenderTLSConfig>,
    /// Longest time of a call; 0 for 5s.
    pub http_timeout: GoDuration,
    /// Whether it knows the nodes and needs their names only.
    #[serde(skip_serializing_if = "is_false")]
    pub node_cache_capable: bool,
    /// Extended resources it is asked about; none for all pods.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub managed_resources: Vec<ExtenderManagedResource>,
    /// Whether scheduling goes on where it fails.
    #[serde(skip_serializing_if = "is_false")]
    pub ignorable: bool,
}

/// An extended resource of an extender.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct ExtenderManagedResource {
    /// Name of the resource.
    pub name: String,
    /// Whether the scheduler's own filter leaves it aside.
    #[serde(skip_serializing_if = "is_false")]
    pub ignored_by_scheduler: bool,
}

/// TLS to an extender.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct ExtenderTLSConfig {
    /// Do not verify the server's certificate.
    #[serde(skip_serializing_if = "is_false")]
    pub insecure: bool,
    /// Name for SNI and verification.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub server_name: String,
    /// File with the client certificate.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub cert_file: String,
    /// File with its key.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub key_file: String,
    /// File with the trusted roots.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub ca_file: String,
    /// Client certificate, PEM in base64; goes before certFile.
    #[serde(skip_serializing_if = "String::is_empty")]
    #[schemars(extend("format" = "byte"))]
    pub cert_data: String,
    /// Its key, PEM in base64; goes before keyFile.
    #[serde(skip_serializing_if = "String::is_empty")]
    #[schemars(extend("format" = "byte"))]
    pub key_data: String,
    /// Trusted roots, PEM in base64; go before caFile.
    #[serde(skip_serializing_if = "String::is_empty")]
    #[schemars(extend("format" = "byte"))]
    pub ca_data: String,
}

fn is_zero(value: &i64) -> bool {
    *value == 0
}
