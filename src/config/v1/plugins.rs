//! Which plugins run at which extension point.

use berth_engine::framework::Point;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Enabled and disabled plugins for each extension point.
///
/// What stands at a single point goes before what stands in multiPoint, and that before the
/// default plugins; enabled goes before disabled.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Plugins {
    /// Decide whether a pod may enter the queue.
    pub pre_enqueue: PluginSet,
    /// Orders the queue: exactly one, the same in all profiles.
    pub queue_sort: PluginSet,
    /// Look at a pod before the filters.
    pub pre_filter: PluginSet,
    /// Rule out nodes.
    pub filter: PluginSet,
    /// Act where no node is left.
    pub post_filter: PluginSet,
    /// Look at a pod and its nodes before the scores.
    pub pre_score: PluginSet,
    /// Rank nodes, by weight.
    pub score: PluginSet,
    /// Book resources on the node.
    pub reserve: PluginSet,
    /// Hold a pod back, or refuse it, before its bind.
    pub permit: PluginSet,
    /// Prepare the bind.
    pub pre_bind: PluginSet,
    /// Bind: the first that does so is the last.
    pub bind: PluginSet,
    /// Hear of a bind.
    pub post_bind: PluginSet,
    /// Enables plugins at every point they implement. The default plugins are enabled here.
    pub multi_point: PluginSet,
    /// Propose places for a group of pods.
    pub placement_generate: PluginSet,
    /// Rank places for a group of pods, by weight.
    pub placement_score: PluginSet,
    /// Act where a group of pods finds no place.
    pub pod_group_post_filter: PluginSet,
}

/// Enabled and disabled plugins of an extension point.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct PluginSet {
    /// Plugins to run beside the default ones, after them, in this order. A default plugin that is
    /// named here keeps its place and takes the weight given here.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub enabled: Vec<Plugin>,
    /// Default plugins not to run; `*` for all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub disabled: Vec<Plugin>,
}

/// A plugin, by name.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Plugin {
    /// Name of the plugin.
    pub name: String,
    /// Weight of its score; 1 where it is absent or 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weight: Option<i32>,
}

impl Plugins {
    /// The set of a point.
    pub fn at(&self, point: Point) -> &PluginSet {
        match point {
            Point::PreEnqueue => &self.pre_enqueue,
            Point::QueueSort => &self.queue_sort,
            Point::PreFilter => &self.pre_filter,
            Point::Filter => &self.filter,
            Point::PostFilter => &self.post_filter,
            Point::PreScore => &self.pre_score,
            Point::Score => &self.score,
            Point::Reserve => &self.reserve,
            Point::Permit => &self.permit,
            Point::PreBind => &self.pre_bind,
            Point::Bind => &self.bind,
            Point::PostBind => &self.post_bind,
            Point::PlacementGenerate => &self.placement_generate,
            Point::PlacementScore => &self.placement_score,
            Point::PodGroupPostFilter => &self.pod_group_post_filter,
        }
    }

    /// All sets, multiPoint last, to change them.
    pub(in crate::config) fn sets_mut(&mut self) -> [&mut PluginSet; 16] {
        [
            &mut self.pre_enqueue,
            &mut self.queue_sort,
            &mut self.pre_filter,
            &mut self.filter,
            &mut self.post_filter,
            &mut self.pre_score,
            &mut self.score,
            &mut self.reserve,
            &mut self.permit,
            &mut self.pre_bind,
            &mut self.bind,
            &mut self.post_bind,
            &mut self.placement_generate,
            &mut self.placement_score,
            &mut self.pod_group_post_filter,
            &mut self.multi_point,
        ]
    }
}
