//! A configuration as kube-scheduler's `--write-config-to` writes it: all keys sorted, lists not
//! indented.

mod scalar;

use serde::Serialize;
use serde_json::Value;

use super::berth::BerthConfiguration;
use super::v1::KubeSchedulerConfiguration;

/// The configuration as YAML.
pub fn print(configuration: &KubeSchedulerConfiguration) -> String {
    yaml(configuration)
}

/// What is Berth's own, in the same form.
pub fn print_berth(configuration: &BerthConfiguration) -> String {
    yaml(configuration)
}

fn yaml(configuration: &impl Serialize) -> String {
    let value = serde_json::to_value(configuration).unwrap_or(Value::Null);
    let mut text = String::new();
    block(&sorted(value), 0, &mut text);
    text
}

/// Go writes the keys of an object in order.
fn sorted(value: Value) -> Value {
    match value {
        Value::Object(fields) => {
            let mut fields: Vec<(String, Value)> = fields.into_iter().collect();
            fields.sort_by(|a, b| a.0.cmp(&b.0));
            Value::Object(fields.into_iter().map(|(key, value)| (key, sorted(value))).collect())
        }
        Value::Array(values) => Value::Array(values.into_iter().map(sorted).collect()),
        other => other,
    }
}

fn block(value: &Value, indent: usize, text: &mut String) {
    match value {
        Value::Object(fields) => {
            for (i, (key, value)) in fields.iter().enumerate() {
                if i > 0 {
                    pad(indent, text);
                }
                text.push_str(&scalar::string(key, indent, true));
                text.push(':');
                entry(value, indent, text);
            }
        }
        Value::Array(values) => {
            for (i, value) in values.iter().enumerate() {
                if i > 0 {
                    pad(indent, text);
                }
                text.push_str("- ");
                if is_block(value) {
                    block(value, indent + 2, text);
                } else {
                    text.push_str(&scalar(value, indent + 2));
                    text.push('\n');
                }
            }
        }
        other => {
            text.push_str(&scalar(other, indent));
            text.push('\n');
        }
    }
}

/// The value of a key, after its colon.
fn entry(value: &Value, indent: usize, text: &mut String) {
    if !is_block(value) {
        text.push(' ');
        text.push_str(&scalar(value, indent + 2));
        text.push('\n');
        return;
    }
    text.push('\n');
    let indent = if value.is_array() { indent } else { indent + 2 };
    pad(indent, text);
    block(value, indent, text);
}

fn pad(indent: usize, text: &mut String) {
    text.extend(std::iter::repeat_n(' ', indent));
}

fn is_block(value: &Value) -> bool {
    match value {
        Value::Object(fields) => !fields.is_empty(),
        Value::Array(values) => !values.is_empty(),
        _ => false,
    }
}

/// A value on the line where it is, or a text that goes on below it.
fn scalar(value: &Value, indent: usize) -> String {
    match value {
        Value::String(text) => scalar::string(text, indent, false),
        Value::Number(number) => scalar::number(number),
        Value::Object(_) => "{}".to_owned(),
        Value::Array(_) => "[]".to_owned(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn lists_and_mappings_are_laid_out_as_by_go() {
        let value = serde_json::json!({
            "b": {}, "a": [{"y": 1, "x": ["p", "q"]}, {"z": null}], "c": {"d": [[1, 2], []]},
            "e": "yes", "f": "10m0s", "g": "", "h": "a: b", "i": 0.5, "j": "2001-01-01", "k": "x:y",
        });
        let mut text = String::new();
        block(&sorted(value.clone()), 0, &mut text);
        assert_eq!(
            text,
            "a:\n- x:\n  - p\n  - q\n  \"y\": 1\n- z: null\nb: {}\nc:\n  d:\n  - - 1\n    - 2\n  - []\n\
             e: \"yes\"\nf: 10m0s\ng: \"\"\nh: 'a: b'\ni: 0.5\nj: \"2001-01-01\"\nk: x:y\n"
        );
        assert_eq!(super::super::yaml::read(&text).unwrap().root.to_value(), value);
    }
}
