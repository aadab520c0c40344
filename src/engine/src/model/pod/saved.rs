//! The pod table in a saved state: pods by row, and which rows are free in which order, as rows
//! are the order in which pods are looked at.

use std::hash::BuildHasher;

use rustc_hash::FxBuildHasher;

use crate::base::{ClassIdx, HashKey, LabelSetIdx, NodeIdx, PodIdx};
use crate::stored::{FirstUse, LoadError, Reader, Stored, Writer, stored};

use super::{NODE_NONE, ODD, Pod, Pods, Stage, Uid};

stored! { enum Stage { 0 = Foreign, 1 = Queued, 2 = Assumed, 3 = Bound } }

/// Where a pod that is loaded has to be placed: its node, its place there, and itself.
pub(crate) type Standing = (NodeIdx, u32, PodIdx);

impl Pods {
    /// Writes the pods, with their classes and label sets by number.
    pub(crate) fn save(&self, classes: &FirstUse, labels: &FirstUse, out: &mut Writer) {
        let Self { rows: _, free, by_uid: _, odd: _, odd_free: _, odd_by_text: _, key: _ } = self;
        free.write(out);
        out.count(self.count());
        for (_, pod) in self.iter() {
            let Pod {
                uid,
                name,
                started_ms,
                class,
                labels: set,
                node,
                slot,
                priority,
                stage,
                terminating,
                preempted,
                never_preempts,
            } = pod;
            self.save_uid(*uid, out);
            name.write(out);
            out.number(started_ms.wrapping_add(1));
            out.count(classes.known(class.at()));
            out.count(labels.known(set.at()));
            (*node != NODE_NONE).then_some((*node, *slot)).write(out);
            priority.write(out);
            stage.write(out);
            out.byte(
                u8::from(*terminating) | u8::from(*preempted) << 1 | u8::from(*never_preempts) << 2,
            );
        }
    }

    fn save_uid(&self, uid: Uid, out: &mut Writer) {
        let is_odd = uid.0 & ODD == ODD;
        is_odd.write(out);
        if is_odd {
            out.text(&self.uid_text(uid));
        } else {
            out.raw(&uid.0.to_le_bytes());
        }
    }

    /// The pods, none of them on its node yet; who is to be placed where, in the order in which
    /// they come to their places.
    ///
    /// There are so many classes and label sets.
    pub(crate) fn load(
        from: &mut Reader<'_>,
        key: HashKey,
        (classes, labels): (usize, usize),
    ) -> Result<(Self, Vec<Standing>), LoadError> {
        let mut pods = Self { free: Stored::read(from)?, ..Self::new(key) };
        let rows = pods.free.len() + from.count()?;
        let mut is_free = vec![false; rows];
        for row in pods.free.iter() {
            match is_free.get_mut(*row as usize).filter(|is_free| !**is_free) {
                Some(slot) => *slot = true,
                None => return Err(from.malformed("a free row that is none")),
            }
        }
        from.rows.pods = rows;
        let mut standing = Vec::new();
        for (at, is_free) in is_free.into_iter().enumerate() {
            if is_free {
                pods.rows.push(None);
                continue;
            }
            let pod = pods.load_pod(from, classes, labels)?;
            if pod.node != NODE_NONE {
                standing.push((pod.node, pod.slot, PodIdx::new(at)));
            }
            let hash = FxBuildHasher.hash_one(pod.uid);
            let row = pods.rows.push(Some(Pod { node: NODE_NONE, slot: 0, ..pod }));
            pods.by_uid.insert(hash, row as u32);
        }
        standing.sort_unstable();
        Ok((pods, standing))
    }

    fn load_pod(
        &mut self,
        from: &mut Reader<'_>,
        classes: usize,
        labels: usize,
    ) -> Result<Pod, LoadError> {
        let uid = self.load_uid(from)?;
        if self.find_uid(uid).is_some() {
            return Err(from.malformed("a pod twice"));
        }
        let name = Stored::read(from)?;
        let started_ms = from.number()?.wrapping_sub(1);
        let class = ClassIdx::new(from.row(classes)?);
        let labels = LabelSetIdx::new(from.row(labels)?);
        let place: Option<(NodeIdx, u32)> = Stored::read(from)?;
        let (priority, stage) = Stored::read(from)?;
        if place.is_some() != matches!(stage, Stage::Assumed | Stage::Bound) {
            return Err(from.malformed("a stage that does not go with the pod's node"));
        }
        let flags = from.byte()?;
        if flags > 7 {
            return Err(from.malformed("a pod that says more than a pod can"));
        }
        let (node, slot) = place.unwrap_or((NODE_NONE, 0));
        let [terminating, preempted, never_preempts] = [1, 2, 4].map(|bit| flags & bit != 0);
        Ok(Pod {
            uid,
            name,
            started_ms,
            class,
            labels,
            node,
            slot,
            priority,
            stage,
            terminating,
            preempted,
            never_preempts,
        })
    }

    fn load_uid(&mut self, from: &mut Reader<'_>) -> Result<Uid, LoadError> {
        if bool::read(from)? {
            return Ok(self.uid(from.text()?));
        }
        let uid = u128::from_le_bytes(from.array()?);
        if uid & ODD == ODD {
            return Err(from.malformed("a uid that stands for a text"));
        }
        Ok(Uid(uid))
    }
}
