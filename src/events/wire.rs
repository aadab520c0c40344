//! `events.k8s.io/v1` in protobuf, as far as it is written.

use jiff::Timestamp;

use crate::client::protobuf::{ObjectMeta, ObjectReference};

/// `events.k8s.io/v1.Event`.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Event {
    #[prost(message, optional, tag = "1")]
    pub(super) metadata: Option<ObjectMeta>,
    #[prost(message, optional, tag = "2")]
    pub(super) event_time: Option<MicroTime>,
    #[prost(message, optional, tag = "3")]
    pub(super) series: Option<EventSeries>,
    #[prost(string, tag = "4")]
    pub(super) reporting_controller: String,
    #[prost(string, tag = "5")]
    pub(super) reporting_instance: String,
    #[prost(string, tag = "6")]
    pub(super) action: String,
    #[prost(string, tag = "7")]
    pub(super) reason: String,
    #[prost(message, optional, tag = "8")]
    pub(super) regarding: Option<ObjectReference>,
    #[prost(string, tag = "10")]
    pub(super) note: String,
    #[prost(string, tag = "11")]
    pub(super) kind: String,
}

/// `events.k8s.io/v1.EventSeries`.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub(super) struct EventSeries {
    #[prost(int32, tag = "1")]
    pub(super) count: i32,
    #[prost(message, optional, tag = "2")]
    pub(super) last_observed_time: Option<MicroTime>,
}

/// `metav1.MicroTime`: Go writes whole microseconds and reads no others.
#[derive(Clone, Copy, PartialEq, Eq, prost::Message)]
pub(super) struct MicroTime {
    #[prost(int64, tag = "1")]
    seconds: i64,
    #[prost(int32, tag = "2")]
    nanos: i32,
}

impl From<Timestamp> for MicroTime {
    fn from(time: Timestamp) -> Self {
        let micros = time.subsec_nanosecond() / 1_000;
        Self { seconds: time.as_second(), nanos: micros * 1_000 }
    }
}
