//! What the scheduler believes of the cluster: one owner, no locks, changed by inputs and by its
//! own decisions.
//!
//! Enter at [`Cache::apply_pod`], [`Cache::apply_node`] and [`Cache::apply_object`] for what the
//! world says, at [`Cache::assume`], [`Cache::confirm`] and [`Cache::forget`] for what we decided.
//! Every change is announced once, in the [`Log`]: rankings read from there which facts are
//! different, and waiting pods what may help them ([`Changed`]).

mod announce;
mod assume;
mod change;
mod check;
mod conditions;
mod entry;
mod frozen;
mod holds;
mod kinds;
mod log;
mod nodes;
mod nominations;
mod objects;
mod pods;
mod saved;

pub(crate) use change::Moved;
pub use change::{Changed, ChangedObject};
pub use entry::Logged;
pub use holds::VolumeHolds;
pub use kinds::KINDS_MAX;
pub use log::{LOG_MAX, Log, Mark};
pub use nominations::Nominations;
pub use objects::Objects;
pub use pods::{Pending, PodApplied};

use objects::ClaimUsers;

use hashbrown::HashSet;
use rustc_hash::FxBuildHasher;

use crate::base::{ClassIdx, HashKey, NodeIdx, PodIdx, PodMap, Sym, Symbols};
use crate::model::PodView;
use crate::model::{
    Alike, Class, Classes, Dims, Footprint, ImageStates, LabelSets, NodeTable, Pods,
};

/// The cluster as the scheduler knows it, assumed pods included.
#[derive(Debug)]
pub struct Cache {
    symbols: Symbols,
    dims: Dims,
    labels: LabelSets,
    classes: Classes,
    nodes: NodeTable,
    images: ImageStates,
    pods: Pods,
    // Pods whose footprint is not their class's: in-place resizes under way (KEP-1287).
    resized: PodMap<Footprint>,
    // What only unassigned pods have.
    pending: PodMap<Pending>,
    nominations: Nominations,
    objects: Objects,
    claim_users: ClaimUsers,
    holds: VolumeHolds,
    schedulers: HashSet<Sym, FxBuildHasher>,
    assumed: usize,
    log: Log,
}

/// With [`HashKey::PUBLIC`].
impl Default for Cache {
    fn default() -> Self {
        Self::new(HashKey::PUBLIC)
    }
}

impl Cache {
    /// An empty cluster, whose names are hashed by `key`.
    pub fn new(key: HashKey) -> Self {
        let mut symbols = Symbols::new(key);
        Self {
            dims: Dims::new(&mut symbols),
            symbols,
            labels: LabelSets::new(key),
            classes: Classes::new(key),
            nodes: NodeTable::default(),
            images: ImageStates::default(),
            pods: Pods::new(key),
            resized: PodMap::default(),
            pending: PodMap::default(),
            nominations: Nominations::default(),
            objects: Objects::new(key),
            claim_users: ClaimUsers::new(key),
            holds: VolumeHolds::new(key),
            schedulers: HashSet::default(),
            assumed: 0,
            log: Log::default(),
        }
    }

    /// Whether nothing has been taken in yet.
    pub fn is_empty(&self) -> bool {
        self.pods.count() == 0 && self.nodes.rows() == 0 && self.objects.is_empty()
    }

    /// The node of this name, with an object or without.
    pub fn find_node(&self, name: &str) -> Option<NodeIdx> {
        self.nodes.find(self.symbols.get(name)?)
    }

    /// The strings behind symbols.
    pub fn symbols(&self) -> &Symbols {
        &self.symbols
    }

    /// The resources known.
    pub fn dims(&self) -> &Dims {
        &self.dims
    }

    /// The nodes.
    pub fn nodes(&self) -> &NodeTable {
        &self.nodes
    }

    /// The images on nodes.
    pub fn images(&self) -> &ImageStates {
        &self.images
    }

    /// All pods, ours or not, assigned or not.
    pub fn pods(&self) -> &Pods {
        &self.pods
    }

    /// Label sets of pods.
    pub fn labels(&self) -> &LabelSets {
        &self.labels
    }

    /// Classes of pods.
    pub fn classes(&self) -> &Classes {
        &self.classes
    }

    /// Objects other than pods and nodes.
    pub fn objects(&self) -> &Objects {
        &self.objects
    }

    /// Pods that are promised a node.
    pub fn nominations(&self) -> &Nominations {
        &self.nominations
    }

