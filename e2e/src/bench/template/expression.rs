//! Expressions of a template: operands, calls, brackets, pipes.

use serde_json::{Value, json};

use super::{Environment, TemplateError, truth, whole};

/// An expression that has been read.
#[derive(Debug, Clone)]
pub(super) enum Expression {
    Literal(Value),
    Field(String),
    Call { function: Function, arguments: Vec<Expression> },
}

/// `getTemplateFuncs` of scheduler_perf, and Go's own `eq`, `or`, `and`, `not`.
#[derive(Debug, Clone, Copy)]
pub(super) enum Function {
    AddFloat,
    AddInt,
    DivideFloat,
    DivideInt,
    Int,
    Json,
    Mod,
    MultiplyFloat,
    MultiplyInt,
    SubtractFloat,
    SubtractInt,
    Eq,
    Or,
    And,
    Not,
}

const FUNCTIONS: [(&str, Function); 15] = [
    ("AddFloat", Function::AddFloat),
    ("AddInt", Function::AddInt),
    ("DivideFloat", Function::DivideFloat),
    ("DivideInt", Function::DivideInt),
    ("Int", Function::Int),
    ("JSON", Function::Json),
    ("Mod", Function::Mod),
    ("MultiplyFloat", Function::MultiplyFloat),
    ("MultiplyInt", Function::MultiplyInt),
    ("SubtractFloat", Function::SubtractFloat),
    ("SubtractInt", Function::SubtractInt),
    ("eq", Function::Eq),
    ("or", Function::Or),
    ("and", Function::And),
    ("not", Function::Not),
];

/// Words that begin an action of another kind.
const KEYWORDS: [&str; 7] = ["range", "with", "template", "block", "define", "break", "continue"];

impl Expression {
    pub(super) fn parse(action: &str) -> Result<Self, TemplateError> {
        let unsupported = || TemplateError::Unsupported(action.to_owned());
        let tokens = tokens(action).ok_or_else(unsupported)?;
        let first = tokens.first().ok_or_else(unsupported)?;
        if KEYWORDS.contains(first) || tokens.iter().any(|token| token.starts_with('$')) {
            return Err(unsupported());
        }
        let mut rest = tokens.as_slice();
        let expression = pipeline(&mut rest)?.ok_or_else(unsupported)?;
        if rest.is_empty() { Ok(expression) } else { Err(unsupported()) }
    }

    /// Its value; an absent field is null, as in Go.
    pub(super) fn value(&self, env: &Environment) -> Result<Value, TemplateError> {
        match self {
            Self::Literal(value) => Ok(value.clone()),
            Self::Field(name) => Ok(env.get(name).cloned().unwrap_or_default()),
            Self::Call { function, arguments } => {
                let values: Result<Vec<Value>, _> =
                    arguments.iter().map(|argument| argument.value(env)).collect();
                function.call(&values?)
            }
        }
    }

    /// Its value; an absent field is an error.
    pub(super) fn required(&self, env: &Environment) -> Result<Value, TemplateError> {
        match (self, self.value(env)?) {
            (Self::Field(name), Value::Null) => Err(TemplateError::Missing(name.clone())),
            (_, value) => Ok(value),
        }
    }
}

/// `command | command`: each later command gets the value before it as its last argument.
fn pipeline(rest: &mut &[&str]) -> Result<Option<Expression>, TemplateError> {
    let Some(mut left) = command(rest, None)? else { return Ok(None) };
    while let Some((&"|", tail)) = rest.split_first() {
        *rest = tail;
        let Some(next) = command(rest, Some(left))? else { return Ok(None) };
        left = next;
    }
    Ok(Some(left))
}

fn command(
    rest: &mut &[&str],
    piped: Option<Expression>,
) -> Result<Option<Expression>, TemplateError> {
    let Some((&name, tail)) = rest.split_first() else { return Ok(None) };
    if !name.starts_with(|c: char| c.is_ascii_alphabetic()) || matches!(name, "true" | "false") {
        // A value cannot take a piped one.
        return if piped.is_some() { Ok(None) } else { operand(rest) };
    }
    *rest = tail;
    let known = FUNCTIONS.iter().find(|(known, _)| *known == name);
    let function = known.ok_or_else(|| TemplateError::Function(name.to_owned()))?.1;
    let mut arguments = Vec::new();
    while let Some(&token) = rest.first()
        && token != ")"
        && token != "|"
    {
        let Some(argument) = operand(rest)? else { return Ok(None) };
        arguments.push(argument);
    }
    arguments.extend(piped);
    Ok(Some(Expression::Call { function, arguments }))
}

