//! What the controller knows of one Job: its pods, and each one's end counted once.
//!
//! ```text
//! active ──Succeeded──▶ counted succeeded          dismissed: deleted by the controller
//!    └────Failed, deleted or terminating──▶ counted failed      itself; never counted
//! ```

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;

use crate::registry::pod::is_ready;
use crate::store::Object;

/// First delay before a failed pod is replaced; doubles up to 128 times this. The real one is
/// 10 s to 10 min, which would make every test of failures wait.
const BACKOFF: Duration = Duration::from_millis(50);
const BACKOFF_DOUBLINGS_MAX: u32 = 7;

/// Restarts counted per container: beyond any backoff limit, and no sum of them overflows.
const RESTARTS_MAX: u64 = u32::MAX as u64;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Succeeded,
    Failed,
}

/// One pod of the Job that exists.
#[derive(Debug)]
pub(super) struct PodView {
    pub(super) index: Option<u32>,
    end: Option<End>,
    pub(super) terminating: bool,
    ready: bool,
    restarts: u64,
    dismissed: bool,
}

impl PodView {
    pub(super) fn is_active(&self) -> bool {
        self.end.is_none() && !self.terminating && !self.dismissed
    }
}

/// A Job being run.
#[derive(Debug)]
pub(super) struct Tracked {
    pub(super) uid: String,
    pub(super) pods: HashMap<String, PodView>,
    pub(super) succeeded: u64,
    pub(super) failed: u64,
    pub(super) completed_indexes: BTreeSet<u32>,
    /// Indexes neither completed nor with an active pod; empty for NonIndexed Jobs.
    pub(super) free_indexes: BTreeSet<u32>,
    /// `spec.completions` that `free_indexes` was made for.
    completions: u32,
    pub(super) active: u64,
    pub(super) ready: u64,
    pub(super) terminating: u64,
    /// Container restarts of the pods that exist, which count under `restartPolicy: OnFailure`.
    pub(super) restarts: u64,
    /// Pods made so far.
    pub(super) made: u64,
    pub(super) synced: Option<Instant>,
    pub(super) sync_set: bool,
    pub(super) expires: Option<Instant>,
    /// No replacement of failed pods before this.
    pub(super) backoff_until: Option<Instant>,
    failures_in_a_row: u32,
    /// When the Job began to run, for `activeDeadlineSeconds`.
    pub(super) running_since: Option<Instant>,
}

impl Tracked {
    pub(super) fn new(job: &Object) -> Self {
        let mut tracked = Self {
            uid: job.uid().to_owned(),
            pods: HashMap::new(),
            succeeded: 0,
            failed: 0,
            completed_indexes: BTreeSet::new(),
            free_indexes: BTreeSet::new(),
            completions: 0,
            active: 0,
            ready: 0,
            terminating: 0,
            restarts: 0,
            made: 0,
            synced: None,
            sync_set: false,
            expires: None,
            backoff_until: None,
            failures_in_a_row: 0,
            running_since: None,
        };
        tracked.resize(job);
        tracked
    }

    /// Follows `spec.completions` of an Indexed Job, which may change with parallelism.
    pub(super) fn resize(&mut self, job: &Object) {
        let spec = &job.value["spec"];
        let indexed = spec["completionMode"] == "Indexed";
        let completions = spec["completions"].as_u64().filter(|_| indexed).unwrap_or(0);
        let completions = u32::try_from(completions).unwrap_or(u32::MAX);
        if completions > self.completions {
            let taken = |i: &u32| self.completed_indexes.contains(i) || self.has_active(*i);
            let new: Vec<u32> = (self.completions..completions).filter(|i| !taken(i)).collect();
            self.free_indexes.extend(new);
        } else if completions < self.completions {
            self.free_indexes.split_off(&completions);
            self.completed_indexes.split_off(&completions);
            self.succeeded = self.completed_indexes.len() as u64;
        }
        self.completions = completions;
    }

    fn has_active(&self, index: u32) -> bool {
        self.pods.values().any(|p| p.index == Some(index) && p.is_active())
    }