    /// Number of assumed pods.
    pub fn assumed_count(&self) -> usize {
        self.assumed
    }

    /// What tells a pod apart from others of its class, as long as [`Cache::selected_count`] stays.
    pub fn alike(&self, pod: PodIdx) -> Option<Alike> {
        let row = self.pods.get(pod)?;
        let selected = self.classes.selected();
        let pairs = self.labels.pairs(row.labels).iter().copied();
        Some(Alike {
            labels: pairs.filter(|(key, _)| selected.contains(key)).collect(),
            owner: self.pending(pod).and_then(|pending| pending.owner.clone()),
        })
    }

    /// Number of label keys that selectors ask for, or have asked for; it only grows.
    pub fn selected_count(&self) -> usize {
        self.classes.selected().len()
    }

    /// What an unassigned pod has beyond its row.
    pub fn pending(&self, pod: PodIdx) -> Option<&Pending> {
        self.pending.get(pod)
    }

    /// The pod's class.
    pub fn class_of(&self, pod: PodIdx) -> Option<(ClassIdx, &Class)> {
        let class = self.pods.get(pod)?.class;
        Some((class, self.classes.get(class)?))
    }

    /// The pod as plugins see it.
    pub fn view(&self, pod: PodIdx) -> Option<PodView<'_>> {
        let row = self.pods.get(pod)?;
        let pending = self.pending.get(pod);
        Some(PodView {
            idx: pod,
            name: &row.name,
            class: self.classes.get(row.class)?,
            labels: row.labels,
            priority: row.priority,
            node_name: pending.and_then(|p| p.node_name),
            gates: pending.map(|p| p.gates.as_ref()).unwrap_or_default(),
            owner: pending.and_then(|p| p.owner.as_ref()),
        })
    }

    /// What the pod takes on its node.
    pub fn footprint(&self, pod: PodIdx) -> Option<&Footprint> {
        if let Some(own) = self.resized.get(pod) {
            return Some(own);
        }
        self.class_of(pod).map(|(_, class)| class.footprint.as_ref())
    }

    /// `namespace/name` of the pod, for texts.
    pub fn pod_name(&self, pod: PodIdx) -> String {
        let Some(row) = self.pods.get(pod) else { return String::new() };
        let namespace = self.classes.get(row.class).map_or("", |c| self.symbols.text(c.namespace));
        format!("{namespace}/{}", row.name)
    }

    /// The node's name.
    pub fn node_name(&self, node: NodeIdx) -> &str {
        self.nodes.name(node).map_or("", |name| self.symbols.text(name))
    }

    /// The scheduler names that are ours, by their symbols.
    pub(crate) fn schedulers(&self) -> Vec<Sym> {
        let mut names: Vec<Sym> = self.schedulers.iter().copied().collect();
        names.sort_unstable();
        names
    }

    /// Whether the pod names a scheduler of ours.
    fn is_ours(&self, pod: PodIdx) -> bool {
        self.class_of(pod).is_some_and(|(_, class)| self.schedulers.contains(&class.scheduler))
    }

    /// Sets the scheduler names that are ours, and tells which unassigned pods change sides: those
    /// to queue now, and those to leave alone from now on.
    pub(crate) fn set_schedulers<'a>(
        &mut self,
        names: impl Iterator<Item = &'a str>,
    ) -> (Vec<PodIdx>, Vec<PodIdx>) {
        use crate::model::Stage;
        self.schedulers = names.map(|n| self.symbols.intern(n)).collect();
        let pick = |stage, mine| {
            let all = self.pods.iter().filter(|(_, p)| p.stage == stage);
            all.map(|(pod, _)| pod).filter(|pod| self.is_ours(*pod) == mine).collect()
        };
        let (come, go): (Vec<PodIdx>, Vec<PodIdx>) =
            (pick(Stage::Foreign, true), pick(Stage::Queued, false));
        for (pods, stage) in [(&come, Stage::Queued), (&go, Stage::Foreign)] {
            for pod in pods {
                if let Some(row) = self.pods.get_mut(*pod) {
                    row.stage = stage;
                }
            }
        }
        // Only pods of ours hold room by a nomination.
        for pod in &go {
            self.drop_nomination(*pod);
        }
        for pod in &come {
            self.complete(*pod);
            if let Some(node) = self.pending.get(*pod).and_then(|p| p.nominated) {
                self.nominate(*pod, node);
            }
        }
        (come, go)
    }
}
