//! The objects of a case: lists taken apart, kinds and fields checked, Jobs made into their pods.

use std::collections::HashSet;

use berth_engine::Input;
use berth_engine::framework::nearest;
use berth_engine::record::PodRecord;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::wrong::Wrong;
use super::{amounts, strict};
use crate::watch::{DecodeError, Kind, decode_object, decode_pod};

/// Most pods that Jobs in `pending` are made into: 100,000 pods take 11 MB, and a slip in
/// `parallelism` ends here.
const PODS_MAX: usize = 100_000;

/// An object and its place in the case.
struct Placed {
    path: String,
    object: Value,
}

/// The cluster of a case. Kinds that the scheduler does not read are left out.
///
/// # Errors
/// The first object that is not right.
pub(super) fn cluster(objects: &[Box<RawValue>]) -> Result<Vec<Input>, Wrong> {
    let mut inputs = Vec::new();
    let mut names = HashSet::new();
    for Placed { path, object } in placed(objects, "objects")? {
        let Some(read) = input(&object, &path)? else { continue };
        inputs.push(read);
        let name = name_of(&object);
        if names.contains(&name) {
            return Err(Wrong::new(&path, format!("{name} is here twice")));
        }
        names.insert(name);
    }
    Ok(inputs)
}

/// One object; `None` where the scheduler does not read its kind.
///
/// # Errors
/// It is not right.
pub(super) fn one(object: &RawValue, path: &str) -> Result<Option<Input>, Wrong> {
    input(&read(object, path)?, path)
}

fn input(object: &Value, path: &str) -> Result<Option<Input>, Wrong> {
    let Some(kind) = kind_of(object, path)? else { return Ok(None) };
    strict::check(kind, object, path)?;
    match kind {
        Kind::Pod => amounts::of_pod(&object["spec"], &format!("{path}.spec"))?,
        Kind::Node => amounts::of_node(object, path)?,
        _ => {}
    }
    match decode_object(object.to_string().as_bytes()) {
        Ok(input) => Ok(Some(input)),
        Err(DecodeError::UnknownKind { .. }) => Ok(None),
        Err(e) => Err(Wrong::new(path, e)),
    }
}

/// The pods to schedule, each with its place.
///
/// # Errors
/// The first that is no pod, no Job, or not right.
pub(super) fn pending(objects: &[Box<RawValue>]) -> Result<Vec<(String, PodRecord)>, Wrong> {
    let mut pods = Vec::new();
    for Placed { path, object } in placed(objects, "pending")? {
        let kind = text(&object, "kind");
        match (text(&object, "apiVersion"), kind) {
            ("v1" | "", "Pod" | "") => {
                strict::check(Kind::Pod, &object, &path)?;
                amounts::of_pod(&object["spec"], &format!("{path}.spec"))?;
                pods.push((path.clone(), pod(&object, &path)?));
            }
            ("batch/v1" | "", "Job") => {
                strict::check_job(&object, &path)?;
                let template = &object["spec"]["template"]["spec"];
                amounts::of_pod(template, &format!("{path}.spec.template.spec"))?;
                for object in of_job(&object, &path, PODS_MAX.saturating_sub(pods.len()))? {
                    pods.push((path.clone(), pod(&object, &path)?));
                }
            }
            _ => {
                let message = format!("is of kind {kind:?}: pods and Jobs of batch/v1 are tried");
                return Err(Wrong::new(&path, message));
            }
        }
    }
    Ok(pods)
}

/// The pod of a case about wake-ups.
///
/// # Errors
/// It is not right.
pub(super) fn one_pod(object: &RawValue) -> Result<PodRecord, Wrong> {
    let object: Value = read(object, "pod")?;
    strict::check(Kind::Pod, &object, "pod")?;
    amounts::of_pod(&object["spec"], "pod.spec")?;
    pod(&object, "pod")
}

/// Kind, namespace and name: `Pod default/a`.
fn name_of(object: &Value) -> String {
    let meta = &object["metadata"];
    let namespace = text(meta, "namespace");
    let slash = if namespace.is_empty() { "" } else { "/" };
    format!("{} {namespace}{slash}{}", text(object, "kind"), text(meta, "name"))
}

fn pod(object: &Value, path: &str) -> Result<PodRecord, Wrong> {
    decode_pod(object.to_string().as_bytes()).map_err(|e| Wrong::new(path, e))
}

fn read(object: &RawValue, path: &str) -> Result<Value, Wrong> {
    serde_json::from_str(object.get()).map_err(|e| Wrong::new(path, e))
}

fn text<'a>(object: &'a Value, field: &str) -> &'a str {
    object[field].as_str().unwrap_or_default()
}

/// The objects of a field, and those of the lists among them.
fn placed(objects: &[Box<RawValue>], field: &str) -> Result<Vec<Placed>, Wrong> {
    let mut all = Vec::with_capacity(objects.len());
    for (i, object) in objects.iter().enumerate() {
        let path = format!("{field}[{i}]");
        let object = read(object, &path)?;
        if !object.is_object() {
            return Err(Wrong::new(&path, "is no object of Kubernetes: a mapping is expected"));
        }
        take_apart(object, path, &mut |path, object| all.push(Placed { path, object }));
    }
    Ok(all)
}

