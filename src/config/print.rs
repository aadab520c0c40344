//! A configuration as kube-scheduler's `--write-config-to` writes it: all keys sorted, lists not
//! indented.

use serde_json::Value;

use super::v1::KubeSchedulerConfiguration;

/// The configuration as YAML.
pub fn print(configuration: &KubeSchedulerConfiguration) -> String {
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
                text.push_str(&scalar(&Value::String(key.clone())));
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
                    text.push_str(&scalar(value));
                    text.push('\n');
                }
            }
        }
        other => {
            text.push_str(&scalar(other));
            text.push('\n');
        }
    }
}

/// The value of a key, after its colon.
fn entry(value: &Value, indent: usize, text: &mut String) {
    if !is_block(value) {
        text.push(' ');
        text.push_str(&scalar(value));
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

fn scalar(value: &Value) -> String {
    match value {
        Value::String(text) if is_plain(text) => text.clone(),
        // go-yaml quotes with double quotes where a plain text would mean something else.
        Value::String(_) => value.to_string(),
        Value::Object(_) => "{}".to_owned(),
        Value::Array(_) => "[]".to_owned(),
        other => other.to_string(),
    }
}

/// Whether a text stands for itself without quotes.
fn is_plain(text: &str) -> bool {
    let first = text.chars().next();
    let is_start =
        |c: char| c.is_ascii_alphabetic() || matches!(c, '/' | '_') || c.is_ascii_digit();
    let is_rest =
        |c: char| is_start(c) || matches!(c, '.' | '-' | '+' | ',' | '(' | ')' | ';' | '=');
    let safe = first.is_some_and(is_start) && text.chars().all(|c| is_rest(c) || c == ':');
    let read = super::scalar::resolve(None, true, text);
    safe && !text.ends_with(':')
        && matches!(read, Ok(super::tree::Kind::String(_)))
        && !is_timestamp(text)
}

/// `2001-01-01`, which go-yaml quotes.
fn is_timestamp(text: &str) -> bool {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    digits == 4 && text.as_bytes().get(4) == Some(&b'-')
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
             e: \"yes\"\nf: 10m0s\ng: \"\"\nh: \"a: b\"\ni: 0.5\nj: \"2001-01-01\"\nk: x:y\n"
        );
        assert_eq!(super::super::yaml::read(&text).unwrap().root.to_value(), value);
    }
}