fn operand(rest: &mut &[&str]) -> Result<Option<Expression>, TemplateError> {
    let Some((&token, tail)) = rest.split_first() else { return Ok(None) };
    *rest = tail;
    if token == "(" {
        let inner = pipeline(rest)?;
        let Some((&")", tail)) = rest.split_first() else { return Ok(None) };
        *rest = tail;
        return Ok(inner);
    }
    if let Some(name) = token.strip_prefix('.') {
        return Ok((!name.is_empty()).then(|| Expression::Field(name.to_owned())));
    }
    let literal = match token {
        "nil" => Some(Value::Null),
        other => serde_json::from_str(other).ok(),
    };
    Ok(literal.map(Expression::Literal))
}

/// Words, brackets, bars and quoted strings; nothing where a string is not closed.
fn tokens(action: &str) -> Option<Vec<&str>> {
    let mut tokens = Vec::new();
    let mut rest = action.trim_start();
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '(' | ')' | '|' => 1,
            '"' => rest[1..].find('"')? + 2,
            _ => rest.find(|c: char| c.is_whitespace() || "()|".contains(c)).unwrap_or(rest.len()),
        };
        let (token, tail) = rest.split_at(length);
        tokens.push(token);
        rest = tail.trim_start();
    }
    Some(tokens)
}

impl Function {
    fn call(self, values: &[Value]) -> Result<Value, TemplateError> {
        let refused = || {
            let name = FUNCTIONS.iter().find(|(_, known)| *known as u8 == self as u8);
            let function = name.map_or_else(String::new, |(name, _)| (*name).to_owned());
            TemplateError::Argument { function, value: json!(values).to_string() }
        };
        let numbers = || values.iter().map(float).collect::<Option<Vec<f64>>>().ok_or_else(refused);
        let pair = || match numbers()?.as_slice() {
            [left, right] => Ok((*left, *right)),
            _ => Err(refused()),
        };
        let divide = || pair().and_then(|(l, r)| if r == 0.0 { Err(refused()) } else { Ok(l / r) });
        Ok(match self {
            Self::AddFloat => json!(numbers()?.iter().sum::<f64>()),
            Self::AddInt => json!(numbers()?.iter().sum::<f64>() as i64),
            Self::MultiplyFloat => json!(numbers()?.iter().product::<f64>()),
            Self::MultiplyInt => json!(numbers()?.iter().product::<f64>() as i64),
            Self::SubtractFloat => pair().map(|(left, right)| json!(left - right))?,
            Self::SubtractInt => pair().map(|(left, right)| json!((left - right) as i64))?,
            Self::DivideFloat => json!(divide()?),
            Self::DivideInt => json!(divide()? as i64),
            Self::Mod => {
                let (left, right) = pair()?;
                let rest = (left as i64).checked_rem(right as i64).ok_or_else(refused)?;
                json!(rest)
            }
            Self::Int => match numbers()?.as_slice() {
                [number] => json!(*number as i64),
                _ => return Err(refused()),
            },
            Self::Json => match values {
                [value] => Value::String(value.to_string()),
                _ => return Err(refused()),
            },
            Self::Eq => match values {
                [first, rest @ ..] if !rest.is_empty() => {
                    Value::Bool(rest.iter().any(|other| equal(first, other)))
                }
                _ => return Err(refused()),
            },
            Self::Or => values
                .iter()
                .find(|value| truth(value))
                .or(values.last())
                .cloned()
                .ok_or_else(refused)?,
            Self::And => values
                .iter()
                .find(|value| !truth(value))
                .or(values.last())
                .cloned()
                .ok_or_else(refused)?,
            Self::Not => Value::Bool(!truth(values.first().ok_or_else(refused)?)),
        })
    }
}

/// `toFloat64`: numbers, and strings that hold one.
fn float(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.parse().ok(),
        _ => None,
    }
}

fn equal(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) => {
            whole(left).is_some() && whole(left) == whole(right) || left == right
        }
        _ => left == right,
    }
}
