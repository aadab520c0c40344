//! The strict walk: a tree held against a JSON schema, with every difference noted.
//!
//! The schema is the one that schemars derives from the types, so there is one place that says
//! which fields exist. What does not fit is taken out of the tree, so that all else can still be
//! read and checked, and a file with five errors gets five messages.

use berth_engine::framework::nearest;
use serde_json::{Map, Value};

use super::base64;
use super::problem::{Problems, Stage};
use super::quotes;
use super::tree::{Kind, Node};
use super::yaml::push_key;
use berth_plugins::{GO_DURATION, GoDuration};

/// The `format` of base64 text in a schema.
pub(super) const BASE64: &str = "byte";

/// Walks `node` down `schema`; `path` names it in messages. With `words`, texts that are none of
/// the words the schema lists are errors; kube-scheduler's own types leave that to validation.
pub(super) fn fit(
    node: &mut Node,
    schema: &Value,
    path: &str,
    words: bool,
    problems: &mut Problems,
) {
    let walk = Walk { root: schema, words };
    walk.node(node, schema, path, None, problems);
}

struct Walk<'a> {
    /// Where `$ref` looks.
    root: &'a Value,
    /// Whether listed words are the only ones.
    words: bool,
}

impl<'a> Walk<'a> {
    /// The part of a schema that says something: through references, and through the `anyOf` by
    /// which an optional field says that it may be null.
    fn resolve(&self, mut schema: &'a Value) -> &'a Value {
        // A chain of references longer than this goes in circles.
        for _ in 0..32 {
            let next = if let Some(Value::String(reference)) = schema.get("$ref") {
                reference.strip_prefix('#').and_then(|pointer| self.root.pointer(pointer))
            } else {
                let choices = schema.get("anyOf").or_else(|| schema.get("allOf"));
                let mut left =
                    choices.and_then(Value::as_array).into_iter().flatten().filter(|c| !is_null(c));
                match (left.next(), left.next()) {
                    (Some(only), None) => Some(only),
                    _ => None,
                }
            };
            match next {
                Some(next) => schema = next,
                None => break,
            }
        }
        schema
    }

    /// Whether a schema wants a duration, and not null.
    fn is_duration(&self, schema: &'a Value) -> bool {
        schema.get("anyOf").is_none() && format_of(self.resolve(schema)) == Some(GO_DURATION)
    }

    /// Walks a node. `false` where it does not fit and its holder has to drop it.
    fn node(
        &self,
        node: &mut Node,
        schema: &'a Value,
        path: &str,
        line: Option<usize>,
        problems: &mut Problems,
    ) -> bool {
        let schema = self.resolve(schema);
        let line = line.unwrap_or(node.line);
        let Some(wanted) = type_of(schema) else { return true };
        let fits = match (&node.kind, wanted) {
            (Kind::Null, "string") if format_of(schema) == Some(GO_DURATION) => {
                Err("must be a duration, not null: leave it out".to_owned())
            }
            // Go leaves a field alone where the file says null; an element becomes its zero value.
            (Kind::Null, _) => {
                node.kind = zero(wanted);
                Ok(())
            }
            (Kind::Bool(_), "boolean") => Ok(()),
            (Kind::Number(digits), "integer") => integer(digits, schema),
            (Kind::Number(digits), "number") => float(digits, schema),
            (Kind::String(text), "string") => string(text, schema, self.words),
            (Kind::List(_), "array") => {
                self.list(node, schema, path, problems);
                Ok(())
            }
            (Kind::Map(_), "object") => {
                self.object(node, schema, path, problems);
                Ok(())
            }
            _ => Err(format!("must be {}, not {}", describe(wanted), node.describe())),
        };
        if let Err(message) = fits {
            problems.add(Stage::Decode, path, Some(line), message);
            return false;
        }
        true
    }

    fn list(&self, node: &mut Node, schema: &'a Value, path: &str, problems: &mut Problems) {
        let (Kind::List(nodes), Some(items)) = (&mut node.kind, schema.get("items")) else {
            return;
        };
        for (i, element) in nodes.iter_mut().enumerate() {
            let fits = self.node(element, items, &format!("{path}[{i}]"), None, problems);
            if !fits {
                // Places count: what follows keeps its number.
                let zero = type_of(self.resolve(items)).map_or(Kind::Null, zero);
                element.kind = zero;
            }
        }
    }

    fn object(&self, node: &mut Node, schema: &'a Value, path: &str, problems: &mut Problems) {
        let line = node.line;
        let Kind::Map(entries) = &mut node.kind else { return };
        let none = Map::new();
        let fields = schema.get("properties").and_then(Value::as_object).unwrap_or(&none);
        let others = schema.get("additionalProperties");
        entries.retain(|entry| {
            let known = fields.contains_key(entry.key.as_ref());
            if !known && others == Some(&Value::Bool(false)) {
                let path = child(path, &entry.key);
                let message = unknown(&entry.key, fields);
                problems.add(Stage::Decode, path, Some(entry.line), message);
                return false;
            }
            // Null is as good as absent, save for a duration that is no pointer in Go: it parses
            // the empty text.
            let duration = fields.get(entry.key.as_ref()).is_some_and(|s| self.is_duration(s));
            !known || entry.value.kind != Kind::Null || duration
        });
        entries.retain_mut(|entry| {
            let Some(schema) = fields.get(entry.key.as_ref()).or(others) else { return true };
            let path = child(path, &entry.key);
            self.node(&mut entry.value, schema, &path, Some(entry.line), problems)
        });
        for name in schema.get("required").and_then(Value::as_array).into_iter().flatten() {
            let Some(name) = name.as_str() else { continue };
            let path = child(path, name);
            let present = entries.iter().any(|e| e.key.as_ref() == name);
            if !present && !problems.misread(&path) {
                problems.add(Stage::Decode, path, Some(line), "required, and not there");
            }
        }
    }
}

fn child(path: &str, key: &str) -> String {
    let mut path = path.to_owned();
    push_key(&mut path, key);
    path
}

fn unknown(key: &str, fields: &Map<String, Value>) -> String {
    if let Some(hint) = quotes::hint(key) {
        return format!("unknown field {key:?}{hint}");
    }
    match nearest(key, fields.keys().map(String::as_str)) {
        Some(name) => format!("unknown field {key:?}: did you mean {name:?}?"),
        None => {
            let names: Vec<&str> = fields.keys().map(String::as_str).collect();
            format!("unknown field {key:?}: there are {}", names.join(", "))
        }
    }
}

fn is_null(schema: &Value) -> bool {
    schema.get("type").and_then(Value::as_str) == Some("null")
}

/// The type that a schema wants, null aside; none where it takes anything or has a choice.
fn type_of(schema: &Value) -> Option<&str> {
    match schema.get("type") {
        Some(Value::String(name)) => Some(name),
        Some(Value::Array(names)) => {
            let mut names = names.iter().filter_map(Value::as_str).filter(|n| *n != "null");
            names.next().filter(|_| names.next().is_none())
        }
        // Unit variants with docs become a choice between constants.
        _ if !constants(schema).is_empty() => Some("string"),
        _ => None,
    }
}

/// The only strings that a schema takes.
fn constants<'a>(schema: &'a Value) -> Vec<&'a str> {
    if let Some(Value::Array(words)) = schema.get("enum") {
        return words.iter().filter_map(Value::as_str).collect();
    }
    let choices = schema.get("oneOf").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let words = |choice: &'a Value| {
        let single = choice.get("const").and_then(Value::as_str);
        let several = choice.get("enum").and_then(Value::as_array);
        single.into_iter().chain(several.into_iter().flatten().filter_map(Value::as_str))
    };
    if choices.iter().any(|choice| words(choice).next().is_none()) {
        return Vec::new();
    }
    choices.iter().flat_map(words).collect()
}

