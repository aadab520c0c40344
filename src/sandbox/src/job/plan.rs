//! What to do about a Job, from its spec and what is known of its pods. Pure.

use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;

use super::tracked::Tracked;
use crate::store::Object;
use crate::timer::later;

/// Where the Job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Running,
    Suspended,
    Complete,
    /// Reason and message of the conditions; Failed once the last pod has ended.
    Failing(&'static str, &'static str),
}

/// Pods made in one sync (`MaxPodCreateDeletePerSync`). Their own events bring the next sync
/// within 20 ms, so up to 25,000 a second.
const CREATED_MAX: usize = 500;

/// What to do, and what to say in the status.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) verdict: Verdict,
    /// One entry per pod to make, with its index in an Indexed Job.
    pub(super) create: Vec<Option<u32>>,
    /// Keys of pods to delete.
    pub(super) delete: Vec<String>,
    pub(super) look_again: Option<Instant>,
}

impl Plan {
    pub(super) fn of(object: &Object, job: &mut Tracked, now: Instant) -> Self {
        job.resize(object);
        let spec = &object.value["spec"];
        let mut plan = Self {
            verdict: Verdict::Running,
            create: Vec::new(),
            delete: Vec::new(),
            look_again: None,
        };
        if spec["suspend"] == Value::Bool(true) {
            job.running_since = None;
        } else {
            job.running_since.get_or_insert(now);
        }
        plan.verdict = verdict(&object.value, job, now, &mut plan.look_again);
        match plan.verdict {
            Verdict::Running => plan.settle(spec, job, now),
            _ => plan.delete = some_active(job, usize::MAX),
        }
        plan
    }

    /// Makes pods, or deletes some, until as many are active as wanted.
    fn settle(&mut self, spec: &Value, job: &Tracked, now: Instant) {
        let parallelism = spec["parallelism"].as_u64().unwrap_or(1);
        let wanted = match spec["completions"].as_u64() {
            Some(completions) => parallelism.min(completions.saturating_sub(job.succeeded)),
            // A work queue whose first success means that no new pods are needed.
            None if job.succeeded > 0 => job.active.min(parallelism),
            None => parallelism,
        };
        if job.active > wanted {
            let surplus = usize::try_from(job.active - wanted).unwrap_or(usize::MAX);
            self.delete = some_active(job, surplus);
            return;
        }
        let waits_for_end = spec["podReplacementPolicy"] == "Failed";
        let taken = job.active + if waits_for_end { job.terminating } else { 0 };
        let missing = usize::try_from(wanted.saturating_sub(taken)).unwrap_or(usize::MAX);
        let missing = missing.min(CREATED_MAX);
        if missing == 0 {
            return;
        }
        if let Some(until) = job.backoff_until.filter(|until| *until > now) {
            self.look_again = Some(self.look_again.map_or(until, |at| at.min(until)));
            return;
        }
        self.create = if spec["completionMode"] == "Indexed" {
            job.free_indexes.iter().take(missing).copied().map(Some).collect()
        } else {
            vec![None; missing]
        };
    }
}

fn verdict(
    value: &Value,
    job: &Tracked,
    now: Instant,
    look_again: &mut Option<Instant>,
) -> Verdict {
    let spec = &value["spec"];
    let failing = value["status"]["conditions"].as_array().into_iter().flatten();
    if let Some(condition) = failing.into_iter().find(|c| c["type"] == "FailureTarget") {
        return if condition["reason"] == "DeadlineExceeded" { DEADLINE } else { BACKOFF };
    }
    let limit = spec["backoffLimit"].as_u64().unwrap_or(6);
    if job.failures(value) > limit {
        return BACKOFF;
    }
    let complete = match spec["completions"].as_u64() {
        Some(completions) => job.succeeded >= completions,
        None => job.succeeded > 0 && job.active == 0,
    };
    if complete {
        return Verdict::Complete;
    }
    if spec["suspend"] == Value::Bool(true) {
        return Verdict::Suspended;
    }
    let deadline = spec["activeDeadlineSeconds"].as_u64().map(Duration::from_secs);
    if let (Some(deadline), Some(since)) = (deadline, job.running_since) {
        let ends = later(since, deadline);
        if ends <= now {
            return DEADLINE;
        }
        *look_again = Some(ends);
    }
    Verdict::Running
}

const BACKOFF: Verdict =
    Verdict::Failing("BackoffLimitExceeded", "Job has reached the specified backoff limit");
const DEADLINE: Verdict =
    Verdict::Failing("DeadlineExceeded", "Job was active longer than specified deadline");

/// Keys of up to `n` active pods; of an Indexed Job those with the highest indexes first.
fn some_active(job: &Tracked, n: usize) -> Vec<String> {
    let mut active: Vec<_> = job.pods.iter().filter(|(_, p)| p.is_active()).collect();
    active.sort_by_key(|(key, pod)| (std::cmp::Reverse(pod.index), key.as_str()));
    active.into_iter().take(n).map(|(key, _)| key.clone()).collect()
}
