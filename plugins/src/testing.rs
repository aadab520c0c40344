//! The kit of the plugins' tests: scenes in words. Plugins that look at other pods have theirs in
//! [`topology`]; the others are checked on a scene written in one line:
//! `pod cpu=1 + memory=1Gi / node a cpu=4 / node b cpu=1 / on b cpu=1`.
//!
//! | part | words |
//! |---|---|
//! | `pod …` | the pod in question: `RESOURCE=AMOUNT`, `+` for the next container, `whole.RESOURCE=AMOUNT` for the pod level, `image=NAME`, `port=[IP:]PORT[/PROTOCOL]`, `select=KEY=VALUE`, `tolerate=KEY[=VALUE][:EFFECT]` (`*` for any key), `volume=…` (see [`storage::volume`]) |
//! | `node NAME …` | `RESOURCE=AMOUNT` allocatable (110 pods unless said), `label=KEY=VALUE`, `taint=KEY=VALUE:EFFECT`, `image=NAME*SIZE`, `unschedulable` |
//! | `on NODE …` | a pod that is there already, with the words of `pod` |

#![allow(clippy::unwrap_used)]

mod storage;
mod topology;

use std::sync::Arc;

use berth_engine::base::{NodeIdx, PodIdx, Sym};
use berth_engine::cache::Cache;
use berth_engine::framework::{
    Cause, Context, Plugin, PreFiltered, PreScored, Reason, State, Verdict, Verdicts,
};
use berth_engine::model::Dims;
use berth_engine::record::{
    Container, HostPort, Image, NodeRecord, PodRecord, PodSpec, Quantity, ResourceList, StringMap,
    Taint, TaintEffect, Toleration, TolerationOp,
};
use berth_engine::{Change, Object};

pub(crate) use topology::{TopologyScene, key};

/// A cluster and a pod.
pub(crate) struct Scene {
    pub(crate) cache: Cache,
    pod: PodIdx,
    nodes: Vec<NodeIdx>,
    node_name: Option<Sym>,
}

/// Checks the verdicts of `plugin` on the scene of `text`, such as
/// `a fits | b unschedulable Insufficient cpu, Insufficient memory`.
pub(crate) fn check_filter(plugin: &dyn Plugin, text: &str, expected: &str) {
    Scene::parse(text).check_filter(plugin, expected);
}

/// Checks the normalized scores on the scene of `text`, such as `a 50 | b 75`, or `skip`.
pub(crate) fn check_scores(plugin: &dyn Plugin, text: &str, expected: &str) {
    Scene::parse(text).check_scores(plugin, expected);
}

/// Storage objects, see [`storage::objects`].
pub(crate) fn stored(text: &str) -> Vec<Object> {
    storage::objects(text)
}

impl Scene {
    pub(crate) fn parse(text: &str) -> Self {
        Self::with(text, |_| {})
    }

    /// The scene with a pod whose template `edit` completes by what the words cannot say.
    pub(crate) fn with(text: &str, edit: impl FnOnce(&mut PodSpec)) -> Self {
        let mut cache = Cache::default();
        let mut edit = Some(edit);
        let mut names = Vec::new();
        for (at, part) in text.split(" / ").enumerate() {
            let mut words = part.split_whitespace();
            match words.next() {
                Some("pod") => {
                    let mut spec = spec(words);
                    edit.take().unwrap()(&mut spec);
                    cache.apply_pod(&PodRecord::new("default", "pod", "the-pod", Arc::new(spec)));
                }
                Some("node") => {
                    let node = node(words);
                    names.push(node.name.clone());
                    cache.apply_node(&Arc::new(node));
                }
                Some("on") => {
                    let on = words.next().unwrap();
                    let uid = format!("pod-{at}");
                    let spec = Arc::new(spec(words));
                    let mut pod = PodRecord::new("default", &uid, &uid, spec);
                    pod.node_name = Some(on.into());
                    cache.apply_pod(&pod);
                }
                other => panic!("{other:?} in {text:?}"),
            }
        }
        let find = |name: &str| cache.symbols().get(name).and_then(|n| cache.nodes().find(n));
        let nodes = names.iter().map(|n| find(n).unwrap()).collect();
        let pod = cache.pods().find("the-pod").unwrap();
        Self { cache, pod, nodes, node_name: None }
    }

