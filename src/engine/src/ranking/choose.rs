//! The choice: groups are judged and scored as one node each, and the best of them drawn.

use crate::base::{Draw, NodeIdx};
use crate::cycle::guarded;
use crate::framework::{MAX_NODE_SCORE, PreScored, State};

use super::columns::Best;
use super::{Ranking, Refused, Work};

/// A node chosen by a ranking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Choice {
    /// The node.
    pub node: NodeIdx,
    /// Its total; `None` where the only feasible node was taken unscored.
    pub total: Option<i64>,
    /// How many nodes have that total.
    pub best: usize,
    /// How many nodes the pod fits.
    pub feasible: usize,
}

/// All that a ranking knows of the nodes for a pod.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Standing {
    /// The nodes it fits, ascending.
    pub feasible: Vec<NodeIdx>,
    /// Their totals.
    pub totals: Vec<i64>,
    /// Place of each plugin that scored, in the order of the profile, and its weighted scores.
    pub by_plugin: Vec<(usize, Vec<i64>)>,
}

/// What groups add to the amounts of their nodes, for one choice.
#[derive(Debug, Default)]
pub(super) struct Bonus {
    /// By group; `None` for those without feasible nodes.
    groups: Vec<Option<i64>>,
    // The groups with feasible nodes, and how many nodes.
    allowed: Vec<(usize, u64)>,
    // Place and weighted score of each plugin that scored, by allowed group.
    scores: Vec<(usize, Vec<i64>)>,
    raws: Vec<i64>,
}

impl Bonus {
    fn feasible(&self) -> usize {
        self.allowed.iter().map(|(_, nodes)| usize::try_from(*nodes).unwrap_or(usize::MAX)).sum()
    }
}

impl Ranking {
    /// Draws one of the best nodes; `None` where the pod fits nowhere. The ranking is up to date.
    pub(super) fn choose(
        &mut self,
        work: &Work<'_>,
        bonus: &mut Bonus,
        draw: &mut Draw,
    ) -> Result<Option<Choice>, Refused> {
        self.admit(bonus);
        let feasible = bonus.feasible();
        if feasible == 0 {
            return Ok(None);
        }
        self.columns.refresh();
        if feasible > 1 {
            self.score_groups(work, bonus, false)?;
        }
        let best: Best = self.columns.best(&bonus.groups).ok_or(Refused)?;
        let drawn = self.columns.draw(&bonus.groups, best, draw, work.cx.cache);
        let (node, total) = (drawn.ok_or(Refused)?, (feasible > 1).then_some(best.total));
        Ok(Some(Choice { node, total, best: best.count, feasible }))
    }

    /// Whether the pod fits anywhere. The ranking is up to date.
    pub(super) fn fits_somewhere(&self) -> bool {
        self.table.filled().any(|(_, key, _)| self.passes(key))
    }

    /// All feasible nodes with all scores. The ranking is up to date.
    pub(super) fn standing(
        &mut self,
        work: &Work<'_>,
        bonus: &mut Bonus,
    ) -> Result<Standing, Refused> {
        self.admit(bonus);
        if bonus.allowed.is_empty() {
            return Ok(Standing::default());
        }
        self.columns.refresh();
        self.score_groups(work, bonus, true)?;
        let (feasible, totals): (Vec<NodeIdx>, Vec<i64>) =
            self.columns.fitting(&bonus.groups).unzip();
        let mut by_plugin = Vec::new();
        for weighted in work.profile.at(crate::framework::Point::Score) {
            let place = weighted.plugin;
            if self.roles.absolute.iter().any(|w| w.plugin == place) {
                let mut own = vec![0; feasible.len()];
                self.score(work, place, &feasible, &mut own)?;
                own.iter_mut().for_each(|score| *score *= weighted.weight);
                by_plugin.push((place, own));
            } else if let Some((_, of_groups)) = bonus.scores.iter().find(|(p, _)| *p == place) {
                let of_node = |node: &NodeIdx| {
                    let group = usize::from(self.columns.group(*node));
                    let at = bonus.allowed.iter().position(|(g, _)| *g == group)?;
                    of_groups.get(at).copied()
                };
                by_plugin.push((place, feasible.iter().filter_map(of_node).collect()));
            }
        }
        Ok(Standing { feasible, totals, by_plugin })
    }

