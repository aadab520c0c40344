//! Random clusters, and pods to judge in them.

use std::sync::Arc;

use berth_engine::base::Random;
use berth_engine::record::{
    Image, NamespaceRecord, NodeRecord, ObjectKey, Owner, PodRecord, Quantity, ResourceList,
    SelectorOwnerRecord, StringMap, Taint, TaintEffect,
};
use berth_engine::{Change, Input, Object};

use super::names::Names;
use super::{storage, template};

/// The profile of all pods that are judged.
pub(crate) const SCHEDULER: &str = "berth";

/// What a scenario is made with: chance and names.
#[derive(Debug)]
pub(crate) struct Dice {
    random: Random,
    names: Names,
}

/// A cluster and the pods to judge.
#[derive(Debug, Clone)]
pub(crate) struct Scenario {
    pub(crate) nodes: Vec<NodeRecord>,
    pub(crate) assigned: Vec<PodRecord>,
    pub(crate) objects: Vec<Object>,
    pub(crate) pending: Vec<PodRecord>,
}

impl Dice {
    pub(crate) fn new(seed: u64, names: Names) -> Self {
        Self { random: Random::new(seed), names }
    }

    pub(crate) fn below(&mut self, bound: usize) -> usize {
        self.random.below(bound)
    }

    pub(crate) fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    pub(crate) fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }

    /// `at_most` tries of `make`, each kept with that chance.
    pub(crate) fn some<T>(
        &mut self,
        at_most: usize,
        percent: usize,
        mut make: impl FnMut(&mut Self, usize) -> T,
    ) -> Vec<T> {
        let mut out = Vec::new();
        for at in 0..at_most {
            if self.chance(percent) {
                out.push(make(self, at));
            }
        }
        out
    }

    /// The name of the `at`-th thing of `kind`.
    pub(crate) fn name(&self, kind: &str, at: usize) -> String {
        self.names.of(kind, at)
    }

    /// The name of one of the first `count` things of `kind`.
    pub(crate) fn one(&mut self, kind: &str, count: usize) -> String {
        let at = self.below(count);
        self.name(kind, at)
    }

    /// Labels of pods and namespaces.
    pub(crate) fn labels(&mut self) -> StringMap {
        self.some(3, 60, |dice, at| (dice.name("key", at), dice.one("value", 3)))
            .into_iter()
            .collect()
    }

    fn shuffle<T>(&mut self, items: &mut [T]) {
        for at in (1..items.len()).rev() {
            items.swap(at, self.below(at + 1));
        }
    }
}

impl Scenario {
    /// The scenario of a seed: 1 to 8 nodes, up to 15 assigned pods, 4 pods to judge.
    pub(crate) fn new(seed: u64) -> Self {
        Self::named(seed, Names::FIRST)
    }

    /// The scenario of a seed, by these names.
    pub(crate) fn named(seed: u64, names: Names) -> Self {
        let mut dice = Dice::new(seed, names);
        let nodes = 1 + dice.below(8);
        Self::sized(&mut dice, nodes)
    }

    /// A scenario of so many nodes.
    pub(crate) fn sized(dice: &mut Dice, nodes: usize) -> Self {
        let templates: Vec<_> =
            (0..5).map(|_| Arc::new(template::spec(dice, nodes.min(8)))).collect();
        let assigned = dice.below(2 * nodes.min(50));
        let pod = |dice: &mut Dice, name: String| {
            let namespace = dice.one("space", 3);
            let spec = Arc::clone(&templates[dice.below(templates.len())]);
            let mut pod = PodRecord::new(&namespace, &name, &format!("{name}-uid"), spec);
            pod.labels = dice.labels();
            pod.priority = dice.pick(&[0, 0, 10]);
            pod.terminating = dice.chance(5);
            let owner = dice.chance(40).then(|| Owner {
                api_version: "apps/v1".into(),
                kind: dice.pick(&["ReplicaSet", "StatefulSet"]).into(),
                name: dice.one("owner", 2).into(),
                uid: "owner-uid".into(),
            });
            pod.owner = owner.map(Arc::new);
            pod
        };
        Self {
            assigned: (0..assigned)
                .map(|at| {
                    let mut assigned = pod(dice, format!("there-{at}"));
                    // Now and then on a node that is not there (any more).
                    let missing = usize::from(dice.chance(10));
                    let at = dice.below(nodes + missing);
                    assigned.node_name = Some(node_name(dice, at).into());
                    assigned
                })
                .collect(),
            pending: (0..4)
                .map(|at| {
                    let mut pending = pod(dice, format!("pending-{at}"));
                    pending.terminating = false;
                    pending.priority = 0;
                    pending
                })
                .collect(),
            nodes: (0..nodes).map(|at| node(dice, at)).collect(),
            objects: objects(dice, nodes.min(8)),
        }
    }

