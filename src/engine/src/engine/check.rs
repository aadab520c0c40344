//! What always holds of the whole state between two steps.

use hashbrown::HashMap;
use rustc_hash::FxBuildHasher;

use crate::base::Sweep;
use crate::model::Stage;
use crate::queue::Place;

use super::Engine;
use super::binding::{BindingCycle, Middle};

impl Engine {
    /// Whatever is broken of what always holds between two steps, in words: of the cache
    /// ([`crate::cache::Cache::check`]), the queue ([`crate::queue::Queue::check`]), the rankings,
    /// and of what they say of each other. Nothing is broken where the list is empty.
    ///
    /// For tests: a sweep looks at everything.
    pub fn check(&self) -> Vec<String> {
        let mut broken = self.cache.check(self.rankings.held_labels());
        broken.extend(self.queue.check());
        broken.extend(self.rankings.check(&self.cache));
        let mut sweep = Sweep::default();
        self.check_queue(&mut sweep);
        self.check_cycles(&mut sweep);
        self.cycles.check(&mut sweep);
        self.conditions.check(&mut sweep);
        let mut names: Vec<_> = self.profiles.keys().copied().collect();
        names.sort_unstable();
        sweep.equal(self.cache.schedulers(), names, || "names of schedulers".to_owned());
        broken.extend(sweep.into_broken());
        broken
    }

    /// Who is in the queue waits, in one of its parts; parked pods are with their like.
    fn check_queue(&self, sweep: &mut Sweep) {
        let is_grouped = self.selected == self.cache.selected_count();
        for (pod, entry) in self.queue.iter() {
            let Some(row) = self.cache.pods().get(pod) else {
                sweep.expect(false, || format!("pod {} is queued and gone", pod.at()));
                continue;
            };
            let name = &row.name;
            sweep.equal(row.stage, Stage::Queued, || format!("stage of {name}, in the queue"));
            let somewhere = entry.place != Place::InFlight;
            sweep.expect(somewhere, || format!("{name} is in no part of the queue"));
            let Place::Parked(class, group) = entry.place else { continue };
            sweep.equal(class, row.class, || format!("class that {name} is parked on"));
            let with = self.queue.parked_on(class).and_then(|parked| parked.alike(group));
            let like = self.cache.alike(pod);
            let fits = !is_grouped || with == like.as_ref();
            sweep.expect(fits, || format!("{name} is not with its like"));
        }
    }

    /// A binding cycle is of a pod that counts on its node: one that is assumed there, or that the
    /// API server has shown on a node since. Nobody attempts it meanwhile.
    fn check_cycles(&self, sweep: &mut Sweep) {
        // The last of a pod: one that was gone and came again may have an older one, whose answer
        // is of the pod that it was.
        let mut all: Vec<_> = self.cycles.iter().collect();
        all.sort_unstable_by_key(|(id, _)| *id);
        let cycles: HashMap<&str, &BindingCycle, FxBuildHasher> =
            all.into_iter().map(|(_, cycle)| (&*cycle.pod.uid, cycle)).collect();
        for (pod, row) in self.cache.pods().iter() {
            let uid = self.cache.pods().uid_text(row.uid);
            let cycle = cycles.get(uid.as_str());
            let (name, stage) = (&row.name, row.stage);
            let goes = match (stage, cycle) {
                (Stage::Assumed, Some(cycle)) => {
                    let is_it = |m: &Middle| (m.pod, m.node) == (pod, row.node);
                    *cycle.node == *self.cache.node_name(row.node)
                        && cycle.middle.as_deref().is_none_or(is_it)
                }
                // Bound by the bind's answer, and not yet shown by the watch.
                (Stage::Assumed, None) => self.queue.entry(pod).is_none(),
                (Stage::Bound, Some(cycle)) => cycle.middle.is_none(),
                (_, None) => true,
                // Gone and come again: it came to the queue later than the cycle's pod.
                (Stage::Queued, Some(cycle)) => {
                    let entry = self.queue.entry(pod);
                    cycle.middle.is_none() && entry.is_some_and(|e| e.arrival > cycle.entry.arrival)
                }
                (Stage::Foreign, Some(_)) => false,
            };
            sweep.expect(goes, || format!("{name} is {stage:?}, and its cycle: {cycle:?}"));
        }
    }
}
