//! Label selectors, compiled once and matched against pods, namespaces and the like.
//!
//! Source: `LabelSelectorAsSelector` in
//! `staging/src/k8s.io/apimachinery/pkg/apis/meta/v1/helpers.go` and `Selector` in
//! `staging/src/k8s.io/apimachinery/pkg/labels/selector.go`.

use crate::base::{LabelSetIdx, Sym, Symbols};
use crate::record::{LabelSelector, Requirement, SelectorOp, StringMap};

use super::{LabelSets, is_label_key, is_label_value};

/// A selector in symbols: what `labels.Selector` is in the reference.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum LabelMatcher {
    /// Matches nothing: an absent selector (`labels.Nothing()`). It is not empty.
    Nothing,
    /// All of these have to hold; none at all matches everything.
    All(Box<[LabelRequirement]>),
}

/// A requirement on one label.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct LabelRequirement {
    key: Sym,
    op: SelectorOp,
    // Texts, as values of pod labels have no symbols; sorted, as there may be 10,000.
    values: Box<[Box<str>]>,
}

/// Why a selector cannot be parsed. The texts are the reference's, where it has the text: an
/// operator's name is not kept, and of a key only that it is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LabelSelectorError {
    /// An operator other than In, NotIn, Exists and DoesNotExist.
    #[error("requirement on {key:?}: not a valid label selector operator")]
    Operator {
        /// The key.
        key: Box<str>,
    },
    /// The key is no label key.
    #[error("key: Invalid value: {key:?}: must be a label key")]
    Key {
        /// The key.
        key: Box<str>,
    },
    /// In or NotIn without values.
    #[error("values: Invalid value: []: for 'in', 'notin' operators, values set can't be empty")]
    NoValues,
    /// Exists or DoesNotExist with values.
    #[error("values: Invalid value: {0:?}: values set must be empty for exists and does not exist")]
    Values(Vec<Box<str>>),
    /// A value that no label can have.
    #[error(
        "values[{at}][{key}]: Invalid value: {value:?}: a valid label must be an empty string or \
         consist of alphanumeric characters, '-', '_' or '.', and must start and end with an \
         alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for \
         validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"
    )]
    Value {
        /// Place among the values.
        at: usize,
        /// The key.
        key: Box<str>,
        /// The value.
        value: Box<str>,
    },
}

/// One thing that all labels have which a selector matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked<'a> {
    /// It matches no labels.
    Nothing,
    /// A key, with one of these values.
    Values(Sym, &'a [Box<str>]),
    /// A key.
    Key(Sym),
    /// No label at all is needed.
    Anything,
}

