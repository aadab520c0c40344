//! Label and field selectors of lists, watches and `deletecollection`.

use crate::resource::Resource;
use crate::status::{Result, Status};
use crate::store::Version;

/// What a request selects: conjunctions of label and field requirements.
#[derive(Debug, Default, Clone)]
pub(crate) struct Selector {
    labels: Vec<LabelRequirement>,
    fields: Vec<FieldRequirement>,
}

#[derive(Debug, Clone)]
struct LabelRequirement {
    key: String,
    operator: Operator,
}

#[derive(Debug, Clone)]
enum Operator {
    In(Vec<String>),
    /// Also true where the key is absent, as `!=` is.
    NotIn(Vec<String>),
    Exists,
    DoesNotExist,
    GreaterThan(i64),
    LessThan(i64),
}

#[derive(Debug, Clone)]
struct FieldRequirement {
    field: Field,
    equals: bool,
    value: String,
}

#[derive(Debug, Clone, Copy)]
enum Field {
    Name,
    Namespace,
    /// Position in the resource's `fields`.
    Own(usize),
}

impl Selector {
    /// Reads `labelSelector` and `fieldSelector`.
    pub(crate) fn parse(resource: &Resource, labels: &str, fields: &str) -> Result<Self> {
        let label_error =
            |detail: String| Status::bad_request(format!("unable to parse requirement: {detail}"));
        let labels = split_outside_parentheses(labels)
            .map(|part| parse_label(part).map_err(label_error))
            .collect::<Result<Vec<_>>>()?;
        let fields = fields
            .split(',')
            .filter(|part| !part.trim().is_empty())
            .map(|part| parse_field(resource, part.trim()))
            .collect::<Result<Vec<_>>>()?;
        Ok(Self { labels, fields })
    }

    /// Selects everything.
    pub(crate) fn is_empty(&self) -> bool {
        self.labels.is_empty() && self.fields.is_empty()
    }

    pub(crate) fn matches(&self, version: &Version) -> bool {
        self.fields.iter().all(|r| r.matches(version))
            && self.labels.iter().all(|r| r.operator.matches(version.label(&r.key)))
    }
}

impl FieldRequirement {
    fn matches(&self, version: &Version) -> bool {
        let value = match self.field {
            Field::Name => &version.name,
            Field::Namespace => &version.namespace,
            Field::Own(at) => &version.fields[at],
        };
        (**value == *self.value) == self.equals
    }
}

impl Operator {
    fn matches(&self, value: Option<&str>) -> bool {
        let number = || value.and_then(|v| v.parse::<i64>().ok());
        match self {
            Self::In(values) => value.is_some_and(|v| values.iter().any(|x| x == v)),
            Self::NotIn(values) => value.is_none_or(|v| values.iter().all(|x| x != v)),
            Self::Exists => value.is_some(),
            Self::DoesNotExist => value.is_none(),
            Self::GreaterThan(bound) => number().is_some_and(|n| n > *bound),
            Self::LessThan(bound) => number().is_some_and(|n| n < *bound),
        }
    }
}

/// Does a `metav1.LabelSelector` (as in a PodDisruptionBudget) select the version? An empty
/// selector selects all, an absent one nothing.
pub(crate) fn label_selector_matches(selector: &serde_json::Value, version: &Version) -> bool {
    if selector.is_null() {
        return false;
    }
    let labels = selector["matchLabels"].as_object().into_iter().flatten();
    let mut equal = labels.map(|(k, v)| version.label(k) == v.as_str());
    let expressions = selector["matchExpressions"].as_array().into_iter().flatten();
    let mut matched = expressions.map(|e| {
        let key = e["key"].as_str().unwrap_or_default();
        let values = e["values"].as_array().into_iter().flatten();
        let values = values.filter_map(|v| v.as_str()).map(str::to_owned).collect();
        let operator = match e["operator"].as_str().unwrap_or_default() {
            "In" => Operator::In(values),
            "NotIn" => Operator::NotIn(values),
            "Exists" => Operator::Exists,
            _ => Operator::DoesNotExist,
        };
        operator.matches(version.label(key))
    });
    equal.all(|ok| ok) && matched.all(|ok| ok)
}

fn split_outside_parentheses(text: &str) -> impl Iterator<Item = &str> {
    let mut depth = 0_i32;
    let parts = text.split(move |c| {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        c == ',' && depth == 0
    });
    parts.map(str::trim).filter(|part| !part.is_empty())
}

