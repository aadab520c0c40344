//! What holds of the node table: each row against its object, and against the pods on it.

use std::collections::BTreeMap;

use crate::base::{NodeIdx, PodIdx, Sweep, Symbols};
use crate::model::{Class, Dim, Dims, Footprint, Pod, UsedPort};
use crate::record::{NodeRecord, Quantity};

use super::overflow::SumOf;
use super::{Amounts, NodeTable};

/// A pod as it counts on its node.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Placed<'a> {
    pub(crate) row: &'a Pod,
    pub(crate) footprint: &'a Footprint,
    pub(crate) class: &'a Class,
}

impl NodeTable {
    /// Looks for what is broken; `placed` knows the pods.
    pub(crate) fn check<'a>(
        &self,
        placed: impl Fn(PodIdx) -> Option<Placed<'a>>,
        (dims, symbols): (&Dims, &Symbols),
        sweep: &mut Sweep,
    ) {
        self.check_rows(symbols, sweep);
        let (mut pods_there, mut overflown, mut holders) = (0, 0, [0; 2]);
        for at in 0..self.rows() {
            let node = NodeIdx::new(at);
            let pods: Vec<Placed<'a>> =
                self.pods(node).iter().filter_map(|pod| placed(*pod)).collect();
            sweep.equal(pods.len(), self.pods(node).len(), || format!("known pods on node {at}"));
            pods_there += pods.len();
            for (slot, pod) in pods.iter().enumerate() {
                let place = (pod.row.node, pod.row.slot as usize);
                sweep.equal(place, (node, slot), || format!("place of pod {}", pod.row.name));
            }
            overflown += self.check_sums(node, &pods, dims, sweep);
            self.check_ports(node, &pods, sweep);
            let of_node = self.check_holders(node, &pods, sweep);
            holders = [holders[0] + of_node[0], holders[1] + of_node[1]];
            match self.record(node) {
                Some(record) => self.check_object(node, record, (dims, symbols), sweep),
                None => self.check_absent(node, dims, sweep),
            }
        }
        sweep.equal(self.placed(), pods_there, || "pods on all nodes".to_owned());
        sweep.equal(self.rooms.overflown(), overflown, || "sums kept aside".to_owned());
        let counted = [self.with_terms().len(), self.with_repelling_terms().len()];
        sweep.equal(counted, holders, || "nodes with terms, and with repelling ones".to_owned());
    }

    /// Rows are in use, found by name, or free.
    fn check_rows(&self, symbols: &Symbols, sweep: &mut Sweep) {
        let is_used = |at: usize| {
            let node = NodeIdx::new(at);
            self.name(node).is_some_and(|name| self.find(name) == Some(node))
        };
        sweep.free_rows("node", self.free.iter().map(|n| n.at()), self.rows(), is_used);
        let mut live = 0;
        for at in 0..self.rows() {
            let node = NodeIdx::new(at);
            let is_live = self.live().contains(node);
            live += usize::from(is_live);
            sweep.equal(self.record(node).is_some(), is_live, || format!("node {at} is live"));
            let needed = is_live || !self.pods(node).is_empty();
            sweep.equal(is_used(at), needed, || format!("node {at} is in use"));
            let name = self.name(node).map_or("", |name| symbols.text(name));
            let text = self.shared_name(node);
            sweep.expect(!needed || *text == *name, || format!("node {name} is called {text:?}"));
        }
        sweep.equal(self.live().len(), live, || "live nodes".to_owned());
        let named = self.by_name.len() + self.free.len();
        sweep.equal(named, self.rows(), || "nodes by name and free rows".to_owned());
    }

    /// What pods take adds up; the number of sums that an `i64` does not hold.
    fn check_sums(
        &self,
        node: NodeIdx,
        pods: &[Placed<'_>],
        dims: &Dims,
        sweep: &mut Sweep,
    ) -> usize {
        let mut overflown = 0;
        let mut hold = |of: SumOf, is: i64, sum: i128| {
            let nearest = sum.clamp(i64::MIN.into(), i64::MAX.into());
            sweep.equal(i128::from(is), nearest, || format!("{of:?} of node {}", node.at()));
            let aside = (nearest != sum).then_some(sum);
            overflown += usize::from(aside.is_some());
            let kept = self.rooms.kept_aside(node.at(), of);
            sweep.equal(kept, aside, || format!("{of:?} of node {}, kept aside", node.at()));
        };
        let sum = |amount: &dyn Fn(&Footprint) -> i64| {
            pods.iter().map(|pod| i128::from(amount(pod.footprint))).sum::<i128>()
        };
        for dim in dims.all() {
            let is = self.requested(node, dim);
            hold(SumOf::Requested(dim), is, sum(&|of| of.request.get(dim)));
        }
        for (dim, at) in [(Dim::CPU, 0), (Dim::MEMORY, 1)] {
            let amount = |of: &Footprint| of.nonzero.get(at).copied().unwrap_or(0);
            hold(SumOf::Nonzero(dim), self.nonzero_requested(node, dim), sum(&amount));
        }
        let fresh = self.rooms().get(node.at()).is_some_and(super::Room::is_current);
        sweep.expect(fresh, || format!("evenness of node {} is old", node.at()));
        overflown
    }

    fn check_ports(&self, node: NodeIdx, pods: &[Placed<'_>], sweep: &mut Sweep) {
        let mut ports: Vec<UsedPort> =
            pods.iter().flat_map(|pod| pod.class.ports.iter().copied()).collect();
        ports.sort_unstable();
        sweep.equal(self.ports(node), &ports, || format!("host ports of node {}", node.at()));
    }

    /// Whether the node has pods with terms, and with repelling ones, as 0 or 1.
    fn check_holders(&self, node: NodeIdx, pods: &[Placed<'_>], sweep: &mut Sweep) -> [usize; 2] {
        let terms = || pods.iter().filter_map(|pod| pod.class.pod_terms.as_deref());
        let counts = [terms().count(), terms().filter(|terms| terms.repels()).count()];
        let is = self.term_holders.counts(node).map(|count| count as usize);
        sweep.equal(is, counts, || format!("pods with terms on node {}", node.at()));
        let holds = counts.map(|count| count > 0);
        let is = [self.with_terms().contains(node), self.with_repelling_terms().contains(node)];
        sweep.equal(is, holds, || format!("node {} has pods with terms", node.at()));
        holds.map(usize::from)
    }

    /// The columns say what the object says.
    fn check_object(
        &self,
        node: NodeIdx,
        record: &NodeRecord,
        (dims, symbols): (&Dims, &Symbols),
        sweep: &mut Sweep,
    ) {
        let name = &record.name;
        sweep.equal(&*self.shared_name(node), name, || "name of a node".to_owned());
        let texts = |(key, value): &(_, _)| (symbols.text(*key), symbols.text(*value));
        let labels: BTreeMap<&str, &str> = self.labels(node).iter().map(texts).collect();
        sweep.equal(labels, record.labels.iter().collect(), || format!("labels of {name}"));
        let sorted = self.labels(node).is_sorted_by_key(|(key, _)| *key);
        sweep.expect(sorted, || format!("labels of {name} are not sorted"));
        let taints =
            self.taints(node).iter().map(|(k, v, e)| (symbols.text(*k), symbols.text(*v), *e));
        let theirs = record.taints.iter().map(|t| (&*t.key, &*t.value, t.effect));
        sweep.expect(taints.eq(theirs), || format!("taints of {name} are others"));
        let cordoned = self.unschedulable(node);
        sweep.equal(cordoned, record.unschedulable, || format!("{name} is unschedulable"));
        let images: BTreeMap<&str, i64> =
            self.images(node).iter().map(|(name, size)| (symbols.text(*name), *size)).collect();
        sweep.equal(images.len(), self.images(node).len(), || format!("images of {name}"));
        let listed = record.images.iter().flat_map(|i| i.names.iter().map(|n| (&**n, i.size)));
        sweep.equal(images, listed.collect(), || format!("images of {name}"));
        let pods = record.allocatable.get("pods").map_or(0, Quantity::value).max(0);
        sweep.equal(self.pods_allowed(node), pods, || format!("pods allowed on {name}"));
        let offered: BTreeMap<Dim, i64> = record
            .allocatable
            .iter()
            .filter_map(|(resource, amount)| {
                let dim = dims.get(symbols, resource)?;
                Some((dim, if dim == Dim::CPU { amount.milli_value() } else { amount.value() }))
            })
            .collect();
        for dim in dims.all() {
            let offered = offered.get(&dim).copied().unwrap_or(0);
            let what = || format!("allocatable {:?} of {name}", dims.name(dim));
            sweep.equal(self.allocatable(node, dim), offered, what);
        }
    }

    /// A row without an object says nothing.
    fn check_absent(&self, node: NodeIdx, dims: &Dims, sweep: &mut Sweep) {
        let silent = self.labels(node).is_empty()
            && self.taints(node).is_empty()
            && self.images(node).is_empty()
            && !self.unschedulable(node)
            && self.pods_allowed(node) == 0;
        sweep.expect(silent, || format!("node {} has no object and says something", node.at()));
        let offers = |dim: &Dim| self.allocatable(node, *dim) != Amounts::default().allocatable;
        let offers = dims.all().find(offers);
        sweep.equal(offers, None, || format!("what node {} offers without an object", node.at()));
    }
}
