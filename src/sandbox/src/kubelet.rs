//! The nodes' side: bound pods start, run, end and go away; nodes say that they live.
//! One task and one heap of timers for all nodes and pods.

mod node;
mod pod_status;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;

use crate::annotations::{EXIT_CODE, RUN_FOR};
use crate::api::Apiserver;
use crate::informer::Informer;
use crate::options::Options;
use crate::registry::{DeleteOptions, Registry, Target};
use crate::resource;
use crate::store::{self, Object};
use crate::timer::{Timers, later};
use crate::timestamp;

pub(crate) use node::registered;

/// Delay before a container that ended is started again; kubelets begin with 10 s.
const RESTART_AFTER: Duration = Duration::from_millis(100);

/// Pod writes before other tasks get a turn: about a millisecond.
const WRITES_PER_TURN: usize = 64;

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Due {
    /// Key and UID: a pod of the same name may have come since.
    Start(String, String),
    Finish(String, String),
    Heartbeat(String),
}

struct Kubelet {
    api: Arc<Apiserver>,
    options: Options,
    /// UIDs of pods that were started, by key.
    started: HashMap<String, String>,
    /// Nodes that send heartbeats, by name.
    nodes: HashMap<String, String>,
    /// Keys of pods bound to nodes that do not exist yet, by node.
    waiting: HashMap<String, Vec<String>>,
    timers: Timers<Due>,
    addresses: u32,
}

/// Runs until dropped.
pub(crate) async fn run(api: Arc<Apiserver>, options: Options) {
    let mut pods = Informer::new(&api.registry, resource::pods());
    let mut nodes = Informer::new(&api.registry, resource::nodes());
    let mut kubelet = Kubelet {
        api,
        options,
        started: HashMap::new(),
        nodes: HashMap::new(),
        waiting: HashMap::new(),
        timers: Timers::new(),
        addresses: 0,
    };
    loop {
        let mut writes = 0_usize;
        let touched = nodes.read(&kubelet.api.registry);
        let mut idle = touched.keys.is_empty();
        kubelet.observe_nodes(&touched.keys, touched.relisted);
        let touched = pods.read(&kubelet.api.registry);
        idle &= touched.keys.is_empty();
        if touched.relisted {
            kubelet.started.retain(|key, _| touched.keys.contains(key));
        }
        for key in &touched.keys {
            writes += usize::from(kubelet.observe(key));
            if writes % WRITES_PER_TURN == WRITES_PER_TURN - 1 {
                writes += 1;
                tokio::task::yield_now().await;
            }
        }
        while let Some(due) = kubelet.timers.pop_due(Instant::now()) {
            kubelet.act(&due);
            writes += 1;
            if writes.is_multiple_of(WRITES_PER_TURN) {
                tokio::task::yield_now().await;
            }
        }
        if idle {
            tokio::select! {
                () = pods.wait() => {}
                () = nodes.wait() => {}
                () = kubelet.timers.wait() => {}
            }
        }
    }
}

impl Kubelet {
    fn registry(&self) -> &Registry {
        &self.api.registry
    }

    /// Looks at a pod again; true when it wrote.
    fn observe(&mut self, key: &str) -> bool {
        let Some(pod) = self.registry().store.at(resource::pods().id, key) else {
            self.started.remove(key);
            // Only pods that exist wait; usually none does.
            self.waiting.retain(|_, keys| {
                keys.retain(|k| k != key);
                !keys.is_empty()
            });
            return false;
        };
        let node = pod.value["spec"]["nodeName"].as_str().unwrap_or_default();
        if node.is_empty() {
            return false;
        }
        if pod.is_terminating() {
            return self.end(&pod);
        }
        let known = self.started.get(key).is_some_and(|uid| uid == pod.uid());
        let pending = pod.value["status"]["phase"] == "Pending";
        if known || !pending {
            return false;
        }
        if self.registry().store.get(resource::nodes(), "", node).is_none() {
            let waiting = self.waiting.entry(node.to_owned()).or_default();
            if !waiting.iter().any(|k| k == key) {
                waiting.push(key.to_owned());
            }
            return false;
        }
        let uid = pod.uid().to_owned();
        self.started.insert(key.to_owned(), uid.clone());
        let delay = self.options.pod_start_after;
        if delay.is_zero() {
            self.start(key, &uid);
            return true;
        }
        self.timers.set(Instant::now() + delay, Due::Start(key.to_owned(), uid));
        false
    }

    fn act(&mut self, due: &Due) {
        match due {
            Due::Start(key, uid) => self.start(key, uid),
            Due::Finish(key, uid) => self.finish(key, uid),
            Due::Heartbeat(name) => self.heartbeat(name),
        }
    }

