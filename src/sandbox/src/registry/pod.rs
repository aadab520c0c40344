//! The rules of pods that are more than defaults: priority admission, binding, eviction.

use std::sync::Arc;

use serde_json::{Value, json};

use super::delete::{DeleteOptions, Deleted};
use super::{Registry, Target};
use crate::object::{name_of, set_condition};
use crate::resource::{self, Resource};
use crate::selector::label_selector_matches;
use crate::status::{Result, Status};
use crate::store::{Object, Store};

/// Fills in what admission plugins fill in: the priority of the pod's class (`Priority`).
pub(crate) fn admit(store: &Store, resource: &Resource, value: &mut Value) -> Result<()> {
    if !resource.is_pods() {
        return Ok(());
    }
    let name = value["spec"]["priorityClassName"].as_str().unwrap_or_default().to_owned();
    let classes = resource::priority_classes();
    let class = if name.is_empty() {
        // A handful of classes at most: this is no scan that grows with the cluster.
        let all = store.list(classes, None).1;
        all.into_iter().find(|c| c.value["globalDefault"] == json!(true))
    } else {
        let class = store.get(classes, "", &name);
        if class.is_none() {
            let detail = format!("no PriorityClass with name {name} was found");
            return Err(Status::forbidden(resource, name_of(value), &detail));
        }
        class
    };
    let number = class.as_ref().and_then(|c| c.value["value"].as_i64()).unwrap_or(0);
    let given = value["spec"]["priority"].as_i64();
    if given.is_some_and(|given| given != number) {
        let detail = format!(
            "the integer value of priority ({}) must not be provided in pod spec; priority \
             admission controller computed {number} from the given PriorityClass name",
            given.unwrap_or(0)
        );
        return Err(Status::forbidden(resource, name_of(value), &detail));
    }
    value["spec"]["priority"] = json!(number);
    if let Some(class) = class {
        value["spec"]["priorityClassName"] = json!(class.name());
    }
    let policy = || class_policy(store, value["spec"]["priorityClassName"].as_str());
    if value["spec"]["preemptionPolicy"].is_null() {
        value["spec"]["preemptionPolicy"] = json!(policy());
    }
    Ok(())
}

fn class_policy(store: &Store, class: Option<&str>) -> String {
    let class = class.and_then(|name| store.get(resource::priority_classes(), "", name));
    let policy = class.and_then(|c| c.value["preemptionPolicy"].as_str().map(str::to_owned));
    policy.unwrap_or_else(|| "PreemptLowerPriority".to_owned())
}

impl Registry {
    /// `POST pods/{name}/binding`, by the rules of `BindingREST.setPodHostAndAnnotations`.
    pub(crate) fn bind(&self, target: Target<'_>, binding: &Value) -> Result<Arc<Object>> {
        let pods = resource::pods();
        let node = binding.pointer("/target/name").and_then(Value::as_str).unwrap_or_default();
        let kind = binding.pointer("/target/kind").and_then(Value::as_str).unwrap_or_default();
        if node.is_empty() || !matches!(kind, "" | "Node") {
            let field = if node.is_empty() { "target.name" } else { "target.kind" };
            let error = crate::status::FieldError::required(field, "must name a Node");
            return Err(Status::invalid(pods, target.name, &[error]));
        }
        let text = |pointer| binding.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        let (uid, rv) = (text("/metadata/uid"), text("/metadata/resourceVersion"));
        let stale = |detail: &str| Err(Status::conflict(pods, target.name, detail));
        let conflict = |detail: &str| {
            let mut status = Status::conflict(pods, target.name, detail);
            // The real server names the subresource in all but failed preconditions.
            status.message = status.message.replacen("on pods ", "on pods/binding ", 1);
            status.details["kind"] = json!("pods/binding");
            Err(status)
        };
        self.modify(target, |old| {
            if !uid.is_empty() && uid != old.uid() {
                return stale(&format!(
                    "Precondition failed: UID in precondition: {uid}, UID in object meta: {}",
                    old.uid()
                ));
            }
            if !rv.is_empty() && rv != old.version.rv.to_string() {
                return stale(&format!(
                    "Precondition failed: ResourceVersion in precondition: {rv}, ResourceVersion \
                     in object meta: {}",
                    old.version.rv
                ));
            }
            if old.is_terminating() {
                let detail =
                    format!("pod {} is being deleted, cannot be assigned to a host", target.name);
                return conflict(&detail);
            }
            let bound = old.value["spec"]["nodeName"].as_str().unwrap_or_default();
            if !bound.is_empty() {
                return conflict(&format!(
                    "pod {} is already assigned to node {bound:?}",
                    target.name
                ));
            }
            if old.value["spec"]["schedulingGates"].as_array().is_some_and(|g| !g.is_empty()) {
                return conflict(&format!(
                    "pod {} has non-empty .spec.schedulingGates",
                    target.name
                ));
            }
            Ok(Some(self.bound_to(old, node, binding)))
        })
    }

