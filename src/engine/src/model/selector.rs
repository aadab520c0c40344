//! Node selectors, compiled to symbols.
//!
//! Source: `staging/src/k8s.io/component-helpers/scheduling/corev1/nodeaffinity/nodeaffinity.go`.

use crate::base::{Sym, Symbols};
use crate::record::{NodeSelectorTerm, Preferred, Requirement, SelectorOp, StringMap};

/// A requirement on one label of a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeRequirement {
    key: Sym,
    op: SelectorOp,
    // Sorted: of 10,000 values, which the API server accepts, 14 are looked at.
    values: Box<[Sym]>,
    bound: i64,
}

/// One compiled term: all parts must hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeTerm {
    /// Requirements on labels.
    pub labels: Box<[NodeRequirement]>,
    /// Requirements on `metadata.name`: (must be equal, name).
    pub names: Box<[(bool, Sym)]>,
    /// The term cannot be parsed, or is empty: it matches nothing.
    pub never: bool,
}

/// Alternatives; without any nothing matches.
pub type NodeTerms = Box<[NodeTerm]>;

/// A preferred term with its weight; empty terms and weight 0 are left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PreferredNodeTerm {
    /// Added where the term matches.
    pub weight: i64,
    /// The term.
    pub term: NodeTerm,
}

/// Labels as a node carries them, sorted by key symbol.
type NodeLabels = [(Sym, Sym)];

fn label(labels: &NodeLabels, key: Sym) -> Option<Sym> {
    let at = labels.binary_search_by_key(&key, |(k, _)| *k).ok()?;
    labels.get(at).map(|(_, v)| *v)
}

impl NodeRequirement {
    /// `None` where the requirement cannot be parsed, which makes its term match nothing.
    fn compile(of: &Requirement, sym: &mut impl FnMut(&str) -> Sym) -> Option<Self> {
        let sound = match of.op {
            SelectorOp::In | SelectorOp::NotIn => !of.values.is_empty(),
            SelectorOp::Exists | SelectorOp::DoesNotExist => of.values.is_empty(),
            SelectorOp::Gt | SelectorOp::Lt => of.values.len() == 1,
            SelectorOp::Unknown => false,
        };
        if !sound || !is_label_key(&of.key) || !of.values.iter().all(|v| is_label_value(v)) {
            return None;
        }
        let bound = match of.op {
            SelectorOp::Gt | SelectorOp::Lt => of.values.first()?.parse().ok()?,
            _ => 0,
        };
        let key = sym(&of.key);
        let mut values: Box<[Sym]> = of.values.iter().map(|v| sym(v)).collect();
        values.sort_unstable();
        Some(Self { key, op: of.op, values, bound })
    }

    fn lists(&self, value: Sym) -> bool {
        match self.values.len() {
            0..=8 => self.values.contains(&value),
            _ => self.values.binary_search(&value).is_ok(),
        }
    }

    fn matches(&self, labels: &NodeLabels, symbols: &Symbols) -> bool {
        let value = label(labels, self.key);
        match self.op {
            SelectorOp::In => value.is_some_and(|v| self.lists(v)),
            SelectorOp::NotIn => value.is_none_or(|v| !self.lists(v)),
            SelectorOp::Exists => value.is_some(),
            SelectorOp::DoesNotExist => value.is_none(),
            SelectorOp::Gt | SelectorOp::Lt => {
                let number = value.and_then(|v| symbols.text(v).parse::<i64>().ok());
                number.is_some_and(|n| {
                    if self.op == SelectorOp::Gt { n > self.bound } else { n < self.bound }
                })
            }
            SelectorOp::Unknown => false,
        }
    }
}

impl NodeTerm {
    /// Compiles one term.
    pub fn compile(of: &NodeSelectorTerm, symbols: &mut Symbols) -> Self {
        Self::compile_by(of, &mut |text| symbols.intern(text))
    }

    /// Compiles one term without interning: a text that has no symbol is [`Sym::NONE`], which no
    /// node has either. Good for as long as no symbol is added, so for one cycle.
    pub fn compile_known(of: &NodeSelectorTerm, symbols: &Symbols) -> Self {
        Self::compile_by(of, &mut |text| symbols.get(text).unwrap_or(Sym::NONE))
    }

    fn compile_by(of: &NodeSelectorTerm, sym: &mut impl FnMut(&str) -> Sym) -> Self {
        let empty = of.match_expressions.is_empty() && of.match_fields.is_empty();
        let labels: Option<Box<[_]>> =
            of.match_expressions.iter().map(|r| NodeRequirement::compile(r, sym)).collect();
        let names: Option<Box<[_]>> =
            of.match_fields.iter().map(|r| compile_field(r, sym)).collect();
        match (labels, names) {
            (Some(labels), Some(names)) => Self { labels, names, never: empty },
            _ => Self { labels: Box::default(), names: Box::default(), never: true },
        }
    }