    /// Lets the pod name a node in its spec.
    pub(crate) fn pretend_node_name(&mut self, name: &str) {
        if self.cache.symbols().get(name).is_none() {
            self.cache.apply_node(&Arc::new(NodeRecord { name: name.into(), ..<_>::default() }));
            self.cache.delete_node(name);
        }
        self.node_name = self.cache.symbols().get(name);
    }

    /// Adds storage objects, see [`storage::objects`].
    pub(crate) fn store(&mut self, text: &str) {
        for object in stored(text) {
            self.cache.apply_object(&object, Change::Applied);
        }
    }

    /// Changes what words cannot say of a node.
    pub(crate) fn edit_node(&mut self, name: &str, edit: impl FnOnce(&mut NodeRecord)) {
        let symbol = self.cache.symbols().get(name).unwrap();
        let node = self.cache.nodes().find(symbol).unwrap();
        let mut record = NodeRecord::clone(self.cache.nodes().record(node).unwrap());
        edit(&mut record);
        self.cache.apply_node(&Arc::new(record));
    }

    pub(crate) fn context(&self) -> Context<'_> {
        let mut pod = self.cache.view(self.pod).unwrap();
        pod.node_name = self.node_name;
        Context { cache: &self.cache, nodes: self.cache.nodes(), pod }
    }

    pub(crate) fn pre_filter(&self, plugin: &dyn Plugin) -> PreFiltered {
        let point = plugin.as_pre_filter().unwrap();
        point.pre_filter(&self.context(), &mut State::default())
    }

    pub(crate) fn check_pre_filter(&self, plugin: &dyn Plugin, expected: &PreFiltered) {
        assert_eq!(&self.pre_filter(plugin), expected, "{}", plugin.name());
    }

    /// `skip` where PreFilter says so; a filter has to say the same with and without PreFilter's
    /// state.
    pub(crate) fn check_filter(&self, plugin: &dyn Plugin, expected: &str) {
        let cx = self.context();
        let mut state = State::default();
        let before = plugin.as_pre_filter().unwrap().pre_filter(&cx, &mut state);
        if before == PreFiltered::Skip {
            assert_eq!("skip", expected, "{}", plugin.name());
            return;
        }
        for state in [&state, &State::default()] {
            let mut slots = vec![Verdict::Fit; self.nodes.len()];
            let filter = plugin.as_filter().unwrap();
            filter.filter(&cx, state, &self.nodes, &mut Verdicts::new(&mut slots));
            let verdicts = slots.iter().map(|slot| verdict(slot, self.cache.dims()));
            assert_eq!(self.listed(verdicts), expected, "{}", plugin.name());
        }
    }

    /// What the first reason of each node is made of.
    pub(crate) fn causes(&self, plugin: &dyn Plugin) -> Vec<Option<Cause>> {
        let mut slots = vec![Verdict::Fit; self.nodes.len()];
        let filter = plugin.as_filter().unwrap();
        let mut verdicts = Verdicts::new(&mut slots);
        filter.filter(&self.context(), &State::default(), &self.nodes, &mut verdicts);
        slots.iter().map(|slot| slot.reasons().first().and_then(Reason::cause).cloned()).collect()
    }

    pub(crate) fn check_scores(&self, plugin: &dyn Plugin, expected: &str) {
        let cx = self.context();
        let mut state = State::default();
        let before = plugin.as_pre_score().map(|p| p.pre_score(&cx, &self.nodes, &mut state));
        if before == Some(PreScored::Skip) {
            assert_eq!("skip", expected, "{}", plugin.name());
            return;
        }
        let score = plugin.as_score().unwrap();
        for state in [&state, &State::default()] {
            let mut scores = vec![0; self.nodes.len()];
            score.score(&cx, state, &self.nodes, &mut scores);
            score.normalize(&cx, state, &mut scores);
            let scores = scores.iter().map(i64::to_string);
            assert_eq!(self.listed(scores), expected, "{}", plugin.name());
        }
    }

    fn listed(&self, items: impl Iterator<Item = String>) -> String {
        let named = self.nodes.iter().zip(items);
        let all: Vec<_> =
            named.map(|(n, item)| format!("{} {item}", self.cache.node_name(*n))).collect();
        all.join(" | ")
    }
}

