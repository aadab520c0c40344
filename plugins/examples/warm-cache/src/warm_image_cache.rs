//! Prefers nodes whose label says that their image cache is warm.

use std::collections::BTreeMap;

use berth_engine::base::NodeIdx;
use berth_engine::framework::{Context, Keeps, MAX_NODE_SCORE, Plugin, Reads, Score, State};
use berth_engine::model::is_label_key;
use berth_plugins::{FieldError, PluginArgs};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The name in configurations.
pub(crate) const NAME: &str = "WarmImageCache";

/// `pluginConfig[].args` of the plugin.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct WarmImageCacheArgs {
    /// Label of a node that says how warm its image cache is.
    label_key: String,
    /// Score of a node by the label's value, 0 to 100. Other values, and no label, score 0.
    scores: BTreeMap<String, i64>,
}

impl Default for WarmImageCacheArgs {
    fn default() -> Self {
        let scores = BTreeMap::from([("true".to_owned(), MAX_NODE_SCORE)]);
        Self { label_key: "example.com/warm-image-cache".to_owned(), scores }
    }
}

impl PluginArgs for WarmImageCacheArgs {
    const KIND: &'static str = "WarmImageCacheArgs";

    fn validate(&self) -> Vec<FieldError> {
        let mut errors = Vec::new();
        if !is_label_key(&self.label_key) {
            let message = format!("{:?} is no label key", self.label_key);
            errors.push(FieldError::new("labelKey", message));
        }
        for (value, score) in &self.scores {
            if !(0..=MAX_NODE_SCORE).contains(score) {
                let message = format!("{score} is not between 0 and {MAX_NODE_SCORE}");
                errors.push(FieldError::new(format!("scores.{value}"), message));
            }
        }
        errors
    }
}

/// The plugin.
#[derive(Debug)]
pub(crate) struct WarmImageCache {
    args: WarmImageCacheArgs,
}

impl WarmImageCache {
    pub(crate) fn new(args: WarmImageCacheArgs) -> Self {
        Self { args }
    }
}

impl Plugin for WarmImageCache {
    fn name(&self) -> &str {
        NAME
    }

    /// What its filter reads: it has none, so nothing wakes a waiting pod for it.
    fn reads(&self) -> Reads {
        Reads::NOTHING
    }

    /// Its scores of pods of one Job change with a node's labels only: nothing is asked twice.
    fn keeps(&self, _cx: &Context<'_>) -> Keeps {
        Keeps::Node(Reads::NODE_LABELS)
    }

    fn as_score(&self) -> Option<&dyn Score> {
        Some(self)
    }
}

impl Score for WarmImageCache {
    fn is_absolute(&self) -> bool {
        true
    }

    fn score(&self, cx: &Context<'_>, _state: &State, nodes: &[NodeIdx], scores: &mut [i64]) {
        let symbols = cx.symbols();
        // Labels are symbols: the key is looked up once, not for each node.
        let Some(key) = symbols.get(&self.args.label_key) else { return };
        for (score, node) in scores.iter_mut().zip(nodes) {
            let value = cx.nodes.label(*node, key).map(|value| symbols.text(value));
            *score = value.and_then(|value| self.args.scores.get(value)).copied().unwrap_or(0);
        }
    }
}
