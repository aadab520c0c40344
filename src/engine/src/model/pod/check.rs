//! What holds of the pod table by itself.

use crate::base::Sweep;

use super::{ODD, Pods};

impl Pods {
    /// Looks for what is broken: free rows, the index by uid, and the texts of odd uids.
    pub(crate) fn check(&self, sweep: &mut Sweep) {
        let is_used = |at: usize| self.get(crate::base::PodIdx::new(at)).is_some();
        sweep.free_rows("pod", self.free.iter().map(|row| *row as usize), self.rows(), is_used);
        let (mut there, mut odd) = (0, 0);
        for (pod, row) in self.iter() {
            there += 1;
            sweep.equal(self.find_uid(row.uid), Some(pod), || format!("row of pod {}", row.name));
            if row.uid.0 & ODD == ODD {
                odd += 1;
                let text = self.uid_text(row.uid);
                let at = (row.uid.0 & 0xFFFF_FFFF) as u32;
                let same = |at: u32| self.odd_text(at as usize) == Some(text.as_str());
                let found = self.odd_by_text.find(self.key.hash(text.as_str()), same);
                sweep.equal(found, Some(at), || format!("number of uid {text:?}"));
            }
        }
        sweep.equal(self.by_uid.len(), there, || "pods by uid".to_owned());
        sweep.equal(self.odd_by_text.len(), odd, || "uids that are no UUIDs".to_owned());
        let is_text = |at: usize| self.odd.get(at).is_some_and(Option::is_some);
        sweep.free_rows(
            "uid",
            self.odd_free.iter().map(|row| *row as usize),
            self.odd.len(),
            is_text,
        );
    }
}