    /// Whether a node of this name with these labels (sorted by key symbol) matches.
    pub fn matches(&self, name: Sym, labels: &NodeLabels, symbols: &Symbols) -> bool {
        !self.never
            && self.labels.iter().all(|r| r.matches(labels, symbols))
            && self.names.iter().all(|(equal, wanted)| (*wanted == name) == *equal)
    }
}

/// In or NotIn with exactly one value. Nodes have the field `metadata.name` only, any other one is
/// the empty string; [`Sym::NONE`] makes such a requirement hold always or never.
fn compile_field(of: &Requirement, sym: &mut impl FnMut(&str) -> Sym) -> Option<(bool, Sym)> {
    let equal = match of.op {
        SelectorOp::In => true,
        SelectorOp::NotIn => false,
        _ => return None,
    };
    let [value] = of.values.as_ref() else { return None };
    Some(match of.key.as_ref() {
        "metadata.name" => (equal, sym(value)),
        _ => (value.is_empty() != equal, Sym::NONE),
    })
}

/// Compiles the terms of a required node affinity.
pub fn compile_node_terms(terms: &[NodeSelectorTerm], symbols: &mut Symbols) -> NodeTerms {
    terms.iter().map(|t| NodeTerm::compile(t, symbols)).collect()
}

impl PreferredNodeTerm {
    /// Compiles preferred terms; an empty term or weight 0 is ignored, as in the reference.
    pub fn compile_all(
        terms: &[Preferred<NodeSelectorTerm>],
        symbols: &mut Symbols,
    ) -> Box<[Self]> {
        Self::compile_by(terms, |term| NodeTerm::compile(term, symbols))
    }

    /// As [`PreferredNodeTerm::compile_all`] by [`NodeTerm::compile_known`].
    pub fn compile_known(terms: &[Preferred<NodeSelectorTerm>], symbols: &Symbols) -> Box<[Self]> {
        Self::compile_by(terms, |term| NodeTerm::compile_known(term, symbols))
    }

    fn compile_by(
        terms: &[Preferred<NodeSelectorTerm>],
        mut compile: impl FnMut(&NodeSelectorTerm) -> NodeTerm,
    ) -> Box<[Self]> {
        terms
            .iter()
            .filter(|p| p.weight != 0)
            .filter(|p| !(p.term.match_expressions.is_empty() && p.term.match_fields.is_empty()))
            .map(|p| Self { weight: i64::from(p.weight), term: compile(&p.term) })
            .collect()
    }
}

/// Node labels as symbols, sorted by key symbol.
pub(crate) fn node_labels(of: &StringMap, symbols: &mut Symbols) -> Box<NodeLabels> {
    let mut labels: Vec<(Sym, Sym)> =
        of.iter().map(|(k, v)| (symbols.intern(k), symbols.intern(v))).collect();
    labels.sort_unstable_by_key(|(k, _)| *k);
    labels.into_boxed_slice()
}

/// `validation.IsQualifiedName`: an optional DNS subdomain, then 1..63 of `[A-Za-z0-9-_.]` that
/// start and end alphanumeric.
pub fn is_label_key(key: &str) -> bool {
    let name = match key.split_once('/') {
        None => key,
        Some((prefix, name)) => {
            let sound = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
            let ok = prefix.len() <= 253
                && prefix.split('.').all(|part| {
                    let b = part.as_bytes();
                    b.first().is_some_and(|b| sound(*b))
                        && b.last().is_some_and(|b| sound(*b))
                        && b.iter().all(|b| sound(*b) || *b == b'-')
                });
            if !ok {
                return false;
            }
            name
        }
    };
    !name.is_empty() && is_label_value(name)
}

