//! What is measured: a name, and the workload that it stands for at a number of nodes.

use berth_engine::record::WhenUnsatisfiable::{DoNotSchedule, ScheduleAnyway};

use crate::scene::cluster::{HOSTNAME, RACK, ZONE};
use crate::scene::job::Job;
use crate::scene::workload::{
    Churn, Workload, many_tolerations, mixed, shared_claims, thousand_classes, thousand_repelling,
    thousand_spread,
};

/// One case.
#[derive(Debug, Clone, Copy)]
pub struct Case {
    pub name: &'static str,
    pub about: &'static str,
    pub workload: fn(usize) -> Workload,
}

/// Images of the pulls; at most 32.
const IMAGES: usize = 20;
/// DaemonSet-like pods, as the issue of the worst cases has them.
const DAEMONS: usize = 5_000;

/// A node takes 40 default pods by its CPU; three quarters of that is surely there.
const FULL: usize = 30;

fn one() -> Job {
    Job::default_size("app")
}

pub const CASES: [Case; 22] = [
    Case {
        name: "one-class",
        about: "one Job of plain pods",
        workload: |nodes| Workload::new(vec![one()], FULL * nodes),
    },
    Case {
        name: "classes-1000",
        about: "1,000 classes in turn, half of them with a selector",
        workload: thousand_classes,
    },
    Case {
        name: "zone-affinity",
        about: "required affinity to the own app in a zone",
        workload: |nodes| Workload::new(vec![one().near("app", ZONE)], FULL / 3 * nodes),
    },
    Case {
        name: "host-anti",
        about: "required anti-affinity on the host, Jobs of 9/10 of the nodes",
        workload: |nodes| {
            let job = |i| {
                let app = format!("app-{i}");
                Job::default_size(&app).apart(&app, HOSTNAME)
            };
            Workload::new((0..10).map(job).collect(), nodes * 9).in_blocks(nodes * 9 / 10)
        },
    },
    Case {
        name: "host-anti-soft",
        about: "preferred anti-affinity on the host, one app",
        workload: |nodes| Workload::new(vec![one().rather_apart("app", HOSTNAME)], FULL * nodes),
    },
    Case {
        name: "zone-spread",
        about: "hard spread over 3 zones, maxSkew 5",
        workload: |nodes| Workload::new(vec![one().spread(ZONE, 5, DoNotSchedule)], FULL * nodes),
    },
    Case {
        name: "zone-spread-soft",
        about: "soft spread over 3 zones",
        workload: |nodes| Workload::new(vec![one().spread(ZONE, 1, ScheduleAnyway)], FULL * nodes),
    },
    Case {
        name: "host-spread",
        about: "hard spread over hosts, maxSkew 1",
        workload: |nodes| {
            Workload::new(vec![one().spread(HOSTNAME, 1, DoNotSchedule)], FULL * nodes)
        },
    },
    Case {
        name: "host-spread-soft",
        about: "soft spread over hosts",
        workload: |nodes| {
            Workload::new(vec![one().spread(HOSTNAME, 1, ScheduleAnyway)], FULL * nodes)
        },
    },
    Case { name: "mixed", about: "12 Jobs of every kind in turn", workload: mixed },
    Case {
        name: "rack-spread",
        about: "hard spread over 500 racks, maxSkew 1",
        workload: |nodes| Workload::new(vec![one().spread(RACK, 1, DoNotSchedule)], FULL * nodes),
    },
    Case {
        name: "rack-spread-soft",
        about: "soft spread over 500 racks",
        workload: |nodes| Workload::new(vec![one().spread(RACK, 1, ScheduleAnyway)], FULL * nodes),
    },
    Case {
        name: "host-anti-100",
        about: "preferred anti-affinity on the host, 100 apps in turn",
        workload: |nodes| {
            let job = |i| {
                let app = format!("app-{i}");
                Job::default_size(&app).rather_apart(&app, HOSTNAME)
            };
            Workload::new((0..100).map(job).collect(), FULL * nodes)
        },
    },
    Case {
        name: "anti-classes-1000",
        about: "1,000 classes with an anti-affinity term on the same pods",
        workload: thousand_repelling,
    },
    Case {
        name: "spread-classes-1000",
        about: "1,000 classes in turn, each with its own spread over hosts",
        workload: thousand_spread,
    },
    Case {
        name: "shared-claims",
        about: "20 Jobs with a bound claim each, which two zones of three reach",
        workload: shared_claims,
    },
    Case {
        name: "tolerations-10000",
        about: "10 classes in turn with 10,000 tolerations each, on nodes with 50 taints",
        workload: many_tolerations,
    },
    Case {
        name: "nominated",
        about: "one Job of plain pods while one node in 100 is promised to a pod of more priority",
        workload: |nodes| Workload {
            nominated: nodes / 100,
            ..Workload::new(vec![one()], FULL / 3 * 2 * nodes)
        },
    },
    Case {
        name: "daemons",
        about: "5,000 pods with matchFields, one node each",
        workload: |nodes| {
            let daemons = nodes.min(DAEMONS);
            Workload::new((0..daemons).map(|i| one().on_node(i)).collect(), daemons)
        },
    },
    Case {
        name: "image-pulls",
        about: "20 images; after each bind the node reports a new one",
        workload: |nodes| {
            let jobs = (0..IMAGES).map(|i| Job::default_size(&format!("app-{i}")).image(i));
            Workload::new(jobs.collect(), FULL * nodes).with_churn(Churn::Images)
        },
    },
    Case {
        name: "node-churn",
        about: "mixed, and nodes added, relabelled and tainted at every step",
        workload: |nodes| mixed(nodes).with_churn(Churn::Nodes),
    },
    Case {
        name: "memory",
        about: "up to 200,000 pods of 20 Jobs that run already: bytes per node and pod",
        workload: |nodes| {
            let jobs = (0..20).map(|i| Job::default_size(&format!("app-{i}")));
            Workload::new(jobs.collect(), (FULL * nodes).min(200_000))
        },
    },
];

/// The case of that name.
pub fn find(name: &str) -> Option<&'static Case> {
    CASES.iter().find(|case| case.name == name)
}
