//! One event: what it says and how it is written.

use berth_engine::record::ObjectKey;
use berth_engine::{PodEvent, PodName};
use jiff::Timestamp;
use serde_json::json;

use super::wire;
use crate::client::protobuf::{self, ObjectMeta, ObjectReference};

/// Longest `note` (`validation.NoteLengthLimit`), in bytes.
const NOTE_MAX: usize = 1024;

/// Longest `reportingInstance` (`validation.ReportingInstanceLengthLimit`), in bytes.
const INSTANCE_MAX: usize = 128;

/// Longest name of an object, in bytes (RFC 1123 subdomain).
const NAME_MAX: usize = 253;

/// What an event is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Regarding {
    /// `v1`, `batch/v1`.
    pub api_version: Box<str>,
    /// `Pod`, `ConfigMap`, `Job`.
    pub kind: Box<str>,
    /// Namespace and name.
    pub key: ObjectKey,
    /// `metadata.uid`; empty where it is not known. `kubectl describe` asks for events by it.
    pub uid: Box<str>,
}

impl From<PodName> for Regarding {
    fn from(pod: PodName) -> Self {
        Self { api_version: "v1".into(), kind: "Pod".into(), key: pod.key, uid: pod.uid }
    }
}

/// What an event says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// `type`: `Normal` or `Warning`.
    pub kind: &'static str,
    /// Why, in a word.
    pub reason: &'static str,
    /// What was done, in a word.
    pub action: &'static str,
    /// Text for people; cut to 1,024 bytes when it is written.
    pub note: String,
}

impl Statement {
    /// A pod's event in kube-scheduler's words.
    pub(super) fn of(pod: &ObjectKey, event: PodEvent) -> Self {
        let (kind, reason, action, note) = match event {
            PodEvent::Scheduled { node, .. } => {
                let note = format!("Successfully assigned {pod} to {node}");
                ("Normal", SCHEDULED, "Binding", note)
            }
            PodEvent::FailedScheduling { note } => {
                ("Warning", FAILED_SCHEDULING, "Scheduling", note)
            }
        };
        Self { kind, reason, action, note }
    }

    /// That so many pods of a controller were placed.
    pub(super) fn placed(pods: u32) -> Self {
        let note = format!("{pods} {} placed", if pods == 1 { "pod" } else { "pods" });
        Self { kind: "Normal", reason: SCHEDULED, action: "Binding", note }
    }
}

const SCHEDULED: &str = "Scheduled";
const FAILED_SCHEDULING: &str = "FailedScheduling";

/// An `events.k8s.io/v1` Event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    regarding: Regarding,
    /// `metadata.name`: the object's name and the time in hexadecimal nanoseconds.
    name: String,
    time: Timestamp,
    controller: Box<str>,
    instance: String,
    pub(super) kind: &'static str,
    pub(super) reason: &'static str,
    pub(super) action: &'static str,
    note: String,
    /// `series.count` and `series.lastObservedTime`.
    series: Option<(u32, Timestamp)>,
}

/// Cuts a note to what the API server takes, as kube-scheduler does (`truncateMessage`): longer
/// than 1,024 bytes becomes at most 1,020 and " ...". A character is never cut in two.
pub fn cut_note(mut note: String) -> String {
    const END: &str = " ...";
    if note.len() > NOTE_MAX {
        note.truncate(note.floor_char_boundary(NOTE_MAX - END.len()));
        note.push_str(END);
    }
    note
}

fn name(pod: &str, time: Timestamp) -> String {
    let stamp = format!(".{:x}", time.as_nanosecond());
    let end = pod.floor_char_boundary(NAME_MAX - stamp.len());
    // A subdomain's labels end with a letter or digit.
    let stem = pod[..end].trim_end_matches(['-', '.']);
    format!("{stem}{stamp}")
}

impl Event {
    /// The event, reported by `controller` (a profile's name) on `hostname`.
    pub fn new(
        regarding: Regarding,
        controller: &str,
        statement: Statement,
        hostname: &str,
        time: Timestamp,
    ) -> Self {
        let mut instance = format!("{controller}-{hostname}");
        instance.truncate(instance.floor_char_boundary(INSTANCE_MAX));
        let Statement { kind, reason, action, note } = statement;
        Self {
            name: name(&regarding.key.name, time),
            regarding,
            time,
            controller: controller.into(),
            instance,
            kind,
            reason,
            action,
            note: cut_note(note),
            series: None,
        }
    }

