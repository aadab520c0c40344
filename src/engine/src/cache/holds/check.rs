//! What holds of what pods hold.

use crate::base::{PodIdx, Sweep};
use crate::cache::Cache;
use crate::model::NODE_NONE;

impl Cache {
    /// A hold is known by its object and by each pod that has a part in it, and both are there.
    pub(in crate::cache) fn check_holds(&self, sweep: &mut Sweep) {
        let holds = &self.holds;
        let (mut volumes, mut claims) = (0, 0);
        for (pod, reserved) in &holds.by_pod {
            let placed = self.pods.get(*pod).is_some_and(|row| row.node != NODE_NONE);
            let name = self.pod_name(*pod);
            sweep.expect(placed, || format!("pod {name:?} holds volumes and has no node"));
            let some = !reserved.volumes.is_empty() || !reserved.claims.is_empty();
            sweep.expect(some, || format!("pod {name} holds nothing"));
            for taken in &reserved.volumes {
                let known = holds.volumes.get(&taken.volume).is_some_and(|h| h.by.contains(pod));
                sweep.expect(known, || format!("volume {} does not know {name}", taken.volume));
            }
            for key in &reserved.claims {
                let known = holds.claims.get(key).is_some_and(|h| h.by.contains(pod));
                sweep.expect(known, || format!("claim {key:?} does not know {name}"));
            }
            volumes += reserved.volumes.len();
            claims += reserved.claims.len();
        }
        let parts = |by: &[PodIdx], there: bool, name: &str, sweep: &mut Sweep| {
            sweep.expect(there && !by.is_empty(), || format!("{name} is held, by {by:?}"));
            by.len()
        };
        let of_volumes = holds
            .volumes
            .iter()
            .map(|(name, hold)| parts(&hold.by, self.objects.volume(name).is_some(), name, sweep));
        let of_volumes: usize = of_volumes.sum();
        let of_claims = holds.claims.iter().map(|(key, hold)| {
            parts(&hold.by, self.objects.claims.contains_key(key), &key.name, sweep)
        });
        let of_claims: usize = of_claims.sum();
        sweep.equal((of_volumes, of_claims), (volumes, claims), || "parts in holds".to_owned());
    }
}