    /// `POST pods/{name}/eviction`: deletes unless a PodDisruptionBudget forbids.
    pub(crate) fn evict(&self, target: Target<'_>, options: &DeleteOptions) -> Result<Deleted> {
        let pod = self.get(target)?;
        let pending = pod.value["status"]["phase"] == json!("Pending");
        if !pending && !pod.is_terminating() {
            self.check_budgets(&pod)?;
        }
        self.delete(target, options)
    }

    fn check_budgets(&self, pod: &Object) -> Result<()> {
        let budgets = self.store.list(resource::disruption_budgets(), Some(pod.namespace())).1;
        for budget in &budgets {
            let selector = &budget.value["spec"]["selector"];
            if label_selector_matches(selector, &pod.version)
                && self.health(budget).disruptions_allowed() < 1
            {
                let mut status = Status::new(
                    429,
                    "TooManyRequests",
                    "Cannot evict pod as it would violate the pod's disruption budget.",
                );
                let message =
                    format!("The disruption budget {} needs more healthy pods", budget.name());
                status.details =
                    json!({"causes": [{"reason": "DisruptionBudget", "message": message}]});
                return Err(status);
            }
        }
        Ok(())
    }

    /// The pods under a budget, and how many of them it wants healthy.
    pub(crate) fn health(&self, budget: &Object) -> Health {
        let selector = &budget.value["spec"]["selector"];
        let pods = self.store.list(resource::pods(), Some(budget.namespace())).1;
        let ended = |p: &Object| {
            matches!(p.value["status"]["phase"].as_str(), Some("Succeeded" | "Failed"))
        };
        let (mut expected, mut healthy) = (0, 0);
        for pod in pods.iter().filter(|p| label_selector_matches(selector, &p.version)) {
            expected += i64::from(!ended(pod));
            healthy += i64::from(is_ready(&pod.value) && !pod.is_terminating());
        }
        let spec = &budget.value["spec"];
        let desired = match (&spec["minAvailable"], &spec["maxUnavailable"]) {
            (Value::Null, Value::Null) => 1,
            (Value::Null, max) => expected.saturating_sub(share(max, expected)),
            (min, _) => share(min, expected),
        };
        Health { expected, healthy, desired }
    }
}

/// What a PodDisruptionBudget sees of its pods.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Health {
    pub(crate) expected: i64,
    pub(crate) healthy: i64,
    pub(crate) desired: i64,
}

impl Health {
    /// Pods that may go now.
    pub(crate) fn disruptions_allowed(self) -> i64 {
        self.healthy.saturating_sub(self.desired).max(0)
    }
}

/// An int-or-percent of a total; percents round up (`GetScaledValueFromIntOrPercent`).
fn share(value: &Value, total: i64) -> i64 {
    let percent =
        value.as_str().and_then(|s| s.strip_suffix('%')).and_then(|p| p.parse::<i64>().ok());
    match percent {
        Some(percent) => total.saturating_mul(percent).saturating_add(99) / 100,
        None => value.as_i64().unwrap_or(0),
    }
}

/// Has condition Ready=True.
pub(crate) fn is_ready(pod: &Value) -> bool {
    let conditions = pod.pointer("/status/conditions").and_then(Value::as_array);
    conditions.into_iter().flatten().any(|c| c["type"] == "Ready" && c["status"] == "True")
}

/// Labels a pod takes over from its node (the `PodTopologyLabels` admission plugin).
const TOPOLOGY_LABELS: [&str; 2] = ["topology.kubernetes.io/zone", "topology.kubernetes.io/region"];

impl Registry {
    fn bound_to(&self, old: &Object, node: &str, binding: &Value) -> Value {
        let mut value = old.value.clone();
        value["spec"]["nodeName"] = json!(node);
        let object = self.store.get(resource::nodes(), "", node);
        for key in TOPOLOGY_LABELS {
            if let Some(label) = object.as_ref().and_then(|node| node.version.label(key)) {
                value["metadata"]["labels"][key] = json!(label);
            }
        }
        // The real server copies the binding's labels and annotations onto the pod.
        for field in ["labels", "annotations"] {
            for (k, v) in binding["metadata"][field].as_object().into_iter().flatten() {
                value["metadata"][field][k] = v.clone();
            }
        }
        let condition = json!({"type": "PodScheduled", "status": "True", "lastProbeTime": null});
        let status = &mut value["status"];
        set_condition(&mut status["conditions"], condition);
        if let Some(status) = status.as_object_mut() {
            status.remove("nominatedNodeName");
        }
        value
    }
}
