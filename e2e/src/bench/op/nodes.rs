//! Operations that make nodes and namespaces.

use std::collections::BTreeMap;

use anyhow::{Result, ensure};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::bench::parameter::Parameters;

/// `createNodes`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct CreateNodes {
    /// How many.
    pub count: usize,
    /// A parameter in its place.
    pub count_param: Option<String>,
    /// The node; 4 CPU, 32 GiB and 110 pods without it.
    pub node_template_path: Option<String>,
    /// More allocatable, and CSINodes.
    pub node_allocatable_strategy: Option<NodeAllocatable>,
    /// A label dealt over the nodes.
    pub label_node_prepare_strategy: Option<LabelNodes>,
    /// A label that differs from node to node.
    pub unique_node_label_strategy: Option<UniqueNodeLabel>,
    /// What the template may name.
    pub template_params: Map<String, Value>,
}

/// `labelNodePrepareStrategy`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LabelNodes {
    /// The label's key.
    pub label_key: String,
    /// Its values, dealt one node after another.
    pub label_values: Vec<String>,
}

/// `uniqueNodeLabelStrategy`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UniqueNodeLabel {
    /// The label's key.
    pub label_key: String,
}

/// `nodeAllocatableStrategy`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct NodeAllocatable {
    /// Resources by quantity.
    pub node_allocatable: BTreeMap<String, String>,
    /// Drivers of the node's CSINode, and what each takes.
    pub csi_node_allocatable: BTreeMap<String, DriverAllocatable>,
    /// In-tree volume plugins that a CSI driver serves.
    pub migrated_plugins: Vec<String>,
}

/// `VolumeNodeResources` of storage/v1.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DriverAllocatable {
    /// Volumes of the driver that a node takes.
    pub count: u32,
}

/// `createNamespaces`: `PREFIX-0` and so on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CreateNamespaces {
    /// What their names begin with.
    pub prefix: String,
    /// How many.
    #[serde(default)]
    pub count: usize,
    /// A parameter in its place.
    pub count_param: Option<String>,
    /// The namespace, for its labels.
    pub namespace_template_path: Option<String>,
}

impl CreateNodes {
    pub(super) fn validate(&self) -> Result<()> {
        if let Some(labels) = &self.label_node_prepare_strategy {
            ensure!(!labels.label_values.is_empty(), "labelNodePrepareStrategy: no labelValues");
        }
        Ok(())
    }

    pub(super) fn resolve(&mut self, params: &Parameters) -> Result<()> {
        self.count = params.count(self.count, self.count_param.take().as_deref())?;
        self.template_params = params.template(&self.template_params)?;
        Ok(())
    }
}