/// What Go has where nothing is said.
fn zero(wanted: &str) -> Kind {
    match wanted {
        "boolean" => Kind::Bool(false),
        "integer" | "number" => Kind::Number("0".into()),
        "string" => Kind::String("".into()),
        "array" => Kind::List(Vec::new()),
        "object" => Kind::Map(Vec::new()),
        _ => Kind::Null,
    }
}

fn describe(wanted: &str) -> &str {
    match wanted {
        "boolean" => "true or false",
        "integer" => "an integer",
        "number" => "a number",
        "string" => "a string",
        "array" => "a list",
        "object" => "a mapping",
        other => other,
    }
}

fn format_of(schema: &Value) -> Option<&str> {
    schema.get("format").and_then(Value::as_str)
}

fn integer(digits: &str, schema: &Value) -> Result<(), String> {
    let (least, most) = match format_of(schema) {
        Some("int8") => (i64::from(i8::MIN).into(), i64::from(i8::MAX).into()),
        Some("int16") => (i64::from(i16::MIN).into(), i64::from(i16::MAX).into()),
        Some("int32") => (i64::from(i32::MIN).into(), i64::from(i32::MAX).into()),
        Some("uint8") => (0i128, u8::MAX.into()),
        Some("uint16") => (0, u16::MAX.into()),
        Some("uint32") => (0, u32::MAX.into()),
        Some("uint" | "uint64") => (0, u64::MAX.into()),
        _ => (i64::MIN.into(), i128::from(i64::MAX)),
    };
    let value: i128 = digits.parse().map_err(|_| format!("must be an integer, not {digits}"))?;
    if value < least || value > most {
        return Err(format!("{digits} is out of range: from {least} to {most}"));
    }
    Ok(())
}

fn float(digits: &str, schema: &Value) -> Result<(), String> {
    let value: f64 = digits.parse().map_err(|_| format!("{digits} is no number"))?;
    let most = if format_of(schema) == Some("float") { f64::from(f32::MAX) } else { f64::MAX };
    if value.abs() > most { Err(format!("{digits} is out of range")) } else { Ok(()) }
}

fn string(text: &str, schema: &Value, only_words: bool) -> Result<(), String> {
    match format_of(schema) {
        Some(GO_DURATION) => text.parse::<GoDuration>().map(drop).map_err(|e| e.to_string()),
        Some(BASE64) if base64::decode(text).is_none() => Err("must be base64".to_owned()),
        _ => {
            let words = constants(schema);
            if !only_words || words.is_empty() || words.contains(&text) {
                return Ok(());
            }
            let hint = nearest(text, words.iter().copied());
            let hint = hint.map_or(String::new(), |w| format!(": did you mean {w:?}?"));
            Err(format!("{text:?} is none of {}{hint}", words.join(", ")))
        }
    }
}