fn parse_label(text: &str) -> Result<LabelRequirement, String> {
    let requirement =
        |key: &str, operator| Ok(LabelRequirement { key: key.trim().to_owned(), operator });
    if let Some((key, values)) = text.strip_suffix(')').and_then(|t| t.split_once('(')) {
        let values = values.split(',').map(|v| v.trim().to_owned()).collect();
        return match key.split_whitespace().collect::<Vec<_>>()[..] {
            [key, "in"] => requirement(key, Operator::In(values)),
            [key, "notin"] => requirement(key, Operator::NotIn(values)),
            _ => Err(format!("found '{text}', expected: in, notin")),
        };
    }
    if let Some((key, value)) = text.split_once("!=") {
        return requirement(key, Operator::NotIn(vec![value.trim().to_owned()]));
    }
    if let Some((key, value)) = text.split_once("==").or_else(|| text.split_once('=')) {
        return requirement(key, Operator::In(vec![value.trim().to_owned()]));
    }
    let bound = |value: &str| value.trim().parse().map_err(|_| format!("{text}: not a number"));
    if let Some((key, value)) = text.split_once('>') {
        return requirement(key, Operator::GreaterThan(bound(value)?));
    }
    if let Some((key, value)) = text.split_once('<') {
        return requirement(key, Operator::LessThan(bound(value)?));
    }
    if text.contains(char::is_whitespace) || text.contains(['(', ')']) {
        return Err(format!("found '{text}', expected: in, notin, =, ==, !=, gt, lt"));
    }
    match text.strip_prefix('!') {
        Some(key) => requirement(key, Operator::DoesNotExist),
        None => requirement(text, Operator::Exists),
    }
}

fn parse_field(resource: &Resource, text: &str) -> Result<FieldRequirement> {
    let not_equal = text.split_once("!=").map(|(f, v)| (f, v, false));
    let equal = || text.split_once("==").or_else(|| text.split_once('='));
    let (field, value, equals) =
        not_equal.or_else(|| equal().map(|(f, v)| (f, v, true))).ok_or_else(|| {
            Status::bad_request(format!("invalid selector: '{text}'; can't understand '{text}'"))
        })?;
    let own = || resource.fields.iter().position(|(name, _)| *name == field);
    let field =
        match field {
            "metadata.name" => Field::Name,
            "metadata.namespace" => Field::Namespace,
            _ => Field::Own(own().ok_or_else(|| {
                Status::bad_request(format!("field label not supported: {field}"))
            })?),
        };
    Ok(FieldRequirement { field, equals, value: value.to_owned() })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::json;

    use super::*;
    use crate::resource;

    fn selects(labels: &str, fields: &str) -> bool {
        let value = json!({
            "metadata": {"name": "a", "namespace": "x", "labels": {"app": "web", "n": "5"}},
            "spec": {"nodeName": "node-1"},
            "status": {"phase": "Running"},
        });
        let version = Version::new(resource::pods(), 1, &value);
        Selector::parse(resource::pods(), labels, fields).unwrap().matches(&version)
    }

    #[test]
    fn labels() {
        for yes in [
            "",
            "app",
            "app=web",
            "app==web",
            "app in (web, db),n",
            "!gone",
            "gone!=x",
            "n>4",
            "gone notin (a)",
        ] {
            assert!(selects(yes, ""), "{yes}");
        }
        for no in ["gone", "app!=web", "app notin (web,db)", "!app", "n<5", "app=web,gone"] {
            assert!(!selects(no, ""), "{no}");
        }
        assert!(Selector::parse(resource::pods(), "a b", "").is_err());
        assert!(Selector::parse(resource::pods(), "a like (b)", "").is_err());
    }

    #[test]
    fn fields() {
        for yes in [
            "metadata.name=a",
            "spec.nodeName=node-1,metadata.namespace=x",
            "status.phase!=Succeeded,status.phase!=Failed",
            "spec.schedulerName=",
        ] {
            assert!(selects("", yes), "{yes}");
        }
        assert!(!selects("", "spec.nodeName="));
        assert!(Selector::parse(resource::pods(), "", "spec.color=red").is_err());
        assert!(Selector::parse(resource::pods(), "", "nonsense").is_err());
    }
}
