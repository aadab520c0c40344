//! The Job controller (`pkg/controller/job`): makes pods, counts how they end, writes status.
//! Event driven: a change of a pod touches its Job's counts only. What is known of a Job is in
//! `job/tracked.rs`, the decision in `job/plan.rs`, pods and status in `job/{pods,status}.rs`.

mod plan;
mod pods;
mod status;
mod tracked;

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;

use crate::api::Apiserver;
use crate::informer::Informer;
use crate::registry::metadata::check_shape;
use crate::registry::{DeleteOptions, Registry, Target};
use crate::resource;
use crate::store::Object;
use crate::timer::{Timers, later};
use plan::{Plan, Verdict};
use tracked::Tracked;

/// Least time between two syncs of a Job that only counts: 50 status writes a second at most
/// (the real controller waits one second, `SyncJobBatchPeriod`).
const SYNC_EVERY: Duration = Duration::from_millis(20);

/// How long to wait after pods could not be made.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Pods made before other tasks get a turn: about a millisecond.
const PODS_PER_TURN: usize = 64;

struct Controller {
    api: Arc<Apiserver>,
    jobs: HashMap<String, Tracked>,
    /// Job keys by the keys of their pods.
    owners: HashMap<String, String>,
    dirty: BTreeSet<String>,
    timers: Timers<String>,
}

/// Runs until dropped.
pub(crate) async fn run(api: Arc<Apiserver>) {
    let mut jobs = Informer::new(&api.registry, resource::jobs());
    let mut pods = Informer::new(&api.registry, resource::pods());
    let mut controller = Controller {
        api,
        jobs: HashMap::new(),
        owners: HashMap::new(),
        dirty: BTreeSet::new(),
        timers: Timers::new(),
    };
    loop {
        let idle = controller.read(&mut jobs, &mut pods);
        while let Some(key) = controller.timers.pop_due(Instant::now()) {
            controller.dirty.insert(key);
        }
        let due = std::mem::take(&mut controller.dirty);
        for key in &due {
            controller.sync(key).await;
        }
        if idle && due.is_empty() {
            tokio::select! {
                () = jobs.wait() => {}
                () = pods.wait() => {}
                () = controller.timers.wait() => {}
            }
        }
    }
}

impl Controller {
    fn registry(&self) -> &Registry {
        &self.api.registry
    }

    /// Takes in changes; true when there were none.
    fn read(&mut self, jobs: &mut Informer, pods: &mut Informer) -> bool {
        let touched = jobs.read(self.registry());
        if touched.relisted {
            self.dirty.extend(self.jobs.keys().cloned());
        }
        let mut idle = touched.keys.is_empty();
        self.dirty.extend(touched.keys);
        let touched = pods.read(self.registry());
        idle &= touched.keys.is_empty();
        if touched.relisted {
            let known: Vec<String> = self.owners.keys().cloned().collect();
            known.iter().filter(|k| !touched.keys.contains(*k)).for_each(|k| self.observe(k));
        }
        touched.keys.iter().for_each(|key| self.observe(key));
        idle
    }

    /// Looks at a pod again.
    fn observe(&mut self, pod_key: &str) {
        let pod = self.registry().store.at(resource::pods().id, pod_key);
        let owner = pod.as_ref().and_then(|pod| job_of(pod));
        let job_key = match (&owner, self.owners.get(pod_key)) {
            (Some((job_key, _)), _) => job_key.clone(),
            (None, Some(known)) => known.clone(),
            (None, None) => return,
        };
        if pod.is_none() {
            self.owners.remove(pod_key);
        }
        let now = Instant::now();
        if let Some(job) = self.jobs.get_mut(&job_key) {
            match (&pod, owner) {
                (Some(pod), Some((_, uid))) if uid == job.uid => {
                    job.observe(pod_key, pod, now);
                    self.owners.insert(pod_key.to_owned(), job_key.clone());
                }
                _ => job.lost(pod_key, now),
            }
            self.schedule(job_key);
        } else if pod.is_some() {
            // The Job has not been seen yet; its first sync finds this pod by its owner.
            self.dirty.insert(job_key);
        }
    }

    /// Syncs a Job now, or when its last sync is long enough ago.
    fn schedule(&mut self, key: String) {
        let Some(job) = self.jobs.get_mut(&key) else { return };
        let next = job.synced.map_or_else(Instant::now, |at| at + SYNC_EVERY);
        if job.synced.is_none() || next <= Instant::now() {
            self.dirty.insert(key);
        } else if !job.sync_set {
            job.sync_set = true;
            self.timers.set(next, key);
        }
    }

