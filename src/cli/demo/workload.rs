//! Which Jobs the demo submits: a mix that reaches every pool of nodes, sized so that the nodes
//! end about three quarters full.

use std::time::Duration;

use super::inventory::{Amounts, Inventory, Machine};

/// Longer than a demo: such pods hold their room to the end.
const STAYS: Duration = Duration::from_secs(24 * 3600);

/// Jobs of the group that arrives one by one.
const SMALL_JOBS_MAX: usize = 40;

/// Where pods of a group may go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Placement {
    /// Any node without a taint.
    Anywhere,
    /// By `nodeSelector` on the zone.
    Zone(String),
    /// By node affinity on the instance type.
    InstanceType(String),
    /// GPUs, with the toleration of their nodes' taint.
    Gpu,
    /// By `nodeSelector` and toleration: the nodes dedicated to batch.
    Batch,
}

impl Placement {
    /// What a pod asks for in words.
    pub(super) fn words(&self) -> String {
        match self {
            Self::Anywhere => "any node without a taint".to_owned(),
            Self::Zone(zone) => format!("only {zone}"),
            Self::InstanceType(kind) => format!("only {kind} nodes"),
            Self::Gpu => "tolerates the GPU taint".to_owned(),
            Self::Batch => "only the batch pool, tainted".to_owned(),
        }
    }
}

/// One Job, or several alike that arrive one by one.
#[derive(Debug, Clone)]
pub(super) struct Group {
    /// The Job's name, or the start of the names.
    pub(super) name: &'static str,
    /// Pods of each Job.
    pub(super) jobs: Vec<usize>,
    pub(super) placement: Placement,
    /// What one pod requests.
    pub(super) request: Amounts,
    /// How long a pod runs.
    pub(super) run_for: Duration,
    /// `completionMode: Indexed`.
    pub(super) indexed: bool,
    /// No node can ever take such a pod.
    pub(super) impossible: bool,
}

impl Group {
    fn new(name: &'static str, pods: usize, placement: Placement, request: Amounts) -> Self {
        let request = Amounts { pods: 1, ..request };
        Self {
            name,
            jobs: vec![pods],
            placement,
            request,
            run_for: STAYS,
            indexed: false,
            impossible: false,
        }
    }

    /// Pods of all its Jobs.
    pub(super) fn pods(&self) -> usize {
        self.jobs.iter().sum()
    }

    /// Whether its pods end within the demo.
    pub(super) fn ends(&self) -> bool {
        self.run_for < STAYS
    }

    /// Whether its Jobs arrive one by one, after the others.
    pub(super) fn arrives_alone(&self) -> bool {
        self.name == SMALL
    }

    /// Name of a Job.
    pub(super) fn job_name(&self, job: usize) -> String {
        if self.arrives_alone() { format!("{}-{job:02}", self.name) } else { self.name.to_owned() }
    }

    /// Whether a Job of this name is of this group.
    pub(super) fn owns(&self, job_name: &str) -> bool {
        match job_name.strip_prefix(self.name) {
            Some("") => !self.arrives_alone(),
            Some(rest) => self.arrives_alone() && rest.starts_with('-'),
            None => false,
        }
    }
}

const SMALL: &str = "small";

/// All groups, in the order in which they are submitted, without empty ones.
///
/// Of 4,000 pods 2,000 are one Job. Where there are too few GPUs or no dedicated nodes, those
/// pods go to the Job that may run anywhere.
pub(super) fn plan(pods: usize, inventory: &Inventory) -> Vec<Group> {
    let open = |machine: &Machine| machine.taints.is_empty();
    let zone = inventory.zones.get(1).or(inventory.zones.first()).cloned().unwrap_or_default();
    let large = widest(inventory);
    let zone_room = inventory.room(|m| open(m) && inventory.zones[m.zone] == zone);
    let large_room = inventory.room(|m| open(m) && inventory.shapes[m.shape] == large);
    let gpu_room = inventory.room(|m| m.room.gpus > 0);
    let batch_room = inventory.room(|m| m.taints.iter().any(|t| t == "dedicated"));
    let open_room = inventory.room(open);

    let percent = |share: usize| pods * share / 100;
    let sweep = percent(50);
    let assembly = if large_room.pods > 0 { percent(8) } else { 0 };
    let reports = percent(10);
    let gpus = usize::try_from(gpu_room.gpus * 9 / 10).unwrap_or(usize::MAX);
    let train = percent(4).min(gpus);
    let nightly = if batch_room.pods > 0 { percent(8) } else { 0 };
    let small = percent(5);
    let impossible = usize::from(pods > 1);
    let shards = pods - sweep - assembly - reports - train - nightly - small - impossible;

    let gpu = |amounts: Amounts, gpus: u64| Amounts { gpus, ..amounts };
    let groups = vec![
        Group {
            run_for: Duration::from_secs(5),
            ..Group::new("sweep", sweep, Placement::Anywhere, each(open_room, 10, sweep, 1000, 1))
        },
        Group::new(
            "train",
            train,
            Placement::Gpu,
            gpu(each(gpu_room, 80, train, 4_000, 6), u64::from(train > 0)),
        ),
        Group::new("nightly", nightly, Placement::Batch, each(batch_room, 85, nightly, 8_000, 1)),
        Group::new(
            "assembly",
            assembly,
            Placement::InstanceType(large),
            each(large_room, 40, assembly, 16_000, 2),
        ),
        Group::new(
            "reports",
            reports,
            Placement::Zone(zone),
            each(zone_room, 35, reports, 4000, 2),
        ),
        Group {
            indexed: true,
            ..Group::new(
                "shards",
                shards,
                Placement::Anywhere,
                each(open_room, 38, shards, 4000, 3),
            )
        },
        Group {
            impossible: true,
            ..Group::new("impossible", impossible, Placement::Gpu, gpu(AMOUNTS_OF_ONE_CORE, 16))
        },
        Group {
            jobs: split(small, SMALL_JOBS_MAX),
            run_for: Duration::from_secs(2),
            ..Group::new(SMALL, small, Placement::Anywhere, each(open_room, 1, small, 500, 1))
        },
    ];
    groups.into_iter().filter(|group| group.pods() > 0).collect()
}