    /// Whether the event is written by itself each time. A pod is bound at most once: remembering
    /// that would be for nothing, and costs 350,000 entries at 1,000 pods/s. The notes of a
    /// refused configuration differ, and a series shows only the first.
    pub(super) fn stands_alone(&self) -> bool {
        self.reason != FAILED_SCHEDULING
    }

    /// What makes two events the same (`getKey` of client-go's broadcaster): all but note and time.
    /// The instance follows from the controller, and there is no related object.
    pub(super) fn key(&self) -> (Box<str>, &'static str, Box<str>) {
        // The reason tells type and action.
        (self.regarding.uid.clone(), self.reason, self.controller.clone())
    }

    pub(super) fn set_series(&mut self, count: u32, last: Timestamp) {
        self.series = Some((count, last));
    }

    pub(super) fn series(&self) -> Option<(u32, Timestamp)> {
        self.series
    }

    pub(super) fn time(&self) -> Timestamp {
        self.time
    }

    fn namespace(&self) -> &str {
        match &*self.regarding.key.namespace {
            "" => "default",
            namespace => namespace,
        }
    }

    /// Where events of the object's namespace are created.
    pub(super) fn collection(&self) -> String {
        format!("/apis/events.k8s.io/v1/namespaces/{}/events", self.namespace())
    }

    /// Where this event is.
    pub(super) fn path(&self) -> String {
        format!("{}/{}", self.collection(), self.name)
    }

    fn series_value(&self) -> serde_json::Value {
        self.series.map_or(
            serde_json::Value::Null,
            |(count, last)| json!({"count": count, "lastObservedTime": micro(last)}),
        )
    }

    /// The whole event.
    pub(super) fn to_json(&self) -> Vec<u8> {
        let mut event = json!({
            "apiVersion": "events.k8s.io/v1",
            "kind": "Event",
            "metadata": {"name": self.name, "namespace": self.namespace()},
            "eventTime": micro(self.time),
            "reportingController": self.controller,
            "reportingInstance": self.instance,
            "action": self.action,
            "reason": self.reason,
            "regarding": {
                "apiVersion": self.regarding.api_version,
                "kind": self.regarding.kind,
                "namespace": self.regarding.key.namespace,
                "name": self.regarding.key.name,
            },
            "note": self.note,
            "type": self.kind,
        });
        if !self.regarding.uid.is_empty() {
            event["regarding"]["uid"] = json!(self.regarding.uid);
        }
        if self.series.is_some() {
            event["series"] = self.series_value();
        }
        event.to_string().into_bytes()
    }

    /// The whole event in protobuf.
    pub(super) fn to_protobuf(&self) -> Vec<u8> {
        let about = &self.regarding;
        let event = wire::Event {
            metadata: Some(ObjectMeta {
                name: self.name.clone(),
                namespace: self.namespace().to_owned(),
                ..ObjectMeta::default()
            }),
            event_time: Some(self.time.into()),
            series: self.series.map(|(count, last)| wire::EventSeries {
                count: i32::try_from(count).unwrap_or(i32::MAX),
                last_observed_time: Some(last.into()),
            }),
            reporting_controller: self.controller.to_string(),
            reporting_instance: self.instance.clone(),
            action: self.action.to_owned(),
            reason: self.reason.to_owned(),
            regarding: Some(ObjectReference {
                kind: about.kind.to_string(),
                namespace: about.key.namespace.to_string(),
                name: about.key.name.to_string(),
                uid: about.uid.to_string(),
                api_version: about.api_version.to_string(),
            }),
            note: self.note.clone(),
            kind: self.kind.to_owned(),
        };
        protobuf::document("events.k8s.io/v1", "Event", &event)
    }

    /// A patch that counts one more.
    pub(super) fn series_patch(&self) -> Vec<u8> {
        json!({"series": self.series_value()}).to_string().into_bytes()
    }
}

