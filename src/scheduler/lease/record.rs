//! The fields of a Lease: client-go's `LeaderElectionRecord`.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

/// `leaseDurationSeconds` where the Lease has none: kube-scheduler's default.
pub(super) const DURATION_DEFAULT: i64 = 15;

/// `coordination.k8s.io/v1.LeaseSpec`, as far as it is read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Record {
    /// Empty or absent where nobody holds it.
    pub(super) holder_identity: Option<String>,
    pub(super) lease_duration_seconds: Option<i64>,
    pub(super) acquire_time: Option<Timestamp>,
    pub(super) renew_time: Option<Timestamp>,
    /// How often it went from one holder to another.
    pub(super) lease_transitions: Option<i64>,
}

impl Record {
    /// Of a Lease object.
    pub(super) fn of(lease: &Value) -> Result<Self, serde_json::Error> {
        match &lease["spec"] {
            Value::Null => Ok(Self::default()),
            spec => Self::deserialize(spec),
        }
    }

    /// Who holds it, if anybody.
    pub(super) fn holder(&self) -> Option<&str> {
        self.holder_identity.as_deref().filter(|name| !name.is_empty())
    }

    /// For how long a renewal holds.
    pub(super) fn duration_seconds(&self) -> u64 {
        let seconds = self.lease_duration_seconds.filter(|s| *s > 0).unwrap_or(DURATION_DEFAULT);
        seconds.unsigned_abs()
    }

    /// Puts the fields into a Lease object and leaves the rest of it as it is.
    pub(super) fn put(&self, lease: &mut Value) {
        let time = |time: Option<Timestamp>| time.map(micro);
        let fields = [
            ("holderIdentity", json!(self.holder_identity)),
            ("leaseDurationSeconds", json!(self.lease_duration_seconds)),
            ("acquireTime", json!(time(self.acquire_time))),
            ("renewTime", json!(time(self.renew_time))),
            ("leaseTransitions", json!(self.lease_transitions)),
        ];
        if !lease["spec"].is_object() {
            lease["spec"] = json!({});
        }
        for (name, value) in fields {
            lease["spec"][name] = value;
        }
    }
}

/// `metav1.MicroTime`.
fn micro(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%S.%6fZ").to_string()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn fields_are_written_as_they_are_read_and_the_rest_stays() {
        let mut lease = json!({
            "metadata": {"name": "berth-x", "resourceVersion": "7"},
            "spec": {"holderIdentity": "a_1", "leaseDurationSeconds": 15, "strategy": "s",
                     "acquireTime": "2026-01-02T03:04:05.000000Z",
                     "renewTime": "2026-01-02T03:04:06.123456Z", "leaseTransitions": 3},
        });
        let before = lease.clone();
        let record = Record::of(&lease).unwrap();
        assert_eq!((record.holder(), record.duration_seconds()), (Some("a_1"), 15));
        record.put(&mut lease);
        assert_eq!(lease, before);
    }

    #[test]
    fn a_lease_without_fields_is_nobodys() {
        for lease in [json!({}), json!({"spec": null}), json!({"spec": {"holderIdentity": ""}})] {
            let record = Record::of(&lease).unwrap();
            assert_eq!((record.holder(), record.duration_seconds()), (None, 15), "{lease}");
        }
        assert!(Record::of(&json!({"spec": {"renewTime": "yesterday"}})).is_err());
    }
}