    /// Takes in the present state of a pod.
    pub(super) fn observe(&mut self, key: &str, pod: &Object, now: Instant) {
        let value = &pod.value;
        let phase = value["status"]["phase"].as_str().unwrap_or_default();
        let index = value["metadata"]["annotations"]["batch.kubernetes.io/job-completion-index"]
            .as_str()
            .and_then(|i| i.parse().ok());
        let statuses = value["status"]["containerStatuses"].as_array();
        let restarts = statuses
            .into_iter()
            .flatten()
            .filter_map(|s| s["restartCount"].as_u64())
            .map(|n| n.min(RESTARTS_MAX))
            .sum();
        let old = self.take(key);
        let mut view = PodView {
            index,
            end: old.as_ref().and_then(|o| o.end),
            terminating: pod.is_terminating(),
            ready: is_ready(value),
            restarts,
            dismissed: old.is_some_and(|o| o.dismissed),
        };
        let end = match phase {
            "Succeeded" => Some(End::Succeeded),
            "Failed" => Some(End::Failed),
            // As the real controller does without podReplacementPolicy Failed: a pod that
            // someone else deletes has failed.
            _ if view.terminating && !view.dismissed => Some(End::Failed),
            _ => None,
        };
        if view.end.is_none()
            && let Some(end) = end
        {
            view.end = Some(end);
            self.count(&view, end, now);
        }
        self.put(key, view);
    }

    /// A pod is gone.
    pub(super) fn lost(&mut self, key: &str, now: Instant) {
        let Some(view) = self.take(key) else { return };
        if view.end.is_none() && !view.dismissed {
            self.count(&view, End::Failed, now);
        }
        self.free(view.index);
    }

    /// The controller is about to delete a pod for a reason that is not the pod's.
    pub(super) fn dismiss(&mut self, key: &str) {
        if let Some(mut view) = self.take(key) {
            view.dismissed = true;
            self.put(key, view);
        }
    }

    fn count(&mut self, view: &PodView, end: End, now: Instant) {
        match end {
            End::Succeeded => {
                self.failures_in_a_row = 0;
                // Two pods of one index count once.
                if view.index.is_none_or(|i| self.completed_indexes.insert(i)) {
                    self.succeeded += 1;
                }
                if let Some(index) = view.index {
                    self.free_indexes.remove(&index);
                }
            }
            End::Failed => {
                self.failed += 1;
                let doublings = self.failures_in_a_row.min(BACKOFF_DOUBLINGS_MAX);
                self.backoff_until = Some(now + BACKOFF * 2_u32.pow(doublings));
                self.failures_in_a_row += 1;
            }
        }
    }

    /// Removes a pod from the sums.
    fn take(&mut self, key: &str) -> Option<PodView> {
        let view = self.pods.remove(key)?;
        self.active -= u64::from(view.is_active());
        self.ready -= u64::from(view.is_active() && view.ready);
        self.terminating -= u64::from(view.terminating);
        self.restarts -= view.restarts;
        Some(view)
    }

    /// Adds a pod to the sums.
    fn put(&mut self, key: &str, view: PodView) {
        self.active += u64::from(view.is_active());
        self.ready += u64::from(view.is_active() && view.ready);
        self.terminating += u64::from(view.terminating);
        self.restarts += view.restarts;
        let (index, active) = (view.index, view.is_active());
        self.pods.insert(key.to_owned(), view);
        match index {
            Some(index) if active => {
                self.free_indexes.remove(&index);
            }
            _ => self.free(index),
        }
    }

    fn free(&mut self, index: Option<u32>) {
        if let Some(index) = index
            && index < self.completions
            && !self.completed_indexes.contains(&index)
            && !self.has_active(index)
        {
            self.free_indexes.insert(index);
        }
    }

    /// Does the Job count container restarts against its backoff limit?
    pub(super) fn failures(&self, job: &Value) -> u64 {
        let on_failure = job["spec"]["template"]["spec"]["restartPolicy"] == "OnFailure";
        self.failed + if on_failure { self.restarts } else { 0 }
    }
}