    fn start(&mut self, key: &str, uid: &str) {
        self.addresses = self.addresses.wrapping_add(1);
        let [_, a, b, c] = self.addresses.to_be_bytes();
        let ip = format!("10.{a}.{b}.{c}");
        let started = self.write(key, uid, |pod| pod_status::running(pod, &ip));
        let Some(pod) = started else { return };
        let run_for = pod.value["metadata"]["annotations"][RUN_FOR].as_str();
        let run_for = match run_for.and_then(timestamp::parse_duration) {
            Some(given) => given,
            None if pod.value["spec"]["restartPolicy"] == "Always" => return,
            None => self.options.pod_run_for,
        };
        let ends = later(Instant::now(), run_for);
        self.timers.set(ends, Due::Finish(key.to_owned(), uid.to_owned()));
    }

    /// The containers exit: the pod ends, or they start again.
    fn finish(&mut self, key: &str, uid: &str) {
        let Some(pod) = self.current(key, uid) else { return };
        let code = exit_code(&pod.value);
        let again = match pod.value["spec"]["restartPolicy"].as_str() {
            Some("Never") => false,
            Some("OnFailure") => code != 0,
            _ => true,
        };
        if again {
            self.write(key, uid, |pod| pod_status::restarting(pod, code));
            let again = Due::Start(key.to_owned(), uid.to_owned());
            self.timers.set(Instant::now() + RESTART_AFTER, again);
        } else {
            self.write(key, uid, |pod| pod_status::ended(pod, code));
        }
    }

    /// A pod that is being deleted stops at once and is gone, unless a finalizer holds it.
    fn end(&mut self, pod: &Object) -> bool {
        let key = store::key(pod.namespace(), pod.name());
        let grace = pod.value["metadata"]["deletionGracePeriodSeconds"].as_i64().unwrap_or(0);
        let phase = pod.value["status"]["phase"].as_str().unwrap_or_default();
        if grace == 0 && matches!(phase, "Succeeded" | "Failed") {
            return false;
        }
        let held = pod.value["metadata"]["finalizers"].as_array().is_some_and(|f| !f.is_empty());
        if held && !matches!(phase, "Succeeded" | "Failed") {
            // SIGTERM's code: 128 + 15.
            self.write(&key, pod.uid(), |pod| pod_status::ended(pod, 143));
        }
        let mut options =
            DeleteOptions { grace_period_seconds: Some(0), ..DeleteOptions::default() };
        options.preconditions.uid = Some(pod.uid().to_owned());
        let target = Target::new(resource::pods(), pod.namespace(), pod.name());
        self.registry().delete(target, &options).is_ok()
    }

    fn current(&self, key: &str, uid: &str) -> Option<Arc<Object>> {
        let pod = self.registry().store.at(resource::pods().id, key)?;
        (pod.uid() == uid && !pod.is_terminating()).then_some(pod)
    }

    /// Changes the status of the pod with this UID, if it still exists.
    fn write(&self, key: &str, uid: &str, change: impl Fn(&mut Value)) -> Option<Arc<Object>> {
        let (namespace, name) = key.split_once('/')?;
        let target = Target::new(resource::pods(), namespace, name);
        let written = self.registry().modify(target, |old| {
            if old.uid() != uid {
                return Ok(None);
            }
            let mut value = old.value.clone();
            change(&mut value);
            Ok(Some(value))
        });
        written.ok().filter(|pod| pod.uid() == uid)
    }

    fn observe_nodes(&mut self, keys: &std::collections::BTreeSet<String>, relisted: bool) {
        if relisted {
            self.nodes.retain(|name, _| keys.contains(&store::key("", name)));
        }
        let fresh = keys.len();
        for (i, key) in keys.iter().enumerate() {
            let name = key.trim_start_matches('/');
            let Some(object) = self.registry().store.at(resource::nodes().id, key) else {
                self.nodes.remove(name);
                let target = Target::new(resource::leases(), node::LEASES, name);
                // No Lease is as good.
                let _ = self.registry().delete(target, &DeleteOptions::default());
                continue;
            };
            if self.nodes.get(name).is_some_and(|uid| uid == object.uid()) {
                continue;
            }
            self.nodes.insert(name.to_owned(), object.uid().to_owned());
            node::register(self.registry(), &object);
            for pod in self.waiting.remove(name).unwrap_or_default() {
                self.observe(&pod);
            }
            if let Some(period) = self.options.heartbeat {
                // Spread over the period, so that thousands of nodes do not speak at once.
                let share = period.mul_f64((i + 1) as f64 / fresh.max(1) as f64);
                self.timers.set(Instant::now() + share, Due::Heartbeat(name.to_owned()));
            }
        }
    }

    fn heartbeat(&mut self, name: &str) {
        let Some(period) = self.options.heartbeat else { return };
        if !self.nodes.contains_key(name) {
            return;
        }
        node::heartbeat(self.registry(), name);
        self.timers.set(Instant::now() + period, Due::Heartbeat(name.to_owned()));
    }
}

fn exit_code(pod: &Value) -> i64 {
    let code = &pod["metadata"]["annotations"][EXIT_CODE];
    code.as_str().and_then(|c| c.parse().ok()).unwrap_or(0)
}