const AMOUNTS_OF_ONE_CORE: Amounts =
    Amounts { milli_cpu: 1_000, memory_mib: 1_024, gpus: 0, pods: 1 };

/// The instance type with the most cores among untainted nodes.
fn widest(inventory: &Inventory) -> String {
    let open = inventory.machines.iter().filter(|machine| machine.taints.is_empty());
    let widest = open.max_by_key(|machine| machine.room.milli_cpu);
    widest.map(|machine| inventory.shapes[machine.shape].clone()).unwrap_or_default()
}

/// What each of `pods` requests so that together they take `percent` of a pool's cores, but no
/// more than `milli_cpu_max`; and so many GiB per core.
fn each(pool: Amounts, percent: u64, pods: usize, milli_cpu_max: u64, gib_per_cpu: u64) -> Amounts {
    let share = pool.milli_cpu * percent / 100 / (pods.max(1) as u64);
    let share = share.clamp(10, milli_cpu_max);
    let milli_cpu = if share >= 500 { share - share % 50 } else { share - share % 10 };
    Amounts { milli_cpu, memory_mib: milli_cpu * gib_per_cpu * 1024 / 1000, gpus: 0, pods: 1 }
}

/// `pods` in at most `jobs_max` parts that differ by at most one.
fn split(pods: usize, jobs_max: usize) -> Vec<usize> {
    let jobs = pods.min(jobs_max);
    (0..jobs).map(|job| pods * (job + 1) / jobs - pods * job / jobs).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn inventory(nodes: usize) -> Inventory {
        Inventory::of(&berth_sandbox::nodes(nodes))
    }

    #[test]
    fn the_default_has_a_job_of_2000_pods_and_fills_three_quarters() {
        let inventory = inventory(200);
        let groups = plan(4000, &inventory);
        let names: Vec<_> = groups.iter().map(|g| (g.name, g.pods(), g.jobs.len())).collect();
        assert_eq!(
            names,
            [
                ("sweep", 2000, 1),
                ("train", 144, 1),
                ("nightly", 320, 1),
                ("assembly", 320, 1),
                ("reports", 400, 1),
                ("shards", 615, 1),
                ("impossible", 1, 1),
                ("small", 200, 40),
            ]
        );
        let taken = |which: &dyn Fn(&Group) -> bool| -> u64 {
            let of = |g: &Group| g.pods() as u64 * g.request.milli_cpu;
            groups.iter().filter(|g| which(g) && !g.impossible).map(of).sum()
        };
        let all = inventory.room(|_| true).milli_cpu;
        assert_eq!(taken(&|g| !g.ends()) * 100 / all, 76);
        assert_eq!(taken(&|_| true) * 100 / all, 84);
    }

    #[test]
    fn every_number_of_pods_and_nodes_makes_a_whole_mix() {
        for nodes in [3, 4, 5, 10, 200] {
            let inventory = inventory(nodes);
            for pods in [1, 2, 3, 19, 100, 4000, 100_000] {
                let groups = plan(pods, &inventory);
                assert_eq!(groups.iter().map(Group::pods).sum::<usize>(), pods, "{nodes} {pods}");
                for group in groups.iter().filter(|g| !g.impossible) {
                    let takes = inventory.machines.iter().any(|m| group.request.fits_in(&m.room));
                    assert!(takes, "{nodes} nodes, {pods} pods, {group:?}");
                }
                for group in groups.iter().filter(|g| g.impossible) {
                    let takes = inventory.machines.iter().any(|m| group.request.fits_in(&m.room));
                    assert!(!takes, "{group:?}");
                }
            }
        }
    }

    #[test]
    fn jobs_belong_to_one_group() {
        let groups = plan(4000, &inventory(200));
        for group in &groups {
            for job in 0..group.jobs.len() {
                let name = group.job_name(job);
                let owners: Vec<_> = groups.iter().filter(|g| g.owns(&name)).collect();
                assert_eq!(owners.len(), 1, "{name}");
                assert_eq!(owners[0].name, group.name);
            }
        }
        assert_eq!(split(11, 4), [2, 3, 3, 3]);
        assert_eq!(split(0, 4), [0; 0]);
    }
}
