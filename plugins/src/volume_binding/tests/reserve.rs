//! Volumes are held from the choice of a node on.

use std::sync::Arc;

use berth_engine::record::{NodeRecord, ObjectKey, PodRecord, PodSpec, Quantity, Volume};
use berth_engine::{BindOutcome, Change, Config, Effect, Engine, Input};

use crate::default_profile;
use crate::testing::stored;

/// Nodes `a` and `b` of zones 1 and 2, and the storage of `objects`.
struct Cluster {
    engine: Engine,
    now: u64,
}

impl Cluster {
    fn new(objects: &str) -> Self {
        let mut cluster = Self { engine: Engine::new(None), now: 0 };
        let profile = Arc::new(default_profile("berth").unwrap());
        let config = Config { profiles: vec![profile], ..Config::default() };
        let mut inputs = vec![Input::Config(Arc::new(config))];
        for (name, zone) in [("a", "1"), ("b", "2")] {
            let labels = [("zone", zone)].into_iter().collect();
            let allocatable = [("pods", Quantity::from_units(110))].into_iter().collect();
            let name = name.into();
            let node = NodeRecord { name, labels, allocatable, ..NodeRecord::default() };
            inputs.push(Input::NodeApplied(Arc::new(node)));
        }
        assert_eq!(cluster.step(inputs), "");
        assert_eq!(cluster.store(objects), "");
        cluster
    }

    /// The binds that follow, as `POD>NODE`.
    fn step(&mut self, inputs: Vec<Input>) -> String {
        self.now += 60_000;
        let mut effects = Vec::new();
        self.engine.step(inputs, self.now, &mut effects, &mut ());
        let bind = |e: Effect| match e {
            Effect::Bind { pod, node, .. } => Some(format!("{}>{node}", pod.key.name)),
            _ => None,
        };
        effects.into_iter().filter_map(bind).collect::<Vec<_>>().join(" ")
    }

    fn store(&mut self, objects: &str) -> String {
        let input = |object| Input::Object(Box::new(object), Change::Applied);
        self.step(stored(objects).into_iter().map(input).collect())
    }

    /// A pod with a claim arrives.
    fn pod(&mut self, name: &str, claim: &str) -> String {
        let spec = PodSpec {
            scheduler_name: "berth".into(),
            volumes: vec![Volume::Claim { name: claim.into(), read_only: false }],
            ..PodSpec::default()
        };
        let pod = PodRecord::new("default", name, name, Arc::new(spec));
        self.step(vec![Input::PodApplied(Box::new(pod))])
    }

    fn outcome(&mut self, pod: &str, outcome: BindOutcome) -> String {
        let cycle = self.engine.cycle_of(pod).unwrap();
        self.step(vec![Input::BindOutcome { cycle, outcome }])
    }

    fn delete(&mut self, pod: &str) -> String {
        let key = ObjectKey::new("default", pod);
        self.step(vec![Input::PodDeleted { key, uid: pod.into() }])
    }
}

const STATIC: &str = "class s wait provisioner=kubernetes.io/no-provisioner / claim c class=s \
                      / claim d class=s / volume v class=s in=zone=1";

#[test]
fn two_pods_are_not_offered_one_volume() {
    let mut cluster = Cluster::new(STATIC);
    assert_eq!(cluster.pod("p", "c"), "p>a");
    assert_eq!(cluster.pod("q", "d"), "");
    // Another volume is for the one that waits.
    assert_eq!(cluster.store("volume w class=s in=zone=2"), "q>b");
}

#[test]
fn a_failed_bind_gives_the_volume_back() {
    let mut cluster = Cluster::new(STATIC);
    assert_eq!(cluster.pod("p", "c"), "p>a");
    assert_eq!(cluster.pod("q", "d"), "");
    assert_eq!(cluster.outcome("p", BindOutcome::Denied("no".into())), "q>a");
    // It is taken again by the other pod now.
    assert_eq!(cluster.step(Vec::new()), "");
    assert_eq!(cluster.delete("q"), "p>a");
}

#[test]
fn a_deleted_pod_gives_the_volume_back() {
    let mut cluster = Cluster::new(STATIC);
    assert_eq!(cluster.pod("p", "c"), "p>a");
    assert_eq!(cluster.pod("q", "d"), "");
    assert_eq!(cluster.delete("p"), "q>a");
}

#[test]
fn the_watch_takes_over_from_what_was_held() {
    // It shows the binding that was written: nothing is free.
    let mut cluster = Cluster::new(STATIC);
    assert_eq!(cluster.pod("p", "c"), "p>a");
    assert_eq!(cluster.outcome("p", BindOutcome::Bound), "");
    assert_eq!(cluster.store("volume v class=s in=zone=1 claim=c:c-uid phase=Bound"), "");
    assert_eq!(cluster.pod("q", "d"), "");
    assert!(cluster.engine.cache().volume_holds().is_empty());
    // It shows that the volume is still free after some other change: that counts.
    let mut cluster = Cluster::new(STATIC);
    assert_eq!(cluster.pod("p", "c"), "p>a");
    assert_eq!(cluster.pod("q", "d"), "");
    assert_eq!(cluster.store("volume v class=s in=zone=1 label=k=v"), "q>a");
}

#[test]
fn pods_of_one_claim_share_what_it_took() {
    let mut cluster = Cluster::new(STATIC);
    assert_eq!(cluster.pod("p", "c"), "p>a");
    assert_eq!(cluster.store("volume w class=s in=zone=2"), "");
    // The claim's volume is `v` from here on, though `w` would do as well.
    for name in ["q", "r", "s"] {
        assert_eq!(cluster.pod(name, "c"), format!("{name}>a"));
    }
    assert_eq!(cluster.delete("p"), "");
    assert_eq!(cluster.pod("t", "d"), "t>b");
}

#[test]
fn a_claim_to_be_made_is_made_for_the_first_pods_node() {
    let objects = "class s wait provisioner=p / claim c class=s / class one wait in=zone=1 \
                   / class two wait in=zone=2 / claim d class=one / claim e class=two";
    let mut cluster = Cluster::new(objects);
    assert_eq!(cluster.pod("p", "d"), "p>a");
    assert_eq!(cluster.pod("q", "e"), "q>b");
    let first = cluster.pod("r", "c");
    let node = first.strip_prefix("r>").unwrap().to_owned();
    for name in ["s", "t", "u"] {
        assert_eq!(cluster.pod(name, "c"), format!("{name}>{node}"));
    }
}