impl LabelMatcher {
    /// What it asks for at least: the requirement that the fewest values meet.
    pub fn asked(&self) -> Asked<'_> {
        let Self::All(all) = self else { return Asked::Nothing };
        let values = all.iter().filter(|r| r.op == SelectorOp::In);
        if let Some(least) = values.min_by_key(|r| r.values.len()) {
            return Asked::Values(least.key, &least.values);
        }
        let exists = all.iter().find(|r| r.op == SelectorOp::Exists);
        exists.map_or(Asked::Anything, |r| Asked::Key(r.key))
    }

    /// Whether there may be pods that match: of each requirement that lists values, some pod has
    /// one.
    pub fn may_match(&self, labels: &LabelSets) -> bool {
        let Self::All(all) = self else { return false };
        let listing = all.iter().filter(|r| r.op == SelectorOp::In);
        listing.map(|r| &r.values).all(|values| values.iter().any(|value| labels.knows(value)))
    }

    /// Matches everything.
    pub fn everything() -> Self {
        Self::All(Box::default())
    }

    /// Compiles a selector; an absent one matches nothing, an empty one everything.
    ///
    /// # Errors
    /// The selector cannot be parsed.
    pub fn compile(
        of: Option<&LabelSelector>,
        symbols: &mut Symbols,
    ) -> Result<Self, LabelSelectorError> {
        Self::compile_by(of, &mut |text| symbols.intern(text))
    }

    /// As [`LabelMatcher::compile`], without interning: a key that has no symbol is [`Sym::NONE`],
    /// which no pod carries. Good for as long as no symbol is added, so for one cycle.
    ///
    /// # Errors
    /// The selector cannot be parsed.
    pub fn compile_known(
        of: Option<&LabelSelector>,
        symbols: &Symbols,
    ) -> Result<Self, LabelSelectorError> {
        Self::compile_by(of, &mut |text| symbols.get(text).unwrap_or(Sym::NONE))
    }

    fn compile_by(
        of: Option<&LabelSelector>,
        sym: &mut impl FnMut(&str) -> Sym,
    ) -> Result<Self, LabelSelectorError> {
        let Some(of) = of else { return Ok(Self::Nothing) };
        let labels = of.match_labels.iter().map(|(key, value)| {
            let of = Requirement {
                key: key.into(),
                op: SelectorOp::In,
                values: Box::new([value.into()]),
            };
            check(&of).map(|()| of)
        });
        let expressions = of.match_expressions.iter().map(|r| check(r).map(|()| r.clone()));
        let all: Result<Box<[_]>, _> = labels
            .chain(expressions)
            .map(|r| r.map(|r| LabelRequirement::compile(r, sym)))
            .collect();
        all.map(Self::All)
    }

    /// The selector that asks for these labels and whatever `self` asks for; one that matches
    /// nothing stays as it is. Nothing is validated (`labels.SelectorFromSet`, `Selector.Add`).
    #[must_use]
    pub fn with_labels<'a>(self, labels: impl IntoIterator<Item = (Sym, &'a str)>) -> Self {
        let Self::All(own) = self else { return self };
        let equals = |(key, value): (Sym, &str)| LabelRequirement {
            key,
            op: SelectorOp::In,
            values: Box::new([value.into()]),
        };
        Self::All(labels.into_iter().map(equals).chain(own).collect())
    }

    /// Both selectors' requirements; one that matches nothing has none to add
    /// (`Selector.Requirements`).
    #[must_use]
    pub fn with_requirements(self, other: Self) -> Self {
        match (self, other) {
            (Self::All(own), Self::All(more)) => Self::All(own.into_iter().chain(more).collect()),
            (own, _) => own,
        }
    }

    /// Whether it asks for nothing, and so matches everything (`Selector.Empty`).
    pub fn is_empty(&self) -> bool {
        matches!(self, Self::All(all) if all.is_empty())
    }

    /// Whether a pod with the labels `set` matches.
    pub fn matches(&self, labels: &LabelSets, set: LabelSetIdx) -> bool {
        self.matches_by(|key| labels.get(set, key))
    }

    /// Whether labels in texts match; absent ones count as none.
    pub fn matches_texts(&self, labels: Option<&StringMap>, symbols: &Symbols) -> bool {
        // A key without a symbol is of a selector that was compiled without interning; no text
        // is behind it, so such a selector is not for texts.
        self.matches_by(|key| labels?.get(symbols.text(key)))
    }

    fn matches_by<'a>(&self, value: impl Fn(Sym) -> Option<&'a str>) -> bool {
        match self {
            Self::Nothing => false,
            Self::All(all) => all.iter().all(|r| r.holds(value(r.key))),
        }
    }
}

impl LabelRequirement {
    fn compile(of: Requirement, sym: &mut impl FnMut(&str) -> Sym) -> Self {
        let Requirement { key, op, mut values } = of;
        values.sort_unstable();
        Self { key: sym(&key), op, values }
    }