    /// What brings the cluster about, in the order of the fields.
    pub(crate) fn inputs(&self) -> Vec<Input> {
        let nodes = self.nodes.iter().map(|n| Input::NodeApplied(Arc::new(n.clone())));
        let pods = self.assigned.iter().map(|p| Input::PodApplied(Box::new(p.clone())));
        let objects =
            self.objects.iter().map(|o| Input::Object(Box::new(o.clone()), Change::Applied));
        nodes.chain(pods).chain(objects).collect()
    }

    /// The same in another order.
    pub(crate) fn shuffled(&self, seed: u64) -> Vec<Input> {
        let mut inputs = self.inputs();
        Dice::new(seed, Names::FIRST).shuffle(&mut inputs);
        inputs
    }
}

/// Names above 99 are for large clusters only, which are never renamed.
pub(crate) fn node_name(dice: &Dice, at: usize) -> String {
    if at < 100 { dice.name("node", at) } else { format!("node-{at}") }
}

pub(crate) fn node(dice: &mut Dice, at: usize) -> NodeRecord {
    let name = node_name(dice, at);
    let mut labels = vec![("kubernetes.io/hostname".to_owned(), name.clone())];
    if dice.chance(85) {
        labels.push(("topology.kubernetes.io/zone".to_owned(), dice.one("zone", 3)));
    }
    labels.extend(dice.some(3, 50, |dice, at| (dice.name("key", at), dice.one("value", 3))));
    if dice.chance(30) {
        labels.push((dice.name("key", 3), dice.pick(&["1", "5", "9"]).to_owned()));
    }
    let mut allocatable = vec![
        ("cpu", Quantity::from_units(dice.pick(&[1, 2, 4, 8]))),
        ("memory", Quantity::from_units(dice.pick(&[1, 4, 16]) << 30)),
        ("pods", Quantity::from_units(dice.pick(&[2, 10, 110]))),
        ("ephemeral-storage", Quantity::from_units(10 << 30)),
    ];
    allocatable.extend(
        dice.some(1, 40, |dice, _| {
            ("example.com/gpu", Quantity::from_units(dice.pick(&[0, 1, 4])))
        }),
    );
    NodeRecord {
        name: name.into(),
        labels: labels.into_iter().collect(),
        unschedulable: dice.chance(10),
        taints: dice.some(2, 25, |dice, _| taint(dice)),
        allocatable: allocatable.into_iter().collect::<ResourceList>(),
        images: dice.some(3, 40, |dice, at| Image {
            names: [format!("{}:1", dice.name("image", at)).into()].into(),
            size: dice.pick(&[10, 100, 800]) << 20,
        }),
        declared_features: dice
            .some(2, 60, |_, at| ["FeatureA", "FeatureB"][at].into())
            .into_boxed_slice(),
        ..NodeRecord::default()
    }
}

pub(crate) fn taint(dice: &mut Dice) -> Taint {
    use TaintEffect::{NoExecute, NoSchedule, PreferNoSchedule};
    Taint {
        key: dice.one("taint", 2).into(),
        value: if dice.chance(50) { "".into() } else { dice.one("value", 2).into() },
        effect: dice.pick(&[NoSchedule, NoExecute, PreferNoSchedule]),
    }
}

fn objects(dice: &mut Dice, nodes: usize) -> Vec<Object> {
    let mut objects = dice.some(3, 80, |dice, at| {
        Object::Namespace(NamespaceRecord {
            name: dice.name("space", at).into(),
            labels: dice.labels(),
        })
    });
    let owner = |dice: &mut Dice, name: String| SelectorOwnerRecord {
        key: ObjectKey::new(&dice.one("space", 3), &name),
        uid: name.as_str().into(),
        selector: Some(template::label_selector(dice)),
    };
    let services = dice.some(2, 40, |dice, at| {
        let mut service = owner(dice, format!("service-{at}"));
        if let Some(selector) = &mut service.selector {
            selector.match_expressions.clear();
        }
        Object::Service(service)
    });
    objects.extend(services);
    for at in 0..2 {
        let name = dice.name("owner", at);
        if dice.chance(50) {
            objects.push(Object::ReplicaSet(owner(dice, name.clone())));
        }
        if dice.chance(50) {
            objects.push(Object::StatefulSet(owner(dice, name)));
        }
    }
    objects.extend(storage::objects(dice, nodes));
    objects
}
