//! Jobs: a template each, shared by its pods.

use std::sync::Arc;

use berth_engine::record::{
    Affinity, Container, LabelSelector, NodeSelector, NodeSelectorTerm, PodAffinityTerm, PodRecord,
    PodSpec, Preferred, Quantity, Requirement, SelectorOp, StringMap, Toleration, TolerationOp,
    TopologySpreadConstraint, Volume, WhenUnsatisfiable,
};

use super::cluster::{POOL, image_name, node_name, taint_key};

/// Pods that are alike.
#[derive(Debug, Clone)]
pub struct Job {
    pub app: String,
    pub labels: StringMap,
    pub cpu_milli: i64,
    pub memory_mib: i64,
    /// The image's number, where it has one.
    pub image: Option<usize>,
    pub spec: Arc<PodSpec>,
}

/// The uid of pod `pod`, in the API server's form.
pub fn uid(pod: usize) -> String {
    format!("00000000-0000-4000-8000-{pod:012x}")
}

/// The number in a uid of [`uid`].
pub fn pod_number(uid: &str) -> usize {
    usize::from_str_radix(&uid[24..], 16).unwrap()
}

impl Job {
    /// Asks for CPU and memory only.
    pub fn plain(app: &str, cpu_milli: i64, memory_mib: i64) -> Self {
        let spec = PodSpec {
            scheduler_name: "berth".into(),
            containers: vec![Container::requesting([
                ("cpu", Quantity::from_milli(cpu_milli)),
                ("memory", Quantity::from_units(memory_mib << 20)),
            ])],
            ..PodSpec::default()
        };
        Self {
            app: app.to_owned(),
            labels: [("app", app)].into_iter().collect(),
            cpu_milli,
            memory_mib,
            image: None,
            spec: Arc::new(spec),
        }
    }

    /// scheduler_perf's `pod-default.yaml`.
    pub fn default_size(app: &str) -> Self {
        Self::plain(app, 100, 500)
    }

    fn with(mut self, change: impl FnOnce(&mut PodSpec)) -> Self {
        change(Arc::make_mut(&mut self.spec));
        self
    }

    fn with_affinity(self, change: impl FnOnce(&mut Affinity)) -> Self {
        self.with(|spec| change(spec.affinity.get_or_insert_default()))
    }

    pub fn image(mut self, image: usize) -> Self {
        self.image = Some(image);
        self.with(|spec| spec.containers[0].image = image_name(image).into())
    }

    /// Required affinity to pods of `app`.
    pub fn near(self, app: &str, key: &str) -> Self {
        self.with_affinity(|affinity| affinity.pod_required.push(term(app, key)))
    }

    /// Required anti-affinity to pods of `app`.
    pub fn apart(self, app: &str, key: &str) -> Self {
        self.with_affinity(|affinity| affinity.anti_required.push(term(app, key)))
    }

    /// Preferred anti-affinity to pods of `app`.
    pub fn rather_apart(self, app: &str, key: &str) -> Self {
        let preferred = Preferred { weight: 100, term: term(app, key) };
        self.with_affinity(|affinity| affinity.anti_preferred.push(preferred))
    }

    /// A spread constraint over the Job's own pods.
    pub fn spread(self, key: &str, max_skew: i32, when: WhenUnsatisfiable) -> Self {
        let constraint = TopologySpreadConstraint {
            max_skew,
            topology_key: key.into(),
            when_unsatisfiable: when,
            selector: Some(selects(&self.app)),
            min_domains: None,
            honor_node_affinity: true,
            honor_node_taints: false,
            match_label_keys: Box::default(),
        };
        self.with(|spec| spec.topology_spread.push(constraint))
    }

    /// Required node affinity to these pools.
    pub fn in_pools(self, pools: &[usize]) -> Self {
        let values = pools.iter().map(|pool| format!("pool-{pool}").into()).collect();
        let requirement = Requirement { key: POOL.into(), op: SelectorOp::In, values };
        let term =
            NodeSelectorTerm { match_expressions: vec![requirement], match_fields: Vec::new() };
        self.with_affinity(|a| a.node_required = Some(NodeSelector { terms: vec![term] }))
    }

    /// With the claim of this name.
    pub fn mounting(self, claim: &str) -> Self {
        self.with(|spec| spec.volumes.push(Volume::Claim { name: claim.into(), read_only: false }))
    }

    /// With `count` tolerations, of which those that nodes' taints ask for are the last; Jobs
    /// differ by their own number.
    pub fn tolerating(self, job: usize, count: usize) -> Self {
        let tolerates = |taint| Toleration {
            key: taint_key(taint).into(),
            op: TolerationOp::Exists,
            ..Toleration::default()
        };
        let own = Toleration { key: format!("example.com/job-{job}").into(), ..tolerates(0) };
        self.with(|spec| {
            spec.tolerations.extend([own].into_iter().chain((0..count).rev().map(tolerates)));
        })
    }

    /// Bound to one node by `matchFields`, as the DaemonSet controller does.
    pub fn on_node(self, node: usize) -> Self {
        let requirement = Requirement {
            key: "metadata.name".into(),
            op: SelectorOp::In,
            values: [node_name(node).into()].into(),
        };
        let term =
            NodeSelectorTerm { match_expressions: Vec::new(), match_fields: vec![requirement] };
        self.with_affinity(|a| a.node_required = Some(NodeSelector { terms: vec![term] }))
    }

    /// Pod number `pod` of the workload.
    pub fn pod(&self, pod: usize) -> PodRecord {
        let name = format!("{}-{pod}", self.app);
        let mut record = PodRecord::new("default", &name, &uid(pod), Arc::clone(&self.spec));
        record.labels = self.labels.clone();
        record
    }
}

fn selects(app: &str) -> LabelSelector {
    LabelSelector {
        match_labels: [("app", app)].into_iter().collect(),
        match_expressions: Vec::new(),
    }
}

fn term(app: &str, key: &str) -> PodAffinityTerm {
    PodAffinityTerm {
        selector: Some(selects(app)),
        topology_key: key.into(),
        ..PodAffinityTerm::default()
    }
}