/// `validation.IsValidLabelValue`: empty, or 1..63 characters as above.
pub fn is_label_value(value: &str) -> bool {
    let b = value.as_bytes();
    b.is_empty()
        || (b.len() <= 63
            && b.first().is_some_and(u8::is_ascii_alphanumeric)
            && b.last().is_some_and(u8::is_ascii_alphanumeric)
            && b.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.')))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expression(key: &str, op: SelectorOp, values: &[&str]) -> Requirement {
        Requirement { key: key.into(), op, values: values.iter().map(|v| (*v).into()).collect() }
    }

    fn check(requirement: Requirement, labels: &[(&str, &str)]) -> bool {
        let mut symbols = Symbols::default();
        let term = NodeSelectorTerm { match_expressions: vec![requirement], match_fields: vec![] };
        let term = NodeTerm::compile(&term, &mut symbols);
        let map: StringMap = labels.iter().copied().collect();
        let labels = node_labels(&map, &mut symbols);
        term.matches(symbols.intern("n"), &labels, &symbols)
    }

    #[test]
    fn operators_compare_as_kubernetes_says() {
        use SelectorOp::{DoesNotExist, Exists, Gt, In, Lt, NotIn, Unknown};
        let labels = [("zone", "a"), ("cores", "8")];
        for (op, key, values, matches) in [
            (In, "zone", &["a", "b"][..], true),
            (In, "zone", &["b"], false),
            (In, "absent", &["a"], false),
            (In, "zone", &[], false),
            (NotIn, "zone", &["a"], false),
            (NotIn, "absent", &["a"], true),
            (Exists, "zone", &[], true),
            (Exists, "zone", &["a"], false),
            (DoesNotExist, "absent", &[], true),
            (Gt, "cores", &["7"], true),
            (Gt, "cores", &["8"], false),
            (Lt, "cores", &["9"], true),
            (Gt, "zone", &["7"], false),
            (Gt, "absent", &["7"], false),
            (Gt, "cores", &["x"], false),
            (Unknown, "zone", &["a"], false),
            (In, "not a key", &["a"], false),
        ] {
            assert_eq!(
                check(expression(key, op, values), &labels),
                matches,
                "{op:?} {key} {values:?}"
            );
        }
    }

    #[test]
    fn values_are_found_among_many() {
        let values: Vec<String> = (0..40).map(|v| ((v * 7 + 3) % 40 * 2).to_string()).collect();
        for count in [1, 8, 9, 40] {
            let values: Vec<&str> = values.iter().take(count).map(String::as_str).collect();
            for number in 0..80 {
                let number = number.to_string();
                let listed = values.contains(&number.as_str());
                let check = |op| check(expression("n", op, &values), &[("n", &number)]);
                assert_eq!(check(SelectorOp::In), listed, "{number} in {values:?}");
                assert_eq!(check(SelectorOp::NotIn), !listed, "{number} not in {values:?}");
            }
        }
    }

    #[test]
    fn empty_terms_match_nothing_and_names_match_by_field() {
        let mut symbols = Symbols::default();
        let (a, b) = (symbols.intern("a"), symbols.intern("b"));
        let never = NodeTerm::compile(&NodeSelectorTerm::default(), &mut symbols);
        assert!(!never.matches(a, &[], &symbols));
        let field = |op, symbols: &mut Symbols| {
            let term = NodeSelectorTerm {
                match_fields: vec![expression("metadata.name", op, &["a"])],
                ..NodeSelectorTerm::default()
            };
            NodeTerm::compile(&term, symbols)
        };
        let (is, is_not) =
            (field(SelectorOp::In, &mut symbols), field(SelectorOp::NotIn, &mut symbols));
        assert!(is.matches(a, &[], &symbols) && !is.matches(b, &[], &symbols));
        assert!(!is_not.matches(a, &[], &symbols) && is_not.matches(b, &[], &symbols));
        let other = |op, value: &str| {
            let requirement = expression("metadata.namespace", op, &[value]);
            NodeSelectorTerm { match_fields: vec![requirement], ..NodeSelectorTerm::default() }
        };
        for (op, value, holds) in [
            (SelectorOp::In, "x", false),
            (SelectorOp::NotIn, "x", true),
            (SelectorOp::In, "", true),
            (SelectorOp::NotIn, "", false),
        ] {
            let term = NodeTerm::compile_known(&other(op, value), &symbols);
            assert_eq!(term.matches(a, &[], &symbols), holds, "{op:?} {value:?}");
        }
    }

    #[test]
    fn texts_that_nobody_has_interned_match_no_node() {
        let mut symbols = Symbols::default();
        let labels = node_labels(&[("zone", "a")].into_iter().collect(), &mut symbols);
        let name = symbols.intern("n");
        for (op, key, values, holds) in [
            (SelectorOp::In, "zone", &["b", "a"][..], true),
            (SelectorOp::In, "zone", &["b"], false),
            (SelectorOp::NotIn, "zone", &["b"], true),
            (SelectorOp::NotIn, "rack", &["b"], true),
            (SelectorOp::Exists, "rack", &[], false),
            (SelectorOp::DoesNotExist, "rack", &[], true),
        ] {
            let term = NodeSelectorTerm {
                match_expressions: vec![expression(key, op, values)],
                match_fields: vec![],
            };
            let term = NodeTerm::compile_known(&term, &symbols);
            assert_eq!(term.matches(name, &labels, &symbols), holds, "{op:?} {key} {values:?}");
        }
    }
}
