//! Sums over the pods of a node that an `i64` does not hold.
//!
//! The API server accepts requests of up to 2^63 - 1, so that two pods of one author who names a
//! node in `spec.nodeName` add up to more. A sum that stopped at the largest number would come
//! back too small when those pods leave, and the room of the others would be given away again.
//! kube-scheduler's sums wrap round (`Resource.Add` in `pkg/scheduler/framework/types.go`): right
//! again when the pods have left, and a full node reads as empty while they are there.

use hashbrown::HashMap;
use rustc_hash::FxBuildHasher;
use smallvec::SmallVec;

use crate::model::Dim;

/// Which sum over the pods of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SumOf {
    /// [`super::Amounts::requested`].
    Requested(Dim),
    /// [`super::Amounts::nonzero`].
    Nonzero(Dim),
}

/// The sums that an `i64` does not hold, exactly, by row. As long as one is here, its row reads
/// the nearest number there is, which leaves no room.
///
/// Bounded by the rows with such pods, times the resources that the pods name.
#[derive(Debug, Clone, Default)]
pub(super) struct Overflow(HashMap<usize, SmallVec<[(SumOf, i128); 2]>, FxBuildHasher>);

impl Overflow {
    /// Adds `amount` to a sum that reads `held`, `sign` times (1 or -1); what it reads then.
    #[inline(always)]
    pub(super) fn count(
        &mut self,
        (row, of): (usize, SumOf),
        held: i64,
        amount: i64,
        sign: i64,
    ) -> i64 {
        let sum = if sign < 0 { held.checked_sub(amount) } else { held.checked_add(amount) };
        match sum.filter(|_| self.0.is_empty()) {
            Some(sum) => sum,
            None => self.count_exactly((row, of), held, amount, sign),
        }
    }

    /// As [`Overflow::count`]. 2^64 amounts of 2^63 fit an `i128`.
    #[cold]
    fn count_exactly(
        &mut self,
        (row, of): (usize, SumOf),
        held: i64,
        amount: i64,
        sign: i64,
    ) -> i64 {
        let sums = self.0.entry(row).or_default();
        let at = sums.iter().position(|(known, _)| *known == of);
        let before = at.and_then(|at| sums.get(at)).map_or(i128::from(held), |(_, sum)| *sum);
        let sum = before + i128::from(sign) * i128::from(amount);
        let reads = i64::try_from(sum).ok();
        match (reads, at) {
            (None, None) => sums.push((of, sum)),
            (None, Some(at)) => sums.iter_mut().skip(at).take(1).for_each(|(_, held)| *held = sum),
            (Some(_), Some(at)) => drop(sums.swap_remove(at)),
            (Some(_), None) => {}
        }
        if sums.is_empty() {
            self.0.remove(&row);
        }
        reads.unwrap_or(if sum < 0 { i64::MIN } else { i64::MAX })
    }

    /// The sum, where it is kept here.
    pub(super) fn kept(&self, row: usize, of: SumOf) -> Option<i128> {
        let sums = self.0.get(&row)?;
        sums.iter().find(|(known, _)| *known == of).map(|(_, sum)| *sum)
    }

    /// Number of sums that are kept here.
    pub(super) fn len(&self) -> usize {
        self.0.values().map(|sums| sums.len()).sum()
    }

    /// The sums of row `at` are those of row 0 of the copy.
    pub(super) fn copy(&self, at: usize, copy: &mut Self) {
        match self.0.get(&at) {
            Some(sums) => drop(copy.0.insert(0, sums.clone())),
            None => drop(copy.0.remove(&0)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Random;

    /// Amounts of all sizes come and go in any order, beside a plain sum.
    #[test]
    fn sums_read_what_they_are_or_the_nearest_number() {
        let mut random = Random::new(19);
        let mut overflow = Overflow::default();
        let of = [SumOf::Requested(Dim::CPU), SumOf::Requested(Dim::MEMORY)];
        let of = of.into_iter().chain([SumOf::Nonzero(Dim::CPU)]).collect::<Vec<_>>();
        let mut reads = vec![[0i64; 2]; of.len()];
        let mut there: Vec<(usize, usize, i64)> = Vec::new();
        let mut overflown = 0;
        for _ in 0..4_000 {
            let leaves = random.below(20) < if there.len() > 5 { 11 } else { 3 };
            let ((at, row, amount), sign) = match leaves && !there.is_empty() {
                true => (there.swap_remove(random.below(there.len())), -1),
                false => {
                    let amount = [7, 1 << 62, i64::MAX, -i64::MAX, i64::MIN][random.below(5)];
                    let pod = (random.below(of.len()), random.below(2), amount);
                    there.push(pod);
                    (pod, 1)
                }
            };
            reads[at][row] = overflow.count((row, of[at]), reads[at][row], amount, sign);
            for (at, reads) in reads.iter().enumerate() {
                for (row, reads) in reads.iter().enumerate() {
                    let mine = there.iter().filter(|pod| (pod.0, pod.1) == (at, row));
                    let sum: i128 = mine.map(|pod| i128::from(pod.2)).sum();
                    let nearest = sum.clamp(i64::MIN.into(), i64::MAX.into());
                    assert_eq!(i128::from(*reads), nearest, "{:?} of row {row}: {there:?}", of[at]);
                    overflown += usize::from(nearest != sum);
                }
            }
        }
        assert!(overflown > 1_000, "{overflown}");
        for (at, row, amount) in there {
            reads[at][row] = overflow.count((row, of[at]), reads[at][row], amount, -1);
        }
        assert!(overflow.0.is_empty() && reads.iter().flatten().all(|reads| *reads == 0));
    }
}
