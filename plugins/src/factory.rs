//! How a plugin comes from a configuration: its typed arguments and its constructor, in one value.

use std::fmt;
use std::sync::Arc;

use berth_engine::framework::Plugin;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// The arguments of a plugin: one `pluginConfig[].args` block.
///
/// Unknown fields are refused through the schema, so derive `JsonSchema` with
/// `#[serde(deny_unknown_fields, default, rename_all = "camelCase")]`.
pub trait PluginArgs: DeserializeOwned + Serialize + JsonSchema + Default + 'static {
    /// The `kind` of the block, such as `NodeResourcesFitArgs`.
    const KIND: &'static str;

    /// Fills in what `Default` cannot: the defaults of parts that the block gives. Runs after
    /// decoding, before [`PluginArgs::validate`].
    fn set_defaults(&mut self) {}

    /// What decoding cannot see: ranges, repeats, fields that exclude each other. Paths are
    /// relative to the block. Nothing by default.
    fn validate(&self) -> Vec<FieldError> {
        Vec::new()
    }
}

/// Something wrong with one field of the arguments.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {message}")]
pub struct FieldError {
    /// Path below `args`, such as `scoringStrategy.resources[0].weight`; empty for the whole block.
    pub path: String,
    /// What is wrong and what would be right.
    pub message: String,
}

impl FieldError {
    /// An error at `path`.
    pub fn new(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self { path: path.into(), message: message.into() }
    }
}

type Build = dyn Fn(Option<&Value>) -> Result<Arc<dyn Plugin>, Vec<FieldError>> + Send + Sync;

/// What the registry holds for a name.
#[derive(Clone)]
pub struct Factory {
    build: Arc<Build>,
    args: Option<ArgsKind>,
}

/// What is known of a plugin's arguments without building it.
#[derive(Debug, Clone, Copy)]
pub struct ArgsKind {
    /// The `kind` of the block.
    pub kind: &'static str,
    /// The block with all defaults, without `apiVersion` and `kind`.
    pub defaults: fn() -> Value,
    /// Decodes a block, fills in its defaults and writes it out again.
    pub complete: fn(&Value) -> Result<Value, Vec<FieldError>>,
    /// What is wrong with a block: why it does not decode, or all errors of validation.
    pub validate: fn(&Value) -> Vec<FieldError>,
    /// Its JSON schema.
    pub schema: fn(&mut SchemaGenerator) -> Schema,
}

impl ArgsKind {
    /// What is known of arguments of type `A`.
    pub const fn of<A: PluginArgs>() -> Self {
        Self {
            kind: A::KIND,
            defaults: || to_value(&A::default()),
            complete: |args| decode::<A>(args).map(|args| to_value(&args)),
            validate: |args| decode::<A>(args).map_or_else(|errors| errors, |args| args.validate()),
            schema: |generator| generator.subschema_for::<A>(),
        }
    }
}

impl fmt::Debug for Factory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Factory").field("args", &self.args.map(|a| a.kind)).finish()
    }
}

impl Factory {
    /// A plugin without arguments.
    pub fn plain<P: Plugin + 'static>(new: fn() -> P) -> Self {
        let build = move |args: Option<&Value>| {
            if args.is_some_and(|a| !is_empty(a)) {
                return Err(vec![FieldError::new("", "this plugin takes no args: leave them out")]);
            }
            Ok(Arc::new(new()) as Arc<dyn Plugin>)
        };
        Self { build: Arc::new(build), args: None }
    }

    /// A plugin with arguments of type `A`: absent ones are `A::default()`.
    pub fn with_args<A: PluginArgs, P: Plugin + 'static>(new: fn(A) -> P) -> Self {
        let build = move |args: Option<&Value>| {
            let args: A = args.map_or_else(|| Ok(A::default()), decode)?;
            let errors = args.validate();
            if errors.is_empty() { Ok(Arc::new(new(args)) as Arc<dyn Plugin>) } else { Err(errors) }
        };
        Self { build: Arc::new(build), args: Some(ArgsKind::of::<A>()) }
    }

    /// Builds the plugin.
    ///
    /// # Errors
    /// The arguments do not decode or do not validate; all errors of validation at once.
    pub fn build(&self, args: Option<&Value>) -> Result<Arc<dyn Plugin>, Vec<FieldError>> {
        (self.build)(args)
    }

    /// Its arguments, where it has any.
    pub fn args(&self) -> Option<ArgsKind> {
        self.args
    }
}

fn is_empty(args: &Value) -> bool {
    args.is_null() || args.as_object().is_some_and(serde_json::Map::is_empty)
}

fn decode<A: PluginArgs>(args: &Value) -> Result<A, Vec<FieldError>> {
    if args.is_null() {
        return Ok(A::default());
    }
    let mut args = args.clone();
    if let Some(fields) = args.as_object_mut() {
        fields.remove("apiVersion");
        let kind = fields.remove("kind");
        if let Some(kind) = kind.as_ref().and_then(Value::as_str).filter(|k| !k.is_empty())
            && kind != A::KIND
        {
            let message =
                format!("these are args of kind {kind}: write {}, or leave it out", A::KIND);
            return Err(vec![FieldError::new("kind", message)]);
        }
    }
    let mut args = A::deserialize(args).map_err(|e| vec![FieldError::new("", e.to_string())])?;
    args.set_defaults();
    Ok(args)
}

fn to_value<A: PluginArgs>(args: &A) -> Value {
    serde_json::to_value(args).unwrap_or(Value::Null)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;
    use crate::inter_pod_affinity::InterPodAffinityArgs;
    use crate::node_name::NodeName;

    #[test]
    fn blocks_may_name_their_kind_and_no_other() {
        let kind = ArgsKind::of::<InterPodAffinityArgs>();
        let block = |kind: &str| {
            json!({ "apiVersion": "kubescheduler.config.k8s.io/v1",
                                         "kind": kind, "hardPodAffinityWeight": 7 })
        };
        for name in ["InterPodAffinityArgs", ""] {
            let completed = (kind.complete)(&block(name)).unwrap();
            assert_eq!(completed["hardPodAffinityWeight"], 7);
            assert!(completed.get("kind").is_none());
        }
        let errors = (kind.validate)(&block("NodeAffinityArgs"));
        assert_eq!(errors.iter().map(|e| e.path.as_str()).collect::<Vec<_>>(), ["kind"]);
    }

    #[test]
    fn plugins_without_arguments_take_none() {
        let plain = Factory::plain(NodeName::new);
        assert!(plain.args().is_none() && plain.build(Some(&json!({}))).is_ok());
        assert!(plain.build(Some(&json!({ "a": 1 }))).is_err());
    }
}
