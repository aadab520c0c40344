//! A configuration file as a tree that knows its lines.

use serde_json::{Map, Number, Value};

/// Deepest nesting that is read. kube-scheduler's own types need 12 levels.
pub(super) const DEPTH_MAX: usize = 100;

/// Most nodes that are read, with aliases expanded: against files that grow by aliases of aliases.
/// A profile with every option is about 300 nodes, so this is room for some hundred profiles.
pub(super) const NODES_MAX: usize = 100_000;

/// A value and the line where it, or the key it belongs to, begins.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Node {
    /// From 1.
    pub(super) line: usize,
    pub(super) kind: Kind,
}

/// What a node holds: what JSON can say.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Kind {
    Null,
    Bool(bool),
    /// The digits as JSON has them: whether it is an integer is for its reader to say.
    Number(Box<str>),
    String(Box<str>),
    List(Vec<Node>),
    Map(Vec<Entry>),
}

/// A key and its value.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Entry {
    pub(super) key: Box<str>,
    /// Of the key, from 1.
    pub(super) line: usize,
    pub(super) value: Node,
}

/// A text that does not become a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SyntaxError {
    /// From 1.
    pub(super) line: usize,
    /// From 1, in characters; none where the whole line is meant.
    pub(super) column: Option<usize>,
    pub(super) message: String,
}

impl SyntaxError {
    /// At a byte of a text.
    pub(super) fn at(text: &str, byte: usize, message: impl Into<String>) -> Self {
        let before = text.get(..byte).unwrap_or(text);
        let line = before.rsplit('\n').next().unwrap_or_default();
        Self {
            line: before.matches('\n').count() + 1,
            column: Some(line.chars().count() + 1),
            message: message.into(),
        }
    }
}

/// A document and what is remarkable about it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Document {
    pub(super) root: Node,
    /// Keys that stand twice in one mapping, with the line of the second, in path order.
    pub(super) repeated: Vec<(String, usize)>,
}

impl Node {
    pub(super) fn null(line: usize) -> Self {
        Self { line, kind: Kind::Null }
    }

    /// The value of a key.
    pub(super) fn get(&self, key: &str) -> Option<&Self> {
        match &self.kind {
            Kind::Map(entries) => entries.iter().find(|e| e.key.as_ref() == key).map(|e| &e.value),
            _ => None,
        }
    }

    /// The keys of a mapping; none of anything else.
    pub(super) fn keys(&self) -> impl Iterator<Item = &str> {
        let entries = match &self.kind {
            Kind::Map(entries) => entries.as_slice(),
            _ => &[],
        };
        entries.iter().map(|entry| entry.key.as_ref())
    }

    /// The text of a string.
    pub(super) fn as_str(&self) -> Option<&str> {
        match &self.kind {
            Kind::String(text) => Some(text),
            _ => None,
        }
    }

    /// The elements of a list; none of anything else.
    pub(super) fn elements(&self) -> &[Self] {
        match &self.kind {
            Kind::List(nodes) => nodes,
            _ => &[],
        }
    }

    /// The value as JSON. Numbers that no JSON reader takes become null.
    pub(super) fn to_value(&self) -> Value {
        match &self.kind {
            Kind::Null => Value::Null,
            Kind::Bool(b) => Value::Bool(*b),
            Kind::Number(digits) => number(digits),
            Kind::String(text) => Value::String(text.to_string()),
            Kind::List(nodes) => Value::Array(nodes.iter().map(Self::to_value).collect()),
            Kind::Map(entries) => Value::Object(
                entries
                    .iter()
                    .map(|e| (e.key.to_string(), e.value.to_value()))
                    .collect::<Map<_, _>>(),
            ),
        }
    }

    /// What kind of value it is, for messages.
    pub(super) fn describe(&self) -> &'static str {
        match &self.kind {
            Kind::Null => "null",
            Kind::Bool(_) => "a boolean",
            Kind::Number(_) => "a number",
            Kind::String(_) => "a string",
            Kind::List(_) => "a list",
            Kind::Map(_) => "a mapping",
        }
    }

    /// The line of the deepest part of `path` that exists: `profiles[0].plugins`. None where
    /// nothing of it does; that of the whole for an empty path.
    pub(super) fn line_of(&self, path: &str) -> Option<usize> {
        let (mut node, mut rest) = (self, path);
        let mut line = path.is_empty().then_some(self.line);
        while !rest.is_empty() {
            let found = match rest.strip_prefix('[') {
                Some(inside) => inside.split_once(']').and_then(|(place, after)| {
                    let by_key = || node.entry(place).map(|e| (e.line, &e.value));
                    let by_place = place.parse::<usize>().ok();
                    let element = by_place.and_then(|i| node.elements().get(i));
                    element.map(|n| (n.line, n)).or_else(by_key).map(|found| (found, after))
                }),
                None => {
                    let key = rest.strip_prefix('.').unwrap_or(rest);
                    let (key, after) = key.split_at(key.find(['.', '[']).unwrap_or(key.len()));
                    node.entry(key).map(|e| ((e.line, &e.value), after))
                }
            };
            let Some(((found_line, found_node), after)) = found else { break };
            (node, line, rest) = (found_node, Some(found_line), after);
        }
        line
    }

    fn entry(&self, key: &str) -> Option<&Entry> {
        match &self.kind {
            Kind::Map(entries) => entries.iter().find(|e| e.key.as_ref() == key),
            _ => None,
        }
    }
}

fn number(digits: &str) -> Value {
    let integer = digits.parse::<i64>().map(Number::from);
    let integer = integer.or_else(|_| digits.parse::<u64>().map(Number::from));
    let number = integer.ok().or_else(|| digits.parse().ok().and_then(Number::from_f64));
    number.map_or(Value::Null, Value::Number)
}