    fn passes(&self, key: &[i64]) -> bool {
        let filters = self.counted.iter().filter(|c| c.role.filters);
        let mut own = filters.map(|c| (c, key.get(c.from..c.to).unwrap_or_default()));
        own.all(|(counted, own)| counted.groups.fits(own))
    }

    /// Which groups the filters pass.
    fn admit(&self, bonus: &mut Bonus) {
        bonus.groups.clear();
        bonus.groups.resize(self.table.len(), None);
        bonus.allowed.clear();
        bonus.scores.clear();
        for (group, key, nodes) in self.table.filled() {
            if self.passes(key) {
                bonus.allowed.push((group, nodes));
                if let Some(slot) = bonus.groups.get_mut(group) {
                    *slot = Some(0);
                }
            }
        }
    }

    /// Scores the allowed groups.
    fn score_groups(
        &mut self,
        work: &Work<'_>,
        bonus: &mut Bonus,
        keep: bool,
    ) -> Result<(), Refused> {
        for (at, weighted) in self.roles.relative.iter().enumerate() {
            let raws = bonus.allowed.iter().map(|(group, _)| self.table.number(*group, at));
            bonus.raws.clear();
            bonus.raws.extend(raws);
            self.add(work, weighted.plugin, weighted.weight, bonus, keep)?;
        }
        for at in 0..self.counted.len() {
            let Some(counted) = self.counted.get_mut(at) else { continue };
            let Some(weight) = counted.role.weight else { continue };
            let (from, to) = (counted.from, counted.to);
            let table = &self.table;
            let own = |group: usize| table.key(group).get(from..to).unwrap_or_default();
            let groups: smallvec::SmallVec<[(&[i64], u64); 8]> =
                bonus.allowed.iter().map(|(group, nodes)| (own(*group), *nodes)).collect();
            match counted.groups.pre_score(&work.cx, &groups) {
                PreScored::Proceed => {}
                PreScored::Skip => continue,
                PreScored::Broken(_) => return Err(Refused),
            }
            bonus.raws.clear();
            let mut last: Option<(&[i64], i64)> = None;
            for (key, _) in &groups {
                // 500 racks hold the same images.
                let raw = match last {
                    Some((same, raw)) if same == *key => raw,
                    _ => counted.groups.raw(&work.cx, key),
                };
                last = Some((key, raw));
                bonus.raws.push(raw);
            }
            let place = counted.role.place;
            self.add(work, place, weight, bonus, keep)?;
        }
        Ok(())
    }

    /// Normalizes and weighs one plugin's raw scores of the allowed groups, and adds them.
    fn add(
        &self,
        work: &Work<'_>,
        place: usize,
        weight: i64,
        bonus: &mut Bonus,
        keep: bool,
    ) -> Result<(), Refused> {
        let plugin = work.profile.plugin(place).ok_or(Refused)?;
        let score = plugin.as_score().ok_or(Refused)?;
        let none = State::default();
        let state = self.prepared.state(place).unwrap_or(&none);
        let raws = &mut bonus.raws;
        guarded(plugin.name(), || score.normalize(&work.cx, state, raws)).map_err(|_| Refused)?;
        for ((group, _), score) in bonus.allowed.iter().zip(raws.iter_mut()) {
            if !(0..=MAX_NODE_SCORE).contains(score) {
                return Err(Refused);
            }
            *score *= weight;
            if let Some(Some(sum)) = bonus.groups.get_mut(*group) {
                *sum += *score;
            }
        }
        if keep {
            bonus.scores.push((place, raws.clone()));
        }
        Ok(())
    }
}
