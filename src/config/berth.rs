//! `berth.dev/v1alpha1`: what is Berth's own, in a second document of the configuration file.
//! KubeSchedulerConfiguration is kube-scheduler's, and strict.
//!
//! Absent fields are `None` or empty until the defaults are filled in.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::problem::{Problems, Stage};
use super::shape;
use super::tree::Node;
use crate::client::RateBounds;
use crate::config::gates::{self, Gate};
use crate::events::Granularity;

/// The only version.
pub(super) const API_VERSION: &str = "berth.dev/v1alpha1";
/// The kind of the document.
pub(super) const KIND: &str = "BerthConfiguration";

/// Most that `adaptiveRate` may say: ten times what an API server was measured to bear.
const QPS_MAX: i32 = 100_000;

/// Configures what kube-scheduler does not have.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct BerthConfiguration {
    /// `berth.dev/v1alpha1`.
    pub api_version: String,
    /// `BerthConfiguration`.
    pub kind: String,
    /// Events of pods that were placed: one for each pod, or one for each Job (or other controller)
    /// and second. Takes effect while the scheduler runs; `--events` comes before it. Default pod.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub events: Option<EventsPer>,
    /// The rate of requests where `clientConnection.qps` has no number. Takes effect while the
    /// scheduler runs.
    pub adaptive_rate: AdaptiveRate,
    /// Feature gates of kube-scheduler 1.37 by name. Other values than the defaults have no effect,
    /// and a warning says so; a gate in `--feature-gates` comes before the one here.
    pub feature_gates: BTreeMap<String, bool>,
}

/// What an event tells of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum EventsPer {
    /// One pod, as kube-scheduler's.
    Pod,
    /// The pods of a Job, or of another controller, that were placed in a second.
    Job,
}

/// Bounds of the rate that follows the API server.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct AdaptiveRate {
    /// Requests per second that are never gone below. From 1 to maxQPS. Default 50.
    #[serde(rename = "minQPS", skip_serializing_if = "Option::is_none")]
    pub min_qps: Option<i32>,
    /// Requests per second that are never gone above. At most 100000. Default 10000.
    #[serde(rename = "maxQPS", skip_serializing_if = "Option::is_none")]
    pub max_qps: Option<i32>,
}

impl BerthConfiguration {
    /// What is in force where a file has no such document.
    pub(super) fn completed() -> Self {
        let mut configuration = Self::default();
        configuration.fill();
        configuration
    }

    fn fill(&mut self) {
        API_VERSION.clone_into(&mut self.api_version);
        KIND.clone_into(&mut self.kind);
        self.events.get_or_insert(EventsPer::Pod);
        let bounds = RateBounds::default();
        let rate = &mut self.adaptive_rate;
        rate.min_qps.get_or_insert(bounds.min_qps.try_into().unwrap_or(i32::MAX));
        rate.max_qps.get_or_insert(bounds.max_qps.try_into().unwrap_or(i32::MAX));
    }

    /// How events tell of pods that were placed.
    pub fn granularity(&self) -> Granularity {
        match self.events {
            Some(EventsPer::Job) => Granularity::Job,
            Some(EventsPer::Pod) | None => Granularity::Each,
        }
    }

    /// The bounds of the rate that follows the API server.
    pub fn rate_bounds(&self) -> RateBounds {
        let default = RateBounds::default();
        let qps =
            |qps: Option<i32>, default| qps.and_then(|n| n.try_into().ok()).unwrap_or(default);
        let AdaptiveRate { min_qps, max_qps } = self.adaptive_rate;
        RateBounds {
            min_qps: qps(min_qps, default.min_qps),
            max_qps: qps(max_qps, default.max_qps),
        }
    }

    /// The gates that are named; each is known.
    pub fn gates(&self) -> Vec<Gate> {
        let gate = |(name, value): (&String, &bool)| gates::gate(name, *value).ok();
        self.feature_gates.iter().filter_map(gate).collect()
    }
}

/// Whether a document is meant to be Berth's own.
pub(super) fn is_meant(root: &Node) -> bool {
    let text = |field| root.get(field).and_then(Node::as_str).unwrap_or_default();
    text("kind") == KIND || text("apiVersion").starts_with("berth.dev/")
}

/// Reads the document, fills its defaults in and checks it.
pub(super) fn read(root: &Node, problems: &mut Problems) -> BerthConfiguration {
    static SCHEMA: LazyLock<Value> =
        LazyLock::new(|| schemars::schema_for!(BerthConfiguration).to_value());
    for (field, wanted) in [("apiVersion", API_VERSION), ("kind", KIND)] {
        let message = match root.get(field).map(Node::as_str) {
            Some(Some(found)) if found == wanted => continue,
            Some(Some(found)) => format!("must be {wanted}, not {found:?}"),
            Some(None) => format!("must be {wanted}"),
            None => format!("required: {field}: {wanted}"),
        };
        problems.add(Stage::Decode, field, None, message);
    }
    let mut root = root.clone();
    shape::fit(&mut root, &SCHEMA, "", true, problems);
    let mut configuration: BerthConfiguration = serde_json::from_value(root.to_value())
        .unwrap_or_else(|error| {
            if problems.is_empty() {
                problems.add(Stage::Decode, "", None, error.to_string());
            }
            BerthConfiguration::default()
        });
    configuration.fill();
    check(&configuration, problems);
    configuration
}

fn check(configuration: &BerthConfiguration, problems: &mut Problems) {
    let mut wrong = |path: &str, message: String| {
        if !problems.misread(path) {
            problems.add(Stage::Validate, path, None, message);
        }
    };
    let AdaptiveRate { min_qps, max_qps } = configuration.adaptive_rate;
    let (min, max) = (min_qps.unwrap_or_default(), max_qps.unwrap_or_default());
    if min < 1 {
        wrong("adaptiveRate.minQPS", "must be greater than 0".to_owned());
    }
    if max > QPS_MAX {
        wrong("adaptiveRate.maxQPS", format!("must be {QPS_MAX} at most"));
    } else if max < min {
        wrong("adaptiveRate.maxQPS", format!("must not be less than minQPS, which is {min}"));
    }
    for (name, value) in &configuration.feature_gates {
        if let Err(message) = gates::gate(name, *value) {
            let mut path = "featureGates".to_owned();
            super::yaml::push_key(&mut path, name);
            wrong(&path, message);
        }
    }
}

/// What the document says that has no effect, by field. `qps` is `clientConnection.qps`, where that
/// has a number.
pub(super) fn warnings(
    root: &Node,
    configuration: &BerthConfiguration,
    qps: Option<f32>,
) -> Vec<(&'static str, String)> {
    let mut warnings = Vec::new();
    if let (Some(_), Some(_)) = (qps, root.get("adaptiveRate")) {
        let message = "without effect: clientConnection.qps has a number, which is obeyed";
        warnings.push(("adaptiveRate", message.to_owned()));
    }
    if let Some(message) = gates::warning(&configuration.gates()) {
        warnings.push(("featureGates", message));
    }
    warnings
}

#[cfg(test)]
mod tests;
