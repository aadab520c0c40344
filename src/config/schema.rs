//! The JSON schema of a configuration, for editors.

use berth_plugins::PluginRegistry;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use super::berth::{self, BerthConfiguration};
use super::known::Known;
use super::v1::{API_VERSION, KIND, KubeSchedulerConfiguration};

/// The JSON schema (draft 2020-12) of a document of a configuration file: a
/// KubeSchedulerConfiguration with the arguments of every plugin in `registry` and of those of
/// kube-scheduler that Berth does not act on yet, or a BerthConfiguration.
pub fn schema(registry: &PluginRegistry) -> Value {
    let mut generator = SchemaSettings::draft2020_12().into_generator();
    let args: Vec<(&str, Value)> = Known::new(registry)
        .all_args()
        .into_iter()
        .map(|(name, kind)| {
            let args = (kind.schema)(&mut generator).to_value();
            (name, with_header(&mut generator, args, kind.kind))
        })
        .collect();
    let own = generator.subschema_for::<BerthConfiguration>().to_value();
    let mut root = generator.into_root_schema_for::<KubeSchedulerConfiguration>().to_value();
    let mut definitions = root["$defs"].take();
    let draft = root["$schema"].take();
    if let Some(fields) = root.as_object_mut() {
        fields.retain(|key, _| !matches!(key.as_str(), "$schema" | "$defs" | "title"));
    }
    let (name, of_berth) = (berth::KIND, definitions[berth::KIND].take());
    put(&mut definitions, "", name, document(of_berth, berth::API_VERSION, name));
    put(&mut definitions, "", KIND, document(root, API_VERSION, KIND));
    let choices: Vec<Value> = args.into_iter().map(|(name, args)| choice(name, &args)).collect();
    put(&mut definitions, "/PluginConfig", "allOf", choices.into());
    json!({
        "$schema": draft,
        "title": "Berth's configuration file",
        "if": { "properties": { "kind": { "const": name } }, "required": ["kind"] },
        "then": own,
        "else": { "$ref": format!("#/$defs/{KIND}") },
        "$defs": definitions,
    })
}

/// A document that says what it is.
fn document(mut definition: Value, version: &str, kind: &str) -> Value {
    put(&mut definition, "/properties/apiVersion", "const", version.into());
    put(&mut definition, "/properties/kind", "const", kind.into());
    put(&mut definition, "", "required", json!(["apiVersion", "kind"]));
    definition
}

/// A block may also say its `apiVersion` and `kind`: the definition it refers to gets both.
fn with_header(generator: &mut schemars::SchemaGenerator, args: Value, kind: &str) -> Value {
    let name = args.get("$ref").and_then(Value::as_str).and_then(|r| r.rsplit('/').next());
    let definition = name.and_then(|name| generator.definitions_mut().get_mut(name));
    let fields = definition
        .and_then(|d| d.as_object_mut())
        .map(|d| d.entry("properties").or_insert_with(|| Value::Object(Map::new())));
    if let Some(fields) = fields.and_then(Value::as_object_mut) {
        fields.insert("apiVersion".to_owned(), json!({ "type": "string" }));
        fields.insert("kind".to_owned(), json!({ "const": kind }));
    }
    args
}

/// For the plugin `name`, `args` is what its schema says.
fn choice(name: &str, args: &Value) -> Value {
    json!({
        "if": { "properties": { "name": { "const": name } }, "required": ["name"] },
        "then": { "properties": { "args": args } },
    })
}

fn put(root: &mut Value, pointer: &str, key: &str, value: Value) {
    if let Some(fields) = root.pointer_mut(pointer).and_then(Value::as_object_mut) {
        fields.insert(key.to_owned(), value);
    }
}
