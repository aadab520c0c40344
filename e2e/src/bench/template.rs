//! Object templates: the part of Go's `text/template` that scheduler_perf's files use for pods,
//! nodes and other objects.
//!
//! Understood: `{{.Field}}`, calls (`{{Mod .Index 12}}`), brackets, pipes, `{{if}}`, `{{else}}`,
//! `{{end}}`, numbers and strings. `range`, `with` and variables are refused by name.

use serde_json::{Map, Number, Value};

mod expression;

use expression::Expression;

/// What a template may name: `Index`, `Count` and the operation's `templateParams`.
pub type Environment = Map<String, Value>;

/// A template that cannot be read or filled in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// `{{` without `}}`.
    #[error("an action is opened by {{{{ and never closed by }}}}")]
    Open,
    /// `{{if}}` without `{{end}}`.
    #[error("an if without its end")]
    OpenIf,
    /// An action that is not understood.
    #[error("action {{{{{0}}}}} is not supported")]
    Unsupported(String),
    /// A function that is not known.
    #[error("function {0} is not supported")]
    Function(String),
    /// A field that nobody set.
    #[error("no value for .{0}: set it in templateParams")]
    Missing(String),
    /// An argument that a function cannot work with.
    #[error("{function}: cannot work with {value}")]
    Argument {
        /// The function.
        function: String,
        /// The argument.
        value: String,
    },
}

/// A template that has been read.
#[derive(Debug, Clone)]
pub struct Template {
    nodes: Vec<Node>,
}

#[derive(Debug, Clone)]
enum Node {
    Text(String),
    Print(Expression),
    If { condition: Expression, then: Vec<Node>, otherwise: Vec<Node> },
}

/// A piece between two actions, or an action's inside.
#[derive(Debug, Clone, Copy)]
enum Piece<'a> {
    Text(&'a str),
    Action(&'a str),
}

/// How a list of nodes ended.
#[derive(Debug, PartialEq, Eq)]
enum Stop {
    Input,
    Else,
    End,
}

impl Template {
    /// Reads a template.
    ///
    /// # Errors
    /// What is not understood, by name.
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        let pieces = pieces(text)?;
        let mut rest = pieces.as_slice();
        let (nodes, stop) = block(&mut rest)?;
        match stop {
            Stop::Input => Ok(Self { nodes }),
            Stop::Else => Err(TemplateError::Unsupported("else".to_owned())),
            Stop::End => Err(TemplateError::Unsupported("end".to_owned())),
        }
    }

    /// Whether it gives the same text whatever it is filled in with.
    pub fn is_constant(&self) -> bool {
        self.nodes.iter().all(|node| matches!(node, Node::Text(_)))
    }

    /// The text, filled in.
    ///
    /// # Errors
    /// A field that nobody set, or arguments that a function cannot work with.
    pub fn render(&self, environment: &Environment) -> Result<String, TemplateError> {
        let mut out = String::new();
        render(&self.nodes, environment, &mut out)?;
        Ok(out)
    }
}

fn render(nodes: &[Node], env: &Environment, out: &mut String) -> Result<(), TemplateError> {
    for node in nodes {
        match node {
            Node::Text(text) => out.push_str(text),
            Node::Print(expression) => out.push_str(&printed(&expression.required(env)?)),
            Node::If { condition, then, otherwise } => {
                let chosen = if truth(&condition.value(env)?) { then } else { otherwise };
                render(chosen, env, out)?;
            }
        }
    }
    Ok(())
}

/// Cuts the text at its actions. `{{-` and `-}}` take the white space beside them away.
fn pieces(text: &str) -> Result<Vec<Piece<'_>>, TemplateError> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find("{{") {
        let (mut before, opened) = rest.split_at(start);
        let (mut action, mut after) = opened[2..].split_once("}}").ok_or(TemplateError::Open)?;
        if let Some(trimmed) = action.strip_prefix("- ") {
            action = trimmed;
            before = before.trim_end();
        }
        if let Some(trimmed) = action.strip_suffix(" -") {
            action = trimmed;
            after = after.trim_start();
        }
        pieces.push(Piece::Text(before));
        pieces.push(Piece::Action(action.trim()));
        rest = after;
    }
    pieces.push(Piece::Text(rest));
    Ok(pieces)
}

