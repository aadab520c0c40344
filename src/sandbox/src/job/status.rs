//! A Job's status, written when it changes.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::plan::{Plan, Verdict};
use super::tracked::Tracked;
use crate::object::set_condition;
use crate::registry::{Registry, Target, event};
use crate::resource;
use crate::store::Object;
use crate::timestamp;

/// Has condition Complete or Failed.
pub(super) fn is_finished(job: &Value) -> bool {
    let conditions = job["status"]["conditions"].as_array().into_iter().flatten();
    let mut ends = conditions.filter(|c| c["type"] == "Complete" || c["type"] == "Failed");
    ends.any(|c| c["status"] == "True")
}

/// Writes what is known; also the event of a Job's end.
pub(super) fn write(registry: &Registry, object: &Object, job: &Tracked, plan: &Plan) {
    let target = Target::new(resource::jobs(), object.namespace(), object.name());
    let written = registry.modify(target, |old| {
        if old.uid() != job.uid {
            return Ok(None);
        }
        let mut value = old.value.clone();
        let indexed = value["spec"]["completionMode"] == "Indexed";
        fill(&mut value["status"], job, plan, indexed);
        Ok(Some(value))
    });
    let Ok(written) = written else { return };
    if !is_finished(&object.value) && is_finished(&written.value) {
        let (kind, reason, note) = match plan.verdict {
            Verdict::Failing(reason, note) => ("Warning", reason, note),
            _ => ("Normal", "Completed", "Job completed"),
        };
        event::record(registry, resource::jobs(), &written, kind, reason, note, "job-controller");
    }
}

fn fill(status: &mut Value, job: &Tracked, plan: &Plan, indexed: bool) {
    let Some(fields) = status.as_object_mut() else { return };
    for (field, count) in
        [("active", job.active), ("succeeded", job.succeeded), ("failed", job.failed)]
    {
        if count > 0 {
            fields.insert(field.into(), json!(count));
        } else {
            fields.remove(field);
        }
    }
    fields.insert("ready".into(), json!(job.ready));
    fields.insert("terminating".into(), json!(job.terminating));
    fields.insert("uncountedTerminatedPods".into(), json!({}));
    if indexed && !job.completed_indexes.is_empty() {
        fields.insert("completedIndexes".into(), json!(intervals(&job.completed_indexes)));
    }
    if plan.verdict == Verdict::Suspended {
        fields.remove("startTime");
    } else if !fields.contains_key("startTime") {
        fields.insert("startTime".into(), json!(timestamp::now()));
    }
    conditions(status, job, plan.verdict);
}

fn conditions(status: &mut Value, job: &Tracked, verdict: Verdict) {
    let condition = |kind: &str, truth: &str, reason: &str, message: &str| {
        json!({
            "type": kind, "status": truth, "reason": reason, "message": message,
            "lastProbeTime": timestamp::now(),
        })
    };
    let list = status["conditions"].as_array().map(Vec::as_slice).unwrap_or_default();
    let has =
        |kind: &str, truth: &str| list.iter().any(|c| c["type"] == kind && c["status"] == truth);
    let ended = job.active == 0 && job.terminating == 0;
    let mut wanted = Vec::new();
    match verdict {
        Verdict::Complete => {
            let (reason, message) =
                ("CompletionsReached", "Reached expected number of succeeded pods");
            wanted.push((
                "SuccessCriteriaMet",
                condition("SuccessCriteriaMet", "True", reason, message),
            ));
            if ended {
                status["completionTime"] = json!(timestamp::now());
                wanted.push(("Complete", condition("Complete", "True", reason, message)));
            }
        }
        Verdict::Failing(reason, message) => {
            wanted.push(("FailureTarget", condition("FailureTarget", "True", reason, message)));
            if ended {
                wanted.push(("Failed", condition("Failed", "True", reason, message)));
            }
        }
        Verdict::Suspended => {
            wanted.push((
                "Suspended",
                condition("Suspended", "True", "JobSuspended", "Job suspended"),
            ));
        }
        Verdict::Running if has("Suspended", "True") => {
            let resumed = condition("Suspended", "False", "JobResumed", "Job resumed");
            set_condition(&mut status["conditions"], resumed);
            return;
        }
        Verdict::Running => return,
    }
    for (kind, condition) in wanted {
        let list = status["conditions"].as_array().map(Vec::as_slice).unwrap_or_default();
        if !list.iter().any(|c| c["type"] == kind && c["status"] == "True") {
            set_condition(&mut status["conditions"], condition);
        }
    }
}

/// `1,3-5` of a set.
fn intervals(set: &BTreeSet<u32>) -> String {
    let mut parts: Vec<(u32, u32)> = Vec::new();
    for &index in set {
        match parts.last_mut() {
            Some((_, end)) if *end + 1 == index => *end = index,
            _ => parts.push((index, index)),
        }
    }
    let text = |&(a, b): &(u32, u32)| match b - a {
        0 => a.to_string(),
        1 => format!("{a},{b}"),
        _ => format!("{a}-{b}"),
    };
    parts.iter().map(text).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_as_in_completed_indexes() {
        assert_eq!(intervals(&[1, 3, 4, 5, 7, 8].into()), "1,3-5,7,8");
        assert_eq!(intervals(&BTreeSet::new()), "");
    }
}