    fn holds(&self, value: Option<&str>) -> bool {
        let listed = |value: &str| match self.values.len() {
            0..=8 => self.values.iter().any(|v| v.as_ref() == value),
            _ => self.values.binary_search_by(|v| v.as_ref().cmp(value)).is_ok(),
        };
        match self.op {
            SelectorOp::In => value.is_some_and(listed),
            SelectorOp::NotIn => value.is_none_or(|value| !listed(value)),
            SelectorOp::Exists => value.is_some(),
            SelectorOp::DoesNotExist => value.is_none(),
            SelectorOp::Gt | SelectorOp::Lt | SelectorOp::Unknown => false,
        }
    }
}

/// `labels.NewRequirement`, for the operators of label selectors.
fn check(of: &Requirement) -> Result<(), LabelSelectorError> {
    let known = matches!(
        of.op,
        SelectorOp::In | SelectorOp::NotIn | SelectorOp::Exists | SelectorOp::DoesNotExist
    );
    if !known {
        return Err(LabelSelectorError::Operator { key: of.key.clone() });
    }
    if !is_label_key(&of.key) {
        return Err(LabelSelectorError::Key { key: of.key.clone() });
    }
    match of.op {
        SelectorOp::In | SelectorOp::NotIn if of.values.is_empty() => {
            return Err(LabelSelectorError::NoValues);
        }
        SelectorOp::Exists | SelectorOp::DoesNotExist if !of.values.is_empty() => {
            return Err(LabelSelectorError::Values(of.values.to_vec()));
        }
        _ => {}
    }
    match of.values.iter().position(|v| !is_label_value(v)) {
        None => Ok(()),
        Some(at) => Err(LabelSelectorError::Value {
            at,
            key: of.key.clone(),
            value: of.values.get(at).cloned().unwrap_or_default(),
        }),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn selector(
        labels: &[(&str, &str)],
        expressions: &[(&str, SelectorOp, &[&str])],
    ) -> LabelSelector {
        let requirement = |(key, op, values): &(&str, SelectorOp, &[&str])| Requirement {
            key: (*key).into(),
            op: *op,
            values: values.iter().map(|v| (*v).into()).collect(),
        };
        LabelSelector {
            match_labels: labels.iter().copied().collect(),
            match_expressions: expressions.iter().map(requirement).collect(),
        }
    }

    #[test]
    fn selectors_match_as_in_the_reference() {
        use SelectorOp::{DoesNotExist, Exists, In, NotIn};
        let (mut symbols, mut sets) =
            (Symbols::default(), LabelSets::new(crate::base::HashKey::PUBLIC));
        let map: StringMap = [("app", "web"), ("tier", "")].into_iter().collect();
        let set = sets.acquire(&map, &mut symbols);
        for (of, matches) in [
            (None, false),
            (Some(selector(&[], &[])), true),
            (Some(selector(&[("app", "web")], &[])), true),
            (Some(selector(&[("app", "db")], &[])), false),
            (Some(selector(&[("tier", "")], &[])), true),
            (Some(selector(&[("absent", "")], &[])), false),
            (Some(selector(&[("app", "web")], &[("app", NotIn, &["web"])])), false),
            (Some(selector(&[], &[("app", In, &["db", "web"])])), true),
            (Some(selector(&[], &[("absent", In, &["web"])])), false),
            (Some(selector(&[], &[("app", NotIn, &["db"])])), true),
            (Some(selector(&[], &[("absent", NotIn, &["db"])])), true),
            (Some(selector(&[], &[("tier", Exists, &[])])), true),
            (Some(selector(&[], &[("absent", Exists, &[])])), false),
            (Some(selector(&[], &[("tier", DoesNotExist, &[])])), false),
            (Some(selector(&[], &[("absent", DoesNotExist, &[])])), true),
        ] {
            let known = LabelMatcher::compile_known(of.as_ref(), &symbols).unwrap();
            assert_eq!(known.matches(&sets, set), matches, "{of:?}");
            let full = LabelMatcher::compile(of.as_ref(), &mut symbols).unwrap();
            assert_eq!(full.matches(&sets, set), matches, "{of:?}");
            assert_eq!(full.matches_texts(Some(&map), &symbols), matches, "{of:?}");
        }
        let not = Some(selector(&[], &[("team", NotIn, &["a"])]));
        let not = LabelMatcher::compile(not.as_ref(), &mut symbols).unwrap();
        assert!(not.matches_texts(None, &symbols));
    }

    #[test]
    fn values_are_found_among_many() {
        let (mut symbols, mut sets) =
            (Symbols::default(), LabelSets::new(crate::base::HashKey::PUBLIC));
        let values: Vec<String> = (0..40).map(|v| ((v * 7 + 3) % 40 * 2).to_string()).collect();
        for count in [1, 8, 9, 40] {
            let values: Vec<&str> = values.iter().take(count).map(String::as_str).collect();
            let of = |op| Some(selector(&[], &[("n", op, &values)]));
            let [is_in, not_in] = [of(SelectorOp::In), of(SelectorOp::NotIn)]
                .map(|of| LabelMatcher::compile(of.as_ref(), &mut symbols).unwrap());
            for number in 0..80 {
                let number = number.to_string();
                let map: StringMap = [("n", number.as_str())].into_iter().collect();
                let set = sets.acquire(&map, &mut symbols);
                let listed = values.contains(&number.as_str());
                assert_eq!(is_in.matches(&sets, set), listed, "{number} in {values:?}");
                assert_eq!(not_in.matches(&sets, set), !listed, "{number} not in {values:?}");
            }
        }
    }

    #[test]
    fn unsound_selectors_are_errors() {
        use SelectorOp::{Exists, Gt, In, Unknown};
        let symbols = Symbols::default();
        for (of, text) in [
            (selector(&[("a b", "c")], &[]), "key: Invalid value: \"a b\""),
            (selector(&[("a", "b c")], &[]), "values[0][a]: Invalid value: \"b c\": a valid label"),
            (selector(&[], &[("a", In, &["b", "c,d"])]), "values[1][a]: Invalid value: \"c,d\""),
            (selector(&[], &[("a", In, &[])]), "values: Invalid value: []: for 'in'"),
            (selector(&[], &[("a", Exists, &["b"])]), "values: Invalid value: [\"b\"]: values set"),
            (selector(&[], &[("a", Gt, &["1"])]), "requirement on \"a\""),
            (selector(&[], &[("a", Unknown, &[])]), "requirement on \"a\""),
        ] {
            let error = LabelMatcher::compile_known(Some(&of), &symbols).unwrap_err().to_string();
            assert!(error.starts_with(text), "{error}");
        }
    }

    #[test]
    fn selectors_are_added_up() {
        let (mut symbols, mut sets) =
            (Symbols::default(), LabelSets::new(crate::base::HashKey::PUBLIC));
        let set = |labels: &[(&str, &str)], sets: &mut LabelSets, symbols: &mut Symbols| {
            sets.acquire(&labels.iter().copied().collect(), symbols)
        };
        let both = set(&[("app", "web"), ("hash", "1")], &mut sets, &mut symbols);
        let other = set(&[("app", "web"), ("hash", "2")], &mut sets, &mut symbols);
        let hash = symbols.get("hash").unwrap();
        let app = selector(&[("app", "web")], &[]);
        let app = LabelMatcher::compile_known(Some(&app), &symbols).unwrap();
        for narrowed in [
            app.clone().with_labels([(hash, "1")]),
            app.with_requirements(LabelMatcher::everything().with_labels([(hash, "1")])),
        ] {
            assert!(narrowed.matches(&sets, both) && !narrowed.matches(&sets, other));
        }
        assert_eq!(LabelMatcher::Nothing.with_labels([(hash, "1")]), LabelMatcher::Nothing);
        let everything = LabelMatcher::everything().with_requirements(LabelMatcher::Nothing);
        assert!(everything.is_empty() && !LabelMatcher::Nothing.is_empty());
    }
}