/// `metav1.MicroTime`: RFC 3339 with six digits.
fn micro(time: Timestamp) -> String {
    time.strftime("%FT%T.%6fZ").to_string()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn about_pod(name: &str, event: PodEvent, host: &str) -> Event {
        let pod = PodName { key: ObjectKey::new("ns", name), uid: "u-1".into() };
        let statement = Statement::of(&pod.key, event);
        Event::new(pod.into(), "berth", statement, host, time())
    }

    fn time() -> Timestamp {
        Timestamp::from_nanosecond(784_111_777_123_456_789).unwrap()
    }

    #[test]
    fn scheduled_in_full() {
        let event = PodEvent::Scheduled { node: "n1".into(), controller: None };
        let event = about_pod("p", event, "host");
        let expected = json!({
            "apiVersion": "events.k8s.io/v1", "kind": "Event",
            "metadata": {"name": "p.ae1b8b6f9d25f15", "namespace": "ns"},
            "eventTime": "1994-11-06T08:49:37.123456Z",
            "reportingController": "berth", "reportingInstance": "berth-host",
            "action": "Binding", "reason": "Scheduled", "type": "Normal",
            "regarding": {"apiVersion": "v1", "kind": "Pod", "namespace": "ns", "name": "p",
                "uid": "u-1"},
            "note": "Successfully assigned ns/p to n1",
        });
        let written: serde_json::Value = serde_json::from_slice(&event.to_json()).unwrap();
        assert_eq!(written["metadata"]["name"], format!("p.{:x}", 784_111_777_123_456_789_i64));
        let mut expected = expected;
        expected["metadata"]["name"] = written["metadata"]["name"].clone();
        assert_eq!(written, expected);
        assert_eq!(event.collection(), "/apis/events.k8s.io/v1/namespaces/ns/events");
    }

    #[test]
    fn failed_scheduling_with_a_series() {
        let event = PodEvent::FailedScheduling { note: "0/1 nodes: 100% full".into() };
        let mut event = about_pod("p", event, "host");
        event.set_series(2, time());
        let written: serde_json::Value = serde_json::from_slice(&event.to_json()).unwrap();
        for (field, value) in [
            ("type", "Warning"),
            ("reason", "FailedScheduling"),
            ("action", "Scheduling"),
            ("note", "0/1 nodes: 100% full"),
        ] {
            assert_eq!(written[field], value);
        }
        let series = json!({"count": 2, "lastObservedTime": "1994-11-06T08:49:37.123456Z"});
        assert_eq!(written["series"], series);
        let patch: serde_json::Value = serde_json::from_slice(&event.series_patch()).unwrap();
        assert_eq!(patch, json!({ "series": series }));
    }

    #[test]
    fn an_object_without_a_known_uid() {
        let key = ObjectKey::new("berth-system", "berth-config");
        let regarding =
            Regarding { api_version: "v1".into(), kind: "ConfigMap".into(), key, uid: "".into() };
        let note = "line 3".to_owned();
        let statement =
            Statement { kind: "Warning", reason: "ConfigRejected", action: "Reload", note };
        let event = Event::new(regarding, "berth", statement, "host", time());
        assert!(event.stands_alone());
        let written: serde_json::Value = serde_json::from_slice(&event.to_json()).unwrap();
        let expected = json!({"apiVersion": "v1", "kind": "ConfigMap",
            "namespace": "berth-system", "name": "berth-config"});
        assert_eq!(written["regarding"], expected);
        assert_eq!(event.collection(), "/apis/events.k8s.io/v1/namespaces/berth-system/events");
    }

    #[test]
    fn notes_are_cut_between_characters() {
        let cut = |note: String| cut_note(note).len();
        assert_eq!(cut("x".repeat(1024)), 1024);
        assert_eq!(cut_note("x".repeat(1025)), format!("{} ...", "x".repeat(1020)));
        // "ü" takes two bytes; 1,020 falls between two of them, 1,019 within one.
        assert_eq!(cut("ü".repeat(600)), 1024);
        let odd = cut_note(format!("x{}", "ü".repeat(600)));
        assert_eq!(odd.len(), 1023);
        assert!(odd.ends_with("ü ..."));
    }

    #[test]
    fn names_stay_names() {
        let long = format!("{}.{}", "a".repeat(200), "b".repeat(52));
        let name = name(&long, time());
        assert!(name.len() <= NAME_MAX, "{}", name.len());
        let dotted = format!("{}.{}", "a".repeat(235), "-".repeat(17));
        let name = super::name(&dotted, time());
        assert!(!name.contains("-.") && !name.contains(".."), "{name}");
        let host = "h".repeat(300);
        let event = PodEvent::Scheduled { node: "n".into(), controller: None };
        assert_eq!(about_pod("p", event, &host).instance.len(), 128);
    }
}
