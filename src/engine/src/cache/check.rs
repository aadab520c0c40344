//! What always holds of the cache, as one sweep.

use std::hash::Hash;

use hashbrown::HashMap;
use rustc_hash::FxBuildHasher;

use crate::base::{ClassIdx, LabelSetIdx, NodeIdx, PodIdx, Sweep, Sym};
use crate::model::{NODE_NONE, Placed, Pod, Stage};

use super::{Cache, Logged};

impl Cache {
    /// Whatever is broken of what always holds, in words: sums over nodes are those of their pods,
    /// indexes lead both ways, free rows are free, and counts of use are what is used. Nothing is
    /// broken where the list is empty. `held` are label sets that others hold beside the cache
    /// ([`crate::ranking::Rankings`]), each as often as it is held.
    ///
    /// For tests: a sweep looks at every row.
    pub fn check(&self, held: impl IntoIterator<Item = LabelSetIdx>) -> Vec<String> {
        let mut sweep = Sweep::default();
        self.pods.check(&mut sweep);
        self.check_users(held, &mut sweep);
        self.check_stages(&mut sweep);
        let placed = |pod: PodIdx| {
            let (_, class) = self.class_of(pod)?;
            Some(Placed { row: self.pods.get(pod)?, footprint: self.footprint(pod)?, class })
        };
        self.nodes.check(placed, (&self.dims, &self.symbols), &mut sweep);
        self.check_images(&mut sweep);
        self.check_nominations(&mut sweep);
        self.check_claim_users(&mut sweep);
        self.check_holds(&mut sweep);
        self.objects.check(&mut sweep);
        self.check_selected(&mut sweep);
        self.log.check(&mut sweep);
        sweep.into_broken()
    }

    /// Classes and label sets are used by pods, by the log, and by whoever holds them.
    fn check_users(&self, held: impl IntoIterator<Item = LabelSetIdx>, sweep: &mut Sweep) {
        let mut classes: HashMap<ClassIdx, usize, FxBuildHasher> = HashMap::default();
        let mut labels: HashMap<LabelSetIdx, usize, FxBuildHasher> = HashMap::default();
        let logged = self.log.held().filter_map(|entry| match entry {
            Logged::Pod { class, labels, .. } => Some((*class, *labels)),
            Logged::Node(..) | Logged::World(_) => None,
        });
        for (class, set) in self.pods.iter().map(|(_, row)| (row.class, row.labels)).chain(logged) {
            count(&mut classes, class);
            count(&mut labels, set);
        }
        held.into_iter().for_each(|set| count(&mut labels, set));
        self.classes.check(&classes, &self.symbols, sweep);
        self.labels.check(&labels, sweep);
    }

    /// A pod's stage says whether it has a node and whether it is pending.
    fn check_stages(&self, sweep: &mut Sweep) {
        let (mut assumed, mut pending, mut resized) = (0, 0, 0);
        for (pod, row) in self.pods.iter() {
            let is = (row.node != NODE_NONE, self.pending.get(pod).is_some());
            let should = match row.stage {
                Stage::Foreign | Stage::Queued => (false, true),
                Stage::Assumed => (true, true),
                Stage::Bound => (true, false),
            };
            let what = || format!("pod {} is {:?}: has a node, is pending", row.name, row.stage);
            sweep.equal(is, should, what);
            assumed += usize::from(row.stage == Stage::Assumed);
            pending += usize::from(is.1);
            self.check_place(pod, row, sweep);
            if let Some(own) = self.resized.get(pod) {
                resized += 1;
                let shared = self.class_of(pod).is_some_and(|(_, c)| *c.footprint == *own);
                sweep.expect(!shared, || format!("resize of pod {} changes nothing", row.name));
            }
        }
        sweep.equal(self.assumed, assumed, || "assumed pods".to_owned());
        sweep.equal(self.pending.len(), pending, || "pending pods".to_owned());
        sweep.equal(self.resized.len(), resized, || "resized pods".to_owned());
    }

    fn check_place(&self, pod: PodIdx, row: &Pod, sweep: &mut Sweep) {
        let name = &row.name;
        sweep
            .expect(row.terminating || !row.preempted, || format!("{name} is preempted and stays"));
        if row.node != NODE_NONE {
            let found = self.nodes.pods(row.node).get(row.slot as usize).copied();
            sweep.equal(found, Some(pod), || format!("pod at the place of {name}"));
        }
        let ours = self.is_ours(pod);
        match row.stage {
            Stage::Queued => sweep.expect(ours, || format!("{name} is queued and of another")),
            Stage::Foreign => sweep.expect(!ours, || format!("{name} is ours and not queued")),
            // An assumed pod's scheduler may have gone since.
            Stage::Assumed | Stage::Bound => {}
        }
    }

    fn check_images(&self, sweep: &mut Sweep) {
        let mut holders: HashMap<Sym, i64, FxBuildHasher> = HashMap::default();
        for at in 0..self.nodes.rows() {
            for (image, _) in self.nodes.images(NodeIdx::new(at)) {
                *holders.entry(*image).or_default() += 1;
            }
        }
        sweep.equal(self.images.count(), holders.len(), || "images".to_owned());
        for (image, nodes) in holders {
            let name = || format!("nodes with image {}", self.symbols.text(image));
            sweep.equal(self.images.holders(image), nodes, name);
        }
    }

    /// Only a waiting pod of ours is promised a node, and only one that is there.
    fn check_nominations(&self, sweep: &mut Sweep) {
        for (pod, node) in self.nominations.check(sweep) {
            let waits = self.pods.get(pod).is_some_and(|row| row.stage == Stage::Queued);
            let pod = self.pod_name(pod);
            sweep.expect(waits, || format!("{pod} is promised a node and does not wait"));
            let live = self.nodes.live().contains(node);
            let node = node.at();
            sweep.expect(live, || format!("{pod} is promised node {node}, which is not there"));
        }
    }

    /// The labels that Services and controllers select by are known.
    fn check_selected(&self, sweep: &mut Sweep) {
        let t = &self.objects;
        let controllers = t.replication_controllers.values().chain(t.replica_sets.values());
        let owners = controllers
            .chain(t.stateful_sets.values())
            .chain(t.services.values().map(AsRef::as_ref));
        for owner in owners {
            for key in owner.selector.iter().flat_map(|selector| selector.keys()) {
                let known = self.symbols.get(key).is_some_and(|key| {
                    let selected = self.classes.selected();
                    selected.contains(&key)
                });
                sweep.expect(known, || format!("{:?} selects by {key:?} in secret", owner.key));
            }
        }
    }
}

fn count<T: Eq + Hash>(users: &mut HashMap<T, usize, FxBuildHasher>, of: T) {
    *users.entry(of).or_default() += 1;
}
