//! What is written: the condition `PodScheduled`, and the node a pod is nominated for.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

/// `PodScheduled=False` with its reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    /// `Unschedulable` or `SchedulerError`.
    pub reason: &'static str,
    /// For people, in full length.
    pub message: String,
    /// `observedGeneration`; 0 leaves it out.
    pub generation: i64,
}

/// What to change in a pod's status.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StatusChange {
    /// A new condition; `None` leaves it.
    pub condition: Option<Condition>,
    /// A new `nominatedNodeName`; `Some(None)` clears it, `None` leaves it.
    pub nominate: Option<Option<Box<str>>>,
}

impl StatusChange {
    /// A condition.
    pub fn condition(reason: &'static str, message: String, generation: i64) -> Self {
        Self { condition: Some(Condition { reason, message, generation }), nominate: None }
    }

    /// A nomination, or the end of one.
    pub fn nominate(node: Option<Box<str>>) -> Self {
        Self { condition: None, nominate: Some(node) }
    }

    /// Takes in a later change.
    pub(super) fn merge(&mut self, later: Self) {
        self.condition = later.condition.or(self.condition.take());
        self.nominate = later.nominate.or(self.nominate.take());
    }

    /// Whether there is nothing to write.
    pub(super) fn is_empty(&self) -> bool {
        self.condition.is_none() && self.nominate.is_none()
    }

    /// A strategic merge patch; conditions merge by their type. `metadata.uid` makes the server
    /// refuse a namesake with 409.
    ///
    /// `flipped` is when the condition became False; `None` leaves the time that is there
    /// (`podutil.UpdatePodCondition` moves it only when the status changes).
    pub(super) fn to_patch(&self, uid: &str, flipped: Option<Timestamp>) -> Vec<u8> {
        let mut status = Map::new();
        if let Some(Condition { reason, message, generation }) = &self.condition {
            let mut condition = json!({
                "type": "PodScheduled",
                "status": "False",
                "reason": reason,
                "message": message,
            });
            if *generation > 0 {
                condition["observedGeneration"] = json!(generation);
            }
            if let Some(time) = flipped {
                // `metav1.Time` has whole seconds.
                condition["lastTransitionTime"] = json!(time.strftime("%FT%TZ").to_string());
            }
            status.insert("conditions".into(), Value::Array(vec![condition]));
        }
        if let Some(node) = &self.nominate {
            status.insert("nominatedNodeName".into(), json!(node));
        }
        json!({"metadata": {"uid": uid}, "status": status}).to_string().into_bytes()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn patch(change: &StatusChange, flipped: Option<i64>) -> Value {
        let flipped = flipped.map(|second| Timestamp::from_second(second).unwrap());
        serde_json::from_slice(&change.to_patch("u", flipped)).unwrap()
    }

    #[test]
    fn later_words_win_field_by_field() {
        let mut change = StatusChange::condition("Unschedulable", "a".into(), 1);
        change.merge(StatusChange::nominate(Some("n".into())));
        change.merge(StatusChange::condition("SchedulerError", "b".into(), 2));
        change.merge(StatusChange::nominate(None));
        let expected = StatusChange {
            condition: Some(Condition {
                reason: "SchedulerError",
                message: "b".into(),
                generation: 2,
            }),
            nominate: Some(None),
        };
        assert_eq!(change, expected);
    }

    #[test]
    fn patches_say_only_what_changes() {
        let condition = StatusChange::condition("Unschedulable", "0/1 nodes \"x\"".into(), 0);
        assert_eq!(
            patch(&condition, Some(784_111_777)),
            json!({"metadata": {"uid": "u"}, "status": {"conditions": [{
                "type": "PodScheduled", "status": "False", "reason": "Unschedulable",
                "message": "0/1 nodes \"x\"", "lastTransitionTime": "1994-11-06T08:49:37Z"}]}})
        );
        let again = patch(&condition, None);
        assert_eq!(again["status"]["conditions"][0].get("lastTransitionTime"), None);
        assert_eq!(
            patch(&StatusChange::nominate(Some("n".into())), None),
            json!({"metadata": {"uid": "u"}, "status": {"nominatedNodeName": "n"}})
        );
        assert_eq!(
            patch(&StatusChange::nominate(None), None),
            json!({"metadata": {"uid": "u"}, "status": {"nominatedNodeName": null}})
        );
    }
}
