//! Which pods come, in which order, and what else happens meanwhile.

use berth_engine::Object;
use berth_engine::record::{PodRecord, WhenUnsatisfiable};

use super::cluster::{HOSTNAME, POOLS, RACK, ZONE, node_name};
use super::job::Job;
use super::storage::shared_volume;

/// How the pods of several Jobs follow one another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// One pod of each in turn: the worst for whoever keeps the last class at hand.
    InTurn,
    /// Job after Job, so many pods each.
    Blocks(usize),
}

/// What happens besides binds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Churn {
    None,
    /// After each bind its node reports the pod's image.
    Images,
    /// After each step one node is added, one moves to another pool, one is tainted or untainted.
    Nodes,
}

#[derive(Debug, Clone)]
pub struct Workload {
    pub jobs: Vec<Job>,
    pub order: Order,
    pub churn: Churn,
    /// Pods that surely fit: more are not sent.
    pub capacity: usize,
    /// Before the start a pod of the last Job runs on each of the first so many nodes.
    pub running: usize,
    /// Pods of more priority that are promised a node each, and do not come.
    pub nominated: usize,
    /// Taints of each node, see [`super::cluster::taint_key`].
    pub taints: usize,
    /// Storage that is there.
    pub storage: Vec<Object>,
}

impl Workload {
    pub fn new(jobs: Vec<Job>, capacity: usize) -> Self {
        let (order, churn) = (Order::InTurn, Churn::None);
        let storage = Vec::new();
        Self { jobs, order, churn, capacity, running: 0, nominated: 0, taints: 0, storage }
    }

    pub fn in_blocks(self, pods: usize) -> Self {
        Self { order: Order::Blocks(pods.max(1)), ..self }
    }

    pub fn with_churn(self, churn: Churn) -> Self {
        Self { churn, ..self }
    }

    /// The Job of pod number `pod`; those that run before the start have the first numbers.
    pub fn job(&self, pod: usize) -> &Job {
        let Some(sent) = pod.checked_sub(self.running) else {
            return &self.jobs[self.jobs.len() - 1];
        };
        match self.order {
            Order::InTurn => &self.jobs[sent % self.jobs.len()],
            Order::Blocks(pods) => &self.jobs[sent / pods % self.jobs.len()],
        }
    }

    pub fn pod(&self, pod: usize) -> PodRecord {
        self.job(pod).pod(pod)
    }

    /// A pod that is promised the node, and held back by a gate.
    pub fn nominated_pod(&self, node: usize) -> PodRecord {
        let mut record = Job::plain("nominated", 1_000, 4_000).pod(NOMINATED_FROM + node);
        record.priority = 1_000;
        record.nominated_node_name = Some(node_name(node).into());
        record.scheduling_gates = ["example.com/later".into()].into();
        record
    }
}

/// Numbers of promised pods: behind all others.
const NOMINATED_FROM: usize = 1 << 40;

/// Jobs of 1,000 pods, in turn, that mount a volume each, which two zones of three reach.
pub fn shared_claims(nodes: usize) -> Workload {
    let names: Vec<String> = (0..20).map(|i| format!("data-{i}")).collect();
    let job = |name: &String| Job::default_size(name).mounting(name);
    let jobs = names.iter().map(job).collect();
    let storage = names.iter().flat_map(|name| shared_volume("default", name)).collect();
    Workload { storage, ..Workload::new(jobs, 15 * nodes).in_blocks(1_000) }
}

/// A thousand classes that differ in what they ask for; half of them select two pools of ten.
pub fn thousand_classes(nodes: usize) -> Workload {
    let job = |i: usize| {
        let cpu = 50 + 10 * i64::try_from(i % 10).unwrap();
        let job = Job::plain(&format!("app-{i}"), cpu, 200 + i64::try_from(i).unwrap());
        if i.is_multiple_of(2) {
            job
        } else {
            job.in_pools(&[i % POOLS, (i / POOLS + i + 1) % POOLS])
        }
    };
    Workload::new((0..1_000).map(job).collect(), 15 * nodes)
}

/// Ten classes that tolerate as much as the API server takes of one pod, on nodes with 50 taints.
pub fn many_tolerations(nodes: usize) -> Workload {
    let job = |i| Job::default_size(&format!("app-{i}")).tolerating(i, 10_000);
    Workload { taints: 50, ..Workload::new((0..10).map(job).collect(), 30 * nodes) }
}

/// A thousand classes that keep away from `noisy` pods; every twentieth pod is a noisy one, which
/// they all repel.
pub fn thousand_repelling(nodes: usize) -> Workload {
    let mut jobs: Vec<Job> = Vec::new();
    for i in 0..1_000_usize {
        let memory = 200 + i64::try_from(i).unwrap();
        jobs.push(Job::plain(&format!("app-{i}"), 100, memory).apart("noisy", HOSTNAME));
        if i % 19 == 18 {
            jobs.push(Job::default_size("noisy"));
        }
    }
    jobs.push(Job::default_size("noisy"));
    Workload { running: nodes / 10, ..Workload::new(jobs, 15 * nodes) }
}

/// A thousand classes of which each spreads its own pods over hosts: a count of every host each.
pub fn thousand_spread(nodes: usize) -> Workload {
    let job = |i: usize| {
        let memory = 200 + i64::try_from(i).unwrap();
        let job = Job::plain(&format!("app-{i}"), 100, memory);
        job.spread(HOSTNAME, 5, WhenUnsatisfiable::DoNotSchedule)
    };
    Workload::new((0..1_000).map(job).collect(), 15 * nodes)
}

/// A dozen Jobs of every kind in turn.
pub fn mixed(nodes: usize) -> Workload {
    use WhenUnsatisfiable::{DoNotSchedule, ScheduleAnyway};
    let app = |name: &str| Job::plain(name, 60, 300);
    let jobs = vec![
        app("plain"),
        app("selecting").in_pools(&[1, 2, 3]),
        app("near").near("near", ZONE),
        app("rather-apart").rather_apart("rather-apart", HOSTNAME),
        app("zones").spread(ZONE, 5, DoNotSchedule),
        app("zones-softly").spread(ZONE, 1, ScheduleAnyway),
        app("hosts-softly").spread(HOSTNAME, 1, ScheduleAnyway),
        app("racks").spread(RACK, 2, DoNotSchedule),
        app("both").spread(ZONE, 1, ScheduleAnyway).rather_apart("near", HOSTNAME),
        app("quiet").apart("noisy", ZONE).image(1),
        app("image").image(0),
        Job::plain("large", 300, 1_000),
    ];
    Workload::new(jobs, 10 * nodes)
}