/// Hands over an object, or the items of a list with their places. Items of a `PodList` need no
/// kind of their own; those of a `List` have one.
pub(super) fn take_apart(mut object: Value, path: String, take: &mut dyn FnMut(String, Value)) {
    let kind = text(&object, "kind");
    let Some(of_items) = kind.strip_suffix("List").map(str::to_owned) else {
        return take(path, object);
    };
    let version = object["apiVersion"].clone();
    let Some(items) = object.get_mut("items").and_then(Value::as_array_mut).map(std::mem::take)
    else {
        return;
    };
    for (i, mut item) in items.into_iter().enumerate() {
        if let (Some(fields), false) = (item.as_object_mut(), of_items.is_empty()) {
            fields.entry("kind").or_insert_with(|| of_items.clone().into());
            fields.entry("apiVersion").or_insert_with(|| version.clone());
        }
        take_apart(item, format!("{path}.items[{i}]"), take);
    }
}

/// The kind of an object; `None` for those that the scheduler does not read.
fn kind_of(object: &Value, path: &str) -> Result<Option<Kind>, Wrong> {
    let (version, kind) = (text(object, "apiVersion"), text(object, "kind"));
    if kind.is_empty() || version.is_empty() {
        let field = if kind.is_empty() { "kind" } else { "apiVersion" };
        return Err(Wrong::new(path, format!("{field} is required")));
    }
    if let Some(kind) = Kind::of(version, kind) {
        return Ok(Some(kind));
    }
    let group = version.split_once('/').map_or("", |(group, _)| group);
    let of_group = || Kind::ALL.into_iter().filter(|kind| kind.group() == group);
    if let Some(known) = of_group().find(|known| known.name() == kind) {
        let path = format!("{path}.apiVersion");
        let message = format!("{kind} has no {version:?}: use {}", known.versions().join(" or "));
        return Err(Wrong::new(&path, message));
    }
    if let Some(known) = Kind::ALL.into_iter().find(|known| known.name() == kind) {
        let message = format!("{kind} is of group {:?}, not of {version:?}", known.group());
        return Err(Wrong::new(&format!("{path}.apiVersion"), message));
    }
    match nearest(kind, of_group().map(Kind::name)) {
        Some(name) => {
            let message = format!("there is no {kind:?} in {version:?}: did you mean {name:?}?");
            Err(Wrong::new(&format!("{path}.kind"), message))
        }
        None => Ok(None),
    }
}

/// Whether the scheduler reads objects of this kind.
pub(super) fn is_read(object: &Value) -> bool {
    Kind::of(text(object, "apiVersion"), text(object, "kind")).is_some()
}

/// Where the pods are that an object stands for which no controller has seen: `None` where it
/// stands for none, or they are made already.
pub(super) fn template_of(object: &Value) -> Option<&'static str> {
    if !object["metadata"]["uid"].is_null() {
        return None;
    }
    match text(object, "kind") {
        "CronJob" => Some("spec.jobTemplate.spec.template"),
        "Deployment" | "DaemonSet" | "StatefulSet" | "ReplicaSet" | "ReplicationController" => {
            Some("spec.template")
        }
        "PodTemplate" => Some("template"),
        _ => None,
    }
}

/// The pods that the Job controller makes of a Job at first, at most `most`.
fn of_job(job: &Value, path: &str, most: usize) -> Result<Vec<Value>, Wrong> {
    let spec = &job["spec"];
    let wrong =
        |field: &str, message: &str| Err(Wrong::new(&format!("{path}.spec{field}"), message));
    if spec["suspend"].as_bool() == Some(true) {
        return wrong(".suspend", "the Job is suspended: it has no pods to try");
    }
    if !spec["template"].is_object() {
        return wrong(".template", "required: the pods of the Job");
    }
    let number = |field: &str| spec[field].as_u64();
    let parallelism = number("parallelism").unwrap_or(1);
    let pods =
        number("completions").map_or(parallelism, |completions| completions.min(parallelism));
    let Some(pods) = usize::try_from(pods).ok().filter(|pods| *pods <= most) else {
        return wrong(".parallelism", "more pods than can be tried at once");
    };
    let name = text(&job["metadata"], "name");
    let indexed = spec["completionMode"] == "Indexed";
    let pods = (0..pods).map(|index| {
        let mut pod = spec["template"].clone();
        let meta = &mut pod["metadata"];
        meta["name"] = json!(format!("{name}-{index}"));
        if let Some(namespace) = job["metadata"].get("namespace") {
            meta["namespace"] = namespace.clone();
        }
        let labels = &mut meta["labels"];
        labels["batch.kubernetes.io/job-name"] = json!(name);
        labels["job-name"] = json!(name);
        if let Some(uid) = job["metadata"]["uid"].as_str() {
            labels["batch.kubernetes.io/controller-uid"] = json!(uid);
            labels["controller-uid"] = json!(uid);
        }
        if indexed {
            labels["batch.kubernetes.io/job-completion-index"] = json!(index.to_string());
        }
        pod
    });
    Ok(pods.collect())
}