    async fn sync(&mut self, key: &str) {
        let Some(object) = self.registry().store.at(resource::jobs().id, key) else {
            self.forget(key);
            return;
        };
        if check_shape(resource::jobs(), &object.value).is_err() {
            // Stored unchecked by a test; nothing to run.
            return;
        }
        if self.jobs.get(key).is_some_and(|job| job.uid != object.uid()) {
            self.forget(key);
        }
        if !self.jobs.contains_key(key) {
            self.adopt(key, &object);
        }
        let Some(job) = self.jobs.get_mut(key) else { return };
        job.synced = Some(Instant::now());
        job.sync_set = false;
        if self.expire(key, &object) || object.is_terminating() {
            return;
        }
        let Some(job) = self.jobs.get_mut(key) else { return };
        let plan = Plan::of(&object, job, Instant::now());
        self.act(key, &object, &plan).await;
        if let Some(at) = plan.look_again {
            self.timers.set(at, key.to_owned());
        }
        let Some(job) = self.jobs.get(key) else { return };
        status::write(self.registry(), &object, job, &plan);
    }

    /// Starts to track a Job, with pods that are already there.
    fn adopt(&mut self, key: &str, object: &Object) {
        let mut job = Tracked::new(object);
        for (collection, pod_key) in self.registry().store.dependents(object.uid()) {
            if collection == resource::pods().id
                && let Some(pod) = self.registry().store.at(collection, &pod_key)
            {
                job.observe(&pod_key, &pod, Instant::now());
                self.owners.insert(pod_key, key.to_owned());
            }
        }
        self.jobs.insert(key.to_owned(), job);
    }

    /// The Job is gone: its pods go too, also those made while it went.
    fn forget(&mut self, key: &str) {
        let Some(job) = self.jobs.remove(key) else { return };
        for pod_key in job.pods.keys() {
            self.owners.remove(pod_key);
        }
        for (collection, pod_key) in self.registry().store.dependents(&job.uid) {
            if collection == resource::pods().id {
                delete_pod(self.registry(), &pod_key);
            }
        }
    }

    /// Deletes a finished Job whose `ttlSecondsAfterFinished` is over; true when finished.
    fn expire(&mut self, key: &str, object: &Object) -> bool {
        if !status::is_finished(&object.value) {
            return false;
        }
        let ttl = object.value["spec"]["ttlSecondsAfterFinished"].as_u64();
        let Some(ttl) = ttl.map(Duration::from_secs) else { return true };
        let now = Instant::now();
        let Some(job) = self.jobs.get_mut(key) else { return true };
        let ends = *job.expires.get_or_insert(later(now, ttl));
        if ends > now {
            self.timers.set(ends, key.to_owned());
            return true;
        }
        let options = DeleteOptions::default();
        let target = Target::new(resource::jobs(), object.namespace(), object.name());
        // Gone already is as good.
        let _ = self.registry().delete(target, &options);
        true
    }

    async fn act(&mut self, key: &str, object: &Object, plan: &Plan) {
        let counts = matches!(plan.verdict, Verdict::Failing(..));
        for pod_key in &plan.delete {
            if let Some(job) = self.jobs.get_mut(key)
                && !counts
            {
                job.dismiss(pod_key);
            }
            delete_pod(self.registry(), pod_key);
        }
        for (made, index) in plan.create.iter().enumerate() {
            let Some(job) = self.jobs.get_mut(key) else { return };
            match pods::create(&self.api.registry, object, *index) {
                Ok((pod_key, pod)) => {
                    job.observe(&pod_key, &pod, Instant::now());
                    job.made += 1;
                    if job.made <= pods::CREATED_EVENTS_MAX {
                        pods::record_created(&self.api.registry, object, pod.name());
                    }
                    self.owners.insert(pod_key, key.to_owned());
                }
                Err(_) => {
                    // The namespace is going, or the template is one no pod can have; a later
                    // sync tries again while the Job lives.
                    self.timers.set(Instant::now() + RETRY_AFTER, key.to_owned());
                    return;
                }
            }
            if made % PODS_PER_TURN == PODS_PER_TURN - 1 {
                tokio::task::yield_now().await;
            }
        }
    }
}

/// Key and UID of the Job that controls a pod.
fn job_of(pod: &Object) -> Option<(String, String)> {
    let owners = pod.value.pointer("/metadata/ownerReferences")?.as_array()?;
    let owner =
        owners.iter().find(|o| o["kind"] == "Job" && o["controller"] == Value::Bool(true))?;
    let key = crate::store::key(pod.namespace(), owner["name"].as_str()?);
    Some((key, owner["uid"].as_str()?.to_owned()))
}

fn delete_pod(registry: &Registry, pod_key: &str) {
    if let Some((namespace, name)) = pod_key.split_once('/') {
        let target = Target::new(resource::pods(), namespace, name);
        // Gone already is as good.
        let _ = registry.delete(target, &DeleteOptions::default());
    }
}
