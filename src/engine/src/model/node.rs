//! Nodes in columns: what each offers, what is taken, who is there.

mod check;
mod extract;
mod overflow;
mod room;
mod saved;

pub(crate) use check::Placed;
pub use room::{Amounts, Column, Room, evenness};

use std::sync::Arc;

use hashbrown::HashMap;
use rustc_hash::FxBuildHasher;
use smallvec::SmallVec;

use crate::base::{NodeIdx, NodeSet, Paged, PodIdx, Sym, Symbols, missing};
use crate::record::NodeRecord;

use super::selector::node_labels;
use super::term_holders::TermHolders;
use super::{Class, Dim, Dims, Footprint, Request, Taints, Tolerations, UsedPort};
use room::Rooms;

/// The node table. A row exists from the first pod or node object that names it until both are
/// gone; it is live while there is a node object (`NodeInfo.Node() != nil`).
///
/// What is read together lies together: with 3 resources a node costs 88 bytes of numbers, its
/// labels 8 bytes each, its name and pods 64 bytes and, where the pods are more than ten, 4 bytes
/// for each.
///
/// A snapshot copies what is numbers, as loops read it in one piece: 170 bytes a node, 0.1 ms for
/// 5,000. It shares what is on the heap, in pages.
#[derive(Debug, Clone, Default)]
pub struct NodeTable {
    by_name: HashMap<Sym, NodeIdx, FxBuildHasher>,
    free: Vec<NodeIdx>,
    live: NodeSet,
    names: Vec<Sym>,
    records: Paged<Option<Arc<NodeRecord>>>,
    labels: Paged<Box<[(Sym, Sym)]>>,
    taints: Paged<Taints>,
    unschedulable: Vec<bool>,
    rooms: Rooms,
    // Placements go all over the cluster, so most of them copy a page after a snapshot: small ones.
    places: Paged<Places, 8>,
    ports: Paged<Vec<UsedPort>>,
    term_holders: TermHolders,
    images: Paged<Box<[(Sym, i64)]>>,
    relabelled: u64,
    placed: usize,
}

/// The pods on a node, and its name, which every bind takes along: read together wherever a pod is
/// placed, and up to ten pods in one line of the cache.
#[derive(Debug, Clone, Default)]
#[repr(align(64))]
struct Places {
    pods: SmallVec<[PodIdx; 10]>,
    name: Arc<str>,
}

