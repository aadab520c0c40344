//! Arguments of VolumeBinding.
//!
//! Source: `VolumeBindingArgs` in
//! `staging/src/k8s.io/kube-scheduler/config/v1/types_pluginargs.go`,
//! `pkg/scheduler/apis/config/v1/defaults.go` and
//! `pkg/scheduler/apis/config/validation/validation_pluginargs.go`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::go_json::or_default;
use crate::node_resources::{UtilizationShapePoint, validate_shape};
use crate::{FieldError, PluginArgs};

/// `VolumeBindingArgs`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct VolumeBindingArgs {
    /// How long a bind may wait for its volumes; 600 by default, 0 does not wait.
    #[schemars(range(min = 0))]
    pub bind_timeout_seconds: Option<i64>,
    /// Score by how full a pod's claims would make the volumes: 10 at 0 %, 0 at 100 % by default.
    #[serde(deserialize_with = "or_default")]
    pub shape: Vec<UtilizationShapePoint>,
}

/// Emptier volumes first.
const SHAPE: [UtilizationShapePoint; 2] = [
    UtilizationShapePoint { utilization: 0, score: 10 },
    UtilizationShapePoint { utilization: 100, score: 0 },
];

impl Default for VolumeBindingArgs {
    fn default() -> Self {
        Self { bind_timeout_seconds: Some(600), shape: SHAPE.to_vec() }
    }
}

impl PluginArgs for VolumeBindingArgs {
    const KIND: &'static str = "VolumeBindingArgs";

    fn set_defaults(&mut self) {
        self.bind_timeout_seconds.get_or_insert(600);
        if self.shape.is_empty() {
            self.shape = SHAPE.to_vec();
        }
    }

    fn validate(&self) -> Vec<FieldError> {
        let mut errors = validate_shape(&self.shape, "shape");
        if let Some(seconds) = self.bind_timeout_seconds.filter(|s| *s < 0) {
            let message = format!("Invalid value: {seconds}: should not be a negative value");
            errors.push(FieldError::new("bindTimeoutSeconds", message));
        }
        errors
    }
}