fn block(rest: &mut &[Piece<'_>]) -> Result<(Vec<Node>, Stop), TemplateError> {
    let mut nodes = Vec::new();
    while let Some((piece, tail)) = rest.split_first() {
        *rest = tail;
        match *piece {
            Piece::Text("") => {}
            Piece::Text(text) => nodes.push(Node::Text(text.to_owned())),
            Piece::Action("else") => return Ok((nodes, Stop::Else)),
            Piece::Action("end") => return Ok((nodes, Stop::End)),
            Piece::Action(action) if action.starts_with("/*") => {}
            Piece::Action(action) => match action.strip_prefix("if ") {
                Some(condition) => nodes.push(conditional(condition, rest)?),
                None => nodes.push(Node::Print(Expression::parse(action)?)),
            },
        }
    }
    Ok((nodes, Stop::Input))
}

fn conditional(condition: &str, rest: &mut &[Piece<'_>]) -> Result<Node, TemplateError> {
    let condition = Expression::parse(condition)?;
    let (then, mut stop) = block(rest)?;
    let mut otherwise = Vec::new();
    if stop == Stop::Else {
        (otherwise, stop) = block(rest)?;
    }
    match stop {
        Stop::End => Ok(Node::If { condition, then, otherwise }),
        Stop::Input | Stop::Else => Err(TemplateError::OpenIf),
    }
}

/// Go's truth: zero, empty and absent are false.
fn truth(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(value) => *value,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(members) => !members.is_empty(),
    }
}

/// As Go's `%v` prints the scalars of a parameter: a float with no fraction has no point.
fn printed(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => whole(number).map_or(number.to_string(), |n| n.to_string()),
        other => other.to_string(),
    }
}

fn whole(number: &Number) -> Option<i64> {
    let float = number.as_f64()?;
    // 2^53: beyond it floats skip whole numbers.
    let exact = float.fract() == 0.0 && float.abs() < 9_007_199_254_740_992.0;
    number.as_i64().or_else(|| exact.then_some(float as i64))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;

    fn filled(text: &str, env: &Value) -> Result<String, TemplateError> {
        Template::parse(text)?.render(env.as_object().unwrap())
    }

    #[test]
    fn fields_calls_and_brackets() {
        let env = json!({"Index": 17, "Count": 20, "base": 7000.0, "name": "x"});
        assert_eq!(filled("a-{{.Index}}-{{ .name }}", &env).unwrap(), "a-17-x");
        assert_eq!(filled("{{Mod .Index 12}}", &env).unwrap(), "5");
        assert_eq!(filled("{{DivideInt 30 .Count}}", &env).unwrap(), "1");
        assert_eq!(
            filled("{{AddInt .base (Mod .Index (DivideInt .Count 2))}}", &env).unwrap(),
            "7007"
        );
        assert_eq!(filled("{{(or .none 10) | Int}}{{or .none \"y\"}}", &env).unwrap(), "10y");
        assert_eq!(filled("{{.base}}", &env).unwrap(), "7000");
    }

    #[test]
    fn conditions_and_trimmed_space() {
        let text =
            "a\n{{- if eq (Mod .Index 2) 0 }}\neven\n{{- else }}\nodd {{.Index}}\n{{- end }}\nb";
        assert_eq!(filled(text, &json!({"Index": 4})).unwrap(), "a\neven\nb");
        assert_eq!(filled(text, &json!({"Index": 5})).unwrap(), "a\nodd 5\nb");
        assert_eq!(filled("{{if .gone}}x{{end}}y", &json!({})).unwrap(), "y");
    }

    #[test]
    fn what_is_not_understood_is_named() {
        let none = json!({});
        let error = |text: &str| filled(text, &none).unwrap_err().to_string();
        assert!(error("{{range .x}}{{end}}").contains("range"));
        assert!(error("{{$x := 1}}").contains("$x"));
        assert!(error("{{Frobnicate 1}}").contains("Frobnicate"));
        assert!(error("{{.Gone}}").contains(".Gone"));
        assert!(error("{{Mod 1 0}}").contains("Mod"));
        assert_eq!(filled("{{if .x}}", &none).unwrap_err(), TemplateError::OpenIf);
        assert_eq!(filled("{{.x", &none).unwrap_err(), TemplateError::Open);
        assert!(filled("{{end}}", &none).is_err());
    }

    #[test]
    fn constants_are_known() {
        assert!(Template::parse("kind: Pod").unwrap().is_constant());
        assert!(!Template::parse("{{.Index}}").unwrap().is_constant());
    }
}