macro_rules! column {
    ($(#[$doc:meta])* $name:ident: $kind:ty) => {
        $(#[$doc])*
        pub fn $name(&self, node: NodeIdx) -> $kind {
            self.$name.get(node.at()).copied().unwrap_or_default()
        }
    };
}

impl NodeTable {
    column! {
        /// Whether `spec.unschedulable` is set.
        unschedulable: bool
    }

    /// How many pods the node takes (`status.allocatable.pods`).
    pub fn pods_allowed(&self, node: NodeIdx) -> i64 {
        self.rooms.left(node) + self.pods(node).len() as i64
    }

    /// The room of the nodes by row; rows that are missing have none.
    pub fn rooms(&self) -> &[Room] {
        self.rooms.rows()
    }

    /// The live nodes.
    pub fn live(&self) -> &NodeSet {
        &self.live
    }

    /// The row of the node named `name`, live or not.
    pub fn find(&self, name: Sym) -> Option<NodeIdx> {
        self.by_name.get(&name).copied()
    }

    /// The text of the node's name, for whoever keeps it.
    #[inline]
    pub fn shared_name(&self, node: NodeIdx) -> Arc<str> {
        self.places.get(node.at()).map(|p| Arc::clone(&p.name)).unwrap_or_default()
    }

    /// The node's name.
    #[inline]
    pub fn name(&self, node: NodeIdx) -> Option<Sym> {
        self.names.get(node.at()).copied()
    }

    /// The object behind a live node, for plugins that read what is not in columns.
    #[inline]
    pub fn record(&self, node: NodeIdx) -> Option<&Arc<NodeRecord>> {
        self.records.get(node.at())?.as_ref()
    }

    /// Labels, sorted by key symbol.
    #[inline]
    pub fn labels(&self, node: NodeIdx) -> &[(Sym, Sym)] {
        self.labels.get(node.at()).map(|l| l.as_ref()).unwrap_or_default()
    }

    /// The value of label `key`.
    #[inline]
    pub fn label(&self, node: NodeIdx, key: Sym) -> Option<Sym> {
        let labels = self.labels(node);
        let at = labels.binary_search_by_key(&key, |(k, _)| *k).ok()?;
        labels.get(at).map(|(_, v)| *v)
    }

    /// Taints in the order of the object.
    #[inline]
    pub fn taints(&self, node: NodeIdx) -> &[(Sym, Sym, crate::record::TaintEffect)] {
        self.taints.get(node.at()).map(|t| t.as_ref()).unwrap_or_default()
    }

    /// Allocatable amount of `dim`.
    pub fn allocatable(&self, node: NodeIdx, dim: Dim) -> i64 {
        self.amount(node, dim).allocatable
    }

    /// Sum of the requests of the pods on the node.
    pub fn requested(&self, node: NodeIdx, dim: Dim) -> i64 {
        self.amount(node, dim).requested
    }

    /// Sum of what the pods count as when scoring: CPU or memory, see [`Footprint::nonzero`].
    pub fn nonzero_requested(&self, node: NodeIdx, dim: Dim) -> i64 {
        self.amount(node, dim).nonzero
    }

    /// The amounts of `dim`.
    pub fn column(&self, dim: Dim) -> Column<'_> {
        self.rooms.column(dim)
    }

    fn amount(&self, node: NodeIdx, dim: Dim) -> Amounts {
        self.column(dim).get(node).copied().unwrap_or_default()
    }

    /// Pods on the node, assumed ones included, in the order kube-scheduler keeps them.
    #[inline]
    pub fn pods(&self, node: NodeIdx) -> &[PodIdx] {
        self.places.get(node.at()).map(|p| p.pods.as_slice()).unwrap_or_default()
    }

    /// Host ports taken, sorted, with repeats where pods share one.
    #[inline]
    pub fn ports(&self, node: NodeIdx) -> &[UsedPort] {
        self.ports.get(node.at()).map(|p| p.as_slice()).unwrap_or_default()
    }

    /// Nodes, live or not, with pods that have affinity terms of any kind.
    pub fn with_terms(&self) -> &NodeSet {
        self.term_holders.any()
    }

    /// Nodes, live or not, with pods that have required anti-affinity terms.
    pub fn with_repelling_terms(&self) -> &NodeSet {
        self.term_holders.repelling()
    }

    /// Names of the images on the node, with the size in bytes that this node reports.
    #[inline]
    pub fn images(&self, node: NodeIdx) -> &[(Sym, i64)] {
        self.images.get(node.at()).map(|i| i.as_ref()).unwrap_or_default()
    }

    /// Number of rows, live or not.
    pub fn rows(&self) -> usize {
        self.names.len()
    }

    /// Number of pods on all rows, live or not.
    pub fn placed(&self) -> usize {
        self.placed
    }

    /// Pages that a snapshot has as well.
    pub(crate) fn shared_pages(&self) -> usize {
        let of_object = self.records.shared_pages() + self.labels.shared_pages();
        let of_pods = self.places.shared_pages() + self.ports.shared_pages();
        of_object + of_pods + self.taints.shared_pages() + self.images.shared_pages()
    }

    /// Counts the changes of labels, and of which nodes there are.
    pub fn relabelled(&self) -> u64 {
        self.relabelled
    }

    /// The row of `name`, made where there is none.
    pub(crate) fn row(&mut self, name: Sym, symbols: &Symbols) -> NodeIdx {
        if let Some(node) = self.find(name) {
            return node;
        }
        let node = self.free.pop().unwrap_or_else(|| self.grow());
        if let Some(slot) = self.names.get_mut(node.at()) {
            *slot = name;
        }
        if let Some(places) = self.places.get_mut(node.at()) {
            places.name = symbols.shared_text(name);
        }
        self.by_name.insert(name, node);
        node
    }

    fn grow(&mut self) -> NodeIdx {
        let node = NodeIdx::new(self.names.len());
        self.records.push(None);
        self.labels.push(Box::default());
        self.taints.push(Box::default());
        self.unschedulable.push(false);
        self.rooms.grow();
        self.places.push(Places::default());
        self.ports.push(Vec::new());
        self.images.push(Box::default());
        self.names.push(Sym::FIRST);
        node
    }

    /// Sets the object of a row and so makes it live. Images are the caller's: they are counted
    /// over all nodes.
    pub(crate) fn set_record(
        &mut self,
        node: NodeIdx,
        record: &Arc<NodeRecord>,
        dims: &mut Dims,
        symbols: &mut Symbols,
    ) {
        let at = node.at();
        let offered = Request::from_list(&record.allocatable, dims, symbols);
        let pods = record.allocatable.get("pods").map_or(0, crate::record::Quantity::value);
        // A node that takes fewer than no pods takes none.
        let left = pods.max(0) - self.pods(node).len() as i64;
        self.rooms.offer(at, dims.count(), &offered, left);
        let labels = node_labels(&record.labels, symbols);
        if !self.live.contains(node) || self.labels(node) != labels.as_ref() {
            self.relabelled += 1;
        }
        self.labels.set(at, labels);
        self.taints.set(at, Tolerations::taints(&record.taints, symbols));
        put(&mut self.unschedulable, at, record.unschedulable);
        self.records.set(at, Some(Arc::clone(record)));
        self.live.insert(node);
    }

    pub(crate) fn set_images(
        &mut self,
        node: NodeIdx,
        images: Box<[(Sym, i64)]>,
    ) -> Box<[(Sym, i64)]> {
        self.images
            .get_mut(node.at())
            .map(|slot| std::mem::replace(slot, images))
            .unwrap_or_default()
    }

    /// Takes the object of a row away; the row stays while pods are on it.
    pub(crate) fn clear_record(&mut self, node: NodeIdx) {
        let at = node.at();
        self.rooms.offer(at, 0, &Request::default(), -(self.pods(node).len() as i64));
        self.labels.set(at, Box::default());
        self.taints.set(at, Box::default());
        put(&mut self.unschedulable, at, false);
        self.records.set(at, None);
        self.relabelled += 1;
        self.live.remove(node);
        self.free_if_empty(node);
    }

    /// Adds a pod; its place in [`NodeTable::pods`] is returned.
    pub(crate) fn add_pod(
        &mut self,
        node: NodeIdx,
        pod: PodIdx,
        footprint: &Footprint,
        class: &Class,
    ) -> usize {
        self.rooms.account(node.at(), footprint, 1);
        if !class.ports.is_empty()
            && let Some(used) = self.ports.get_mut(node.at())
        {
            used.extend_from_slice(&class.ports);
            used.sort_unstable();
        }
        if let Some(terms) = &class.pod_terms {
            self.term_holders.add(node, terms);
        }
        let Some(Places { pods, .. }) = self.places.get_mut(node.at()) else {
            missing("node", node.at());
            return 0;
        };
        pods.push(pod);
        self.placed += 1;
        pods.len() - 1
    }

    /// Takes the pod at place `slot` away; the pod that moved into its place, if any, is returned.
    pub(crate) fn remove_pod(
        &mut self,
        node: NodeIdx,
        slot: usize,
        footprint: &Footprint,
        class: &Class,
    ) -> Option<PodIdx> {
        self.rooms.account(node.at(), footprint, -1);
        if !class.ports.is_empty()
            && let Some(used) = self.ports.get_mut(node.at())
        {
            // Both are sorted: one of each goes.
            let mut gone = class.ports.iter().peekable();
            used.retain(|port| gone.next_if_eq(&port).is_none());
        }
        if let Some(terms) = &class.pod_terms {
            self.term_holders.remove(node, terms);
        }
        let Places { pods, .. } = self.places.get_mut(node.at())?;
        if slot < pods.len() {
            pods.swap_remove(slot);
            self.placed -= 1;
        }
        let moved = pods.get(slot).copied();
        self.free_if_empty(node);
        moved
    }

    fn free_if_empty(&mut self, node: NodeIdx) {
        if self.live.contains(node) || !self.pods(node).is_empty() {
            return;
        }
        let Some(name) = self.name(node) else { return missing("node", node.at()) };
        if self.by_name.get(&name) == Some(&node) {
            self.by_name.remove(&name);
            self.free.push(node);
        }
    }
}

fn put<T>(column: &mut [T], at: usize, value: T) {
    if let Some(slot) = column.get_mut(at) {
        *slot = value;
    }
}
