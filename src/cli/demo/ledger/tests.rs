#![allow(clippy::unwrap_used)]

use super::super::workload;
use super::*;

struct World {
    inventory: Inventory,
    groups: Vec<Group>,
    ledger: Ledger,
    start: Instant,
}

impl World {
    fn new() -> Self {
        let inventory = Inventory::of(&berth_sandbox::nodes(10));
        let groups = workload::plan(100, &inventory);
        let ledger = Ledger::new(groups.len());
        Self { inventory, groups, ledger, start: Instant::now() }
    }

    fn see(&mut self, at_ms: u64, sighting: Sighting) {
        let now = self.start + Duration::from_millis(at_ms);
        self.ledger.apply(sighting, &self.groups, &self.inventory, now);
    }

    fn counts(&self, name: &str) -> Counts {
        let group = self.groups.iter().position(|g| g.name == name).unwrap();
        self.ledger.counts()[group]
    }
}

fn pod(job: &str, uid: &str, node: &str, phase: Phase) -> PodSeen {
    PodSeen {
        uid: uid.to_owned(),
        name: format!("{job}-{uid}"),
        job: job.to_owned(),
        node: (!node.is_empty()).then(|| node.to_owned()),
        phase,
        message: None,
    }
}

#[test]
fn a_pod_from_creation_to_its_end() {
    let mut world = World::new();
    let steps = [
        (0, "", Phase::Pending, Counts { pending: 1, ..Counts::default() }),
        (30, "node-00001", Phase::Pending, Counts { running: 1, ..Counts::default() }),
        (40, "node-00001", Phase::Running, Counts { running: 1, ..Counts::default() }),
        (90, "node-00001", Phase::Succeeded, Counts { done: 1, ..Counts::default() }),
    ];
    for (at, node, phase, counts) in steps {
        world.see(at, Sighting::Pod(pod("sweep", "u", node, phase)));
        assert_eq!(world.counts("sweep"), counts, "at {at}");
        let requested = world.ledger.requested(&world.groups, &world.inventory);
        assert_eq!(requested[1].pods, u64::from(counts.running > 0), "at {at}");
    }
    let latency = world.ledger.latency(&world.groups, |_| true).unwrap();
    assert_eq!(latency.max, Duration::from_millis(30));
    assert_eq!((world.ledger.binds().len(), world.ledger.moved()), (1, 0));
    world.see(99, Sighting::Gone("u".to_owned()));
    assert_eq!(world.counts("sweep"), Counts::default());
}

#[test]
fn a_list_replaces_what_was_known() {
    let mut world = World::new();
    world.see(0, Sighting::Pod(pod("sweep", "a", "", Phase::Pending)));
    world.see(0, Sighting::Pod(pod("sweep", "b", "", Phase::Pending)));
    let list = vec![
        pod("sweep", "a", "node-00000", Phase::Pending),
        pod("sweep", "c", "node-00000", Phase::Running),
        pod("of-someone-else", "d", "node-00000", Phase::Running),
    ];
    world.see(50, Sighting::All(list));
    assert_eq!(world.counts("sweep"), Counts { running: 2, ..Counts::default() });
    // `c` was never seen waiting.
    let latency = world.ledger.latency(&world.groups, |_| true).unwrap();
    assert_eq!((latency.p50, latency.max), (Duration::from_millis(50), Duration::from_millis(50)));
    world.see(60, Sighting::Pod(pod("sweep", "a", "node-00001", Phase::Running)));
    assert_eq!(world.ledger.moved(), 1);
}

#[test]
fn waiting_pods_by_reason() {
    let mut world = World::new();
    let told = |uid: &str, text: &str| PodSeen {
        message: Some(text.to_owned()),
        ..pod("shards", uid, "", Phase::Pending)
    };
    world.see(0, Sighting::Pod(told("a", "no room")));
    world.see(0, Sighting::Pod(told("b", "no room")));
    world.see(0, Sighting::Pod(pod("shards", "c", "", Phase::Pending)));
    let shards = world.groups.iter().position(|g| g.name == "shards").unwrap();
    let expected = |pods, example: &str, message: Option<&str>| Waiting {
        group: shards,
        pods,
        example: example.to_owned(),
        message: message.map(str::to_owned),
    };
    assert_eq!(
        world.ledger.waiting(),
        [expected(2, "shards-a", Some("no room")), expected(1, "shards-c", None)]
    );
    let bound = PodSeen { node: Some("node-00000".to_owned()), ..told("a", "no room") };
    world.see(1, Sighting::Pod(bound));
    assert_eq!(world.ledger.waiting()[0].pods, 1);
}