fn verdict(verdict: &Verdict, dims: &Dims) -> String {
    let how = match verdict {
        Verdict::Fit => return "fits".to_owned(),
        Verdict::Reject { resolvable: true, .. } => "unschedulable",
        Verdict::Reject { resolvable: false, .. } => "unresolvable",
        Verdict::Broken(fault) => return format!("broken {fault}"),
    };
    format!("{how} {}", Reason::join(verdict.reasons(), dims))
}

fn spec<'a>(words: impl Iterator<Item = &'a str>) -> PodSpec {
    let mut spec = PodSpec::default();
    let mut select = Vec::new();
    let mut whole = Vec::new();
    let mut container = Container { name: "c0".into(), ..Container::default() };
    let mut requests = Vec::new();
    for word in words {
        match word.split_once('=') {
            None => {
                assert_eq!(word, "+");
                container.requests = requests.drain(..).collect();
                spec.containers.push(container);
                let name = format!("c{}", spec.containers.len());
                container = Container { name: name.into(), ..Container::default() };
            }
            Some(("image", name)) => container.image = name.into(),
            Some(("port", port)) => container.host_ports.push(host_port(port)),
            Some(("select", label)) => select.push(label.split_once('=').unwrap()),
            Some(("volume", text)) => spec.volumes.push(storage::volume(text)),
            Some(("tolerate", text)) => spec.tolerations.push(toleration(text)),
            Some((resource, amount)) => match resource.strip_prefix("whole.") {
                Some(resource) => whole.push((resource, Quantity::parse(amount).unwrap())),
                None => requests.push((resource, Quantity::parse(amount).unwrap())),
            },
        }
    }
    container.requests = requests.into_iter().collect();
    spec.containers.push(container);
    spec.node_selector = select.into_iter().collect();
    spec.pod_requests = (!whole.is_empty()).then(|| whole.into_iter().collect());
    spec
}

fn node<'a>(mut words: impl Iterator<Item = &'a str>) -> NodeRecord {
    let mut node = NodeRecord { name: words.next().unwrap().into(), ..NodeRecord::default() };
    let mut allocatable = vec![("pods", Quantity::from_units(110))];
    let mut labels = Vec::new();
    for word in words {
        match word.split_once('=') {
            None => node.unschedulable = word == "unschedulable",
            Some(("label", label)) => labels.push(label.split_once('=').unwrap()),
            Some(("taint", text)) => node.taints.push(taint(text)),
            Some(("image", text)) => {
                let (name, size) = text.split_once('*').unwrap();
                let size = Quantity::parse(size).unwrap().value();
                node.images.push(Image { names: [name.into()].into(), size });
            }
            Some((resource, amount)) => {
                allocatable.push((resource, Quantity::parse(amount).unwrap()));
            }
        }
    }
    node.labels = labels.into_iter().collect::<StringMap>();
    node.allocatable = allocatable.into_iter().collect::<ResourceList>();
    node
}

fn taint(text: &str) -> Taint {
    let (key, rest) = text.split_once('=').unwrap();
    let (value, effect) = rest.split_once(':').unwrap();
    Taint { key: key.into(), value: value.into(), effect: self::effect(effect) }
}

fn toleration(text: &str) -> Toleration {
    let (rest, effect) = text.split_once(':').map_or((text, None), |(r, e)| (r, Some(effect(e))));
    let (key, value) = rest.split_once('=').map_or((rest, None), |(k, v)| (k, Some(v)));
    Toleration {
        key: if key == "*" { "" } else { key }.into(),
        op: if value.is_some() { TolerationOp::Equal } else { TolerationOp::Exists },
        value: value.unwrap_or("").into(),
        effect,
    }
}

fn effect(text: &str) -> TaintEffect {
    match text {
        "NoSchedule" => TaintEffect::NoSchedule,
        "PreferNoSchedule" => TaintEffect::PreferNoSchedule,
        "NoExecute" => TaintEffect::NoExecute,
        _ => TaintEffect::Unknown,
    }
}

fn host_port(text: &str) -> HostPort {
    let (rest, protocol) = text.split_once('/').unwrap_or((text, ""));
    let (ip, port) = rest.rsplit_once(':').unwrap_or(("", rest));
    HostPort { ip: ip.into(), protocol: protocol.into(), port: port.parse().unwrap() }
}
