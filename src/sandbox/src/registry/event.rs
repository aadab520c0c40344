//! Events have two API forms and one storage: core/v1, as in kube-apiserver
//! (`pkg/apis/events/v1/conversion.go`).

use serde_json::{Map, Value, json};

use super::{Registry, Target};
use crate::random;
use crate::resource::{self, Resource};
use crate::store::Object;
use crate::timestamp;

/// `events.k8s.io/v1` name, core/v1 name. `source` is an object in both.
const NAMES: &[(&str, &str)] = &[
    ("regarding", "involvedObject"),
    ("note", "message"),
    ("reportingController", "reportingComponent"),
    ("deprecatedSource", "source"),
    ("deprecatedFirstTimestamp", "firstTimestamp"),
    ("deprecatedLastTimestamp", "lastTimestamp"),
    ("deprecatedCount", "count"),
];

fn rename(value: &mut Value, api_version: &str, to_new: bool) {
    let Some(object) = value.as_object_mut() else { return };
    let renamed: Map<String, Value> = std::mem::take(object)
        .into_iter()
        .map(|(field, v)| {
            let found = NAMES.iter().find(|(new, old)| field == if to_new { *old } else { *new });
            match found {
                Some((new, old)) => ((if to_new { *new } else { *old }).to_owned(), v),
                None => (field, v),
            }
        })
        .collect();
    *object = renamed;
    object.insert("apiVersion".into(), json!(api_version));
}

/// From the stored form to `events.k8s.io/v1`.
pub(crate) fn to_new(value: &mut Value) {
    rename(value, "events.k8s.io/v1", true);
}

/// From `events.k8s.io/v1` to the stored form.
pub(crate) fn to_core(value: &mut Value) {
    rename(value, "v1", false);
}

/// Writes an event about an object, as a controller does.
pub(crate) fn record(
    registry: &Registry,
    resource: &Resource,
    object: &Object,
    kind: &str,
    reason: &str,
    note: &str,
    component: &str,
) {
    let now = timestamp::now();
    let namespace = if resource.namespaced { object.namespace() } else { "default" };
    let event = json!({
        "metadata": {"name": format!("{}.{:016x}", object.name(), random::bits())},
        "involvedObject": {
            "apiVersion": resource.api_version(),
            "kind": resource.kind,
            "namespace": object.namespace(),
            "name": object.name(),
            "uid": object.uid(),
            "resourceVersion": object.version.rv.to_string(),
        },
        "type": kind,
        "reason": reason,
        "message": note,
        "source": {"component": component},
        "reportingComponent": component,
        "reportingInstance": "",
        "firstTimestamp": now,
        "lastTimestamp": now,
        "eventTime": null,
        "count": 1,
    });
    // Events are best effort: a namespace on its way out takes none.
    let _ = registry.create(Target::new(resource::events(), namespace, ""), event);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways_give_the_same() {
        let new = json!({
            "apiVersion": "events.k8s.io/v1", "kind": "Event", "note": "Successfully assigned",
            "regarding": {"kind": "Pod"}, "reportingController": "berth", "reason": "Scheduled",
        });
        let mut value = new.clone();
        to_core(&mut value);
        assert_eq!(value["message"], "Successfully assigned");
        assert_eq!(value["involvedObject"]["kind"], "Pod");
        assert_eq!(value["reportingComponent"], "berth");
        to_new(&mut value);
        assert_eq!(value, new);
    }
}
