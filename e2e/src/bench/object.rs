//! Objects made from template files.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde_json::{Map, Value, json};

use super::template::Template;

/// A template file, read once.
#[derive(Debug, Clone)]
pub struct ObjectTemplate {
    path: String,
    template: Template,
    params: Map<String, Value>,
    /// The object, where it is the same for every index.
    constant: Option<Value>,
}

impl ObjectTemplate {
    /// Reads a file; `params` is what the template may name besides `Index` and `Count`.
    ///
    /// # Errors
    /// A file that is missing, or holds what is not understood.
    pub fn load(path: &Path, params: &Map<String, Value>) -> Result<Self> {
        let name = path.display().to_string();
        let text = fs::read_to_string(path).with_context(|| name.clone())?;
        Self::parse(&name, &text, params)
    }

    /// [`Self::load`] of a text; `path` names it in errors.
    ///
    /// # Errors
    /// As there.
    pub fn parse(path: &str, text: &str, params: &Map<String, Value>) -> Result<Self> {
        let template = Template::parse(text).with_context(|| path.to_owned())?;
        let constant = template.is_constant().then(|| document(path, text)).transpose()?;
        Ok(Self { path: path.to_owned(), template, params: params.clone(), constant })
    }

    /// The object of one index of `count`.
    ///
    /// # Errors
    /// A parameter that is missing, or a text that is no object.
    pub fn object(&self, index: usize, count: usize) -> Result<Value> {
        if let Some(constant) = &self.constant {
            return Ok(constant.clone());
        }
        let mut environment = self.params.clone();
        environment.insert("Index".to_owned(), json!(index));
        environment.insert("Count".to_owned(), json!(count));
        let text = self.template.render(&environment).with_context(|| self.path.clone())?;
        document(&self.path, &text)
    }
}

fn document(path: &str, text: &str) -> Result<Value> {
    let object: Value = serde_saphyr::from_str(text).with_context(|| path.to_owned())?;
    ensure!(object.is_object(), "{path}: not an object");
    Ok(object)
}

/// Gives a pod to the scheduler of this name, unless its template names another than the default.
pub fn address(object: &mut Value, scheduler: &str) {
    let named = object["spec"]["schedulerName"].as_str();
    if object["kind"] == "Pod" && matches!(named, None | Some("default-scheduler")) {
        object["spec"]["schedulerName"] = json!(scheduler);
    }
}

/// What an operation creates where it names no node template (`makeBaseNode`).
pub fn base_node(op: usize) -> Value {
    let room = json!({"pods": "110", "cpu": "4", "memory": "32Gi"});
    json!({
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"generateName": format!("node-{op}-")},
        "status": {
            "capacity": room,
            "allocatable": room,
            "conditions": [{"type": "Ready", "status": "True"}],
        },
    })
}

/// What an operation creates where it names no pod template (`makeBasePod`).
pub fn base_pod() -> Value {
    let amount = json!({"cpu": "100m", "memory": "500Mi"});
    json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"generateName": "pod-"},
        "spec": {"containers": [{
            "name": "pause",
            "image": "registry.k8s.io/pause:3.10.2",
            "ports": [{"containerPort": 80}],
            "resources": {"limits": amount, "requests": amount},
        }]},
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn only_pods_of_the_default_scheduler_are_addressed() {
        let scheduler = |mut object: Value| {
            address(&mut object, "berth");
            object["spec"]["schedulerName"].clone()
        };
        assert_eq!(scheduler(base_pod()), "berth");
        let pod = |name: &str| json!({"kind": "Pod", "spec": {"schedulerName": name}});
        assert_eq!(scheduler(pod("default-scheduler")), "berth");
        assert_eq!(scheduler(pod("other")), "other");
        assert_eq!(scheduler(json!({"kind": "Service", "spec": {}})), Value::Null);
    }

    #[test]
    fn an_object_of_an_index() {
        let params = json!({"app": "web"}).as_object().unwrap().clone();
        let text = "kind: Pod\nmetadata: {name: \"{{.app}}-{{.Index}}\"}";
        let template = ObjectTemplate::parse("p", text, &params).unwrap();
        assert_eq!(template.object(3, 9).unwrap()["metadata"]["name"], "web-3");
        let missing = ObjectTemplate::parse("p", text, &Map::new()).unwrap().object(0, 1);
        assert!(format!("{:#}", missing.unwrap_err()).contains(".app"));
        assert!(ObjectTemplate::parse("p", "- a", &params).is_err());
    }
}
