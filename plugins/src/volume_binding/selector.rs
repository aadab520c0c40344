//! Label selectors on objects whose labels are kept as text.
//!
//! Source: `LabelSelectorAsSelector` in
//! `staging/src/k8s.io/apimachinery/pkg/apis/meta/v1/helpers.go`.

use berth_engine::model::{is_label_key, is_label_value};
use berth_engine::record::{LabelSelector, Requirement, SelectorOp, StringMap};

/// All that the selector asks for, `matchLabels` as requirements.
pub(super) fn requirements(selector: &LabelSelector) -> impl Iterator<Item = Requirement> {
    let equal = selector.match_labels.iter().map(|(key, value)| Requirement {
        key: key.into(),
        op: SelectorOp::In,
        values: [Box::from(value)].into(),
    });
    equal.chain(selector.match_expressions.iter().cloned())
}

/// A requirement of a selector that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("requirement on {key:?}: its key, operator or values are not valid")]
pub(super) struct BadRequirement {
    key: Box<str>,
}

/// # Errors
/// The selector cannot be read.
pub(super) fn check(selector: &LabelSelector) -> Result<(), BadRequirement> {
    requirements(selector).try_for_each(|r| {
        let values = match r.op {
            SelectorOp::In | SelectorOp::NotIn => !r.values.is_empty(),
            SelectorOp::Exists | SelectorOp::DoesNotExist => r.values.is_empty(),
            SelectorOp::Gt | SelectorOp::Lt | SelectorOp::Unknown => false,
        };
        let sound = values && is_label_key(&r.key) && r.values.iter().all(|v| is_label_value(v));
        if sound {
            return Ok(());
        }
        Err(BadRequirement { key: r.key })
    })
}

/// Whether labels match a selector that can be read.
pub(super) fn matches(selector: &LabelSelector, labels: &StringMap) -> bool {
    requirements(selector).all(|r| {
        let value = labels.get(&r.key);
        let listed = value.is_some_and(|v| r.values.iter().any(|listed| listed.as_ref() == v));
        match r.op {
            SelectorOp::In => listed,
            SelectorOp::NotIn => !listed,
            SelectorOp::Exists => value.is_some(),
            SelectorOp::DoesNotExist => value.is_none(),
            SelectorOp::Gt | SelectorOp::Lt | SelectorOp::Unknown => false,
        }
    })
}
