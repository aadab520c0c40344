//! Which plugin of a profile does what for the pods of one class.

use crate::framework::{Context, Keeps, Plugin, Point, Profile, Reads, Weighted};

/// A plugin that is asked in groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct GroupedRole {
    /// Its place in the profile.
    pub(super) place: usize,
    /// Whether it filters.
    pub(super) filters: bool,
    /// Its weight, where it scores.
    pub(super) weight: Option<i64>,
}

/// The plugins by what their answers depend on.
#[derive(Debug, Default)]
pub(super) struct Roles {
    /// Filters of what a node is: pods that come and go change nothing.
    pub(super) fixed: Vec<usize>,
    /// Filters of what room a node has.
    pub(super) room: Vec<usize>,
    /// Scores that are final as they are, and follow the room.
    pub(super) absolute: Vec<Weighted>,
    /// Scores that are normalized; what they are made of is in the key of a group.
    pub(super) relative: Vec<Weighted>,
    /// Plugins with numbers of their own in the key.
    pub(super) grouped: Vec<GroupedRole>,
    /// What a node's cells depend on.
    pub(super) reads: Reads,
    /// Pods that come and go change the keys.
    pub(super) room_in_keys: bool,
}

impl Roles {
    /// The roles for pods like this one; `None` where one plugin cannot tell.
    pub(super) fn of(profile: &Profile, cx: &Context<'_>) -> Option<Self> {
        let mut roles = Self { reads: Reads::NODE_EXISTS, ..Self::default() };
        let mut most = 0i64;
        for place in 0..profile.plugin_count() {
            let plugin = profile.plugin(place)?;
            let at = |point| profile.at(point).iter().find(|w| w.plugin == place).copied();
            let judges = [Point::PreFilter, Point::Filter, Point::PreScore, Point::Score];
            let acts = [Point::Reserve, Point::Permit, Point::PreBind];
            if judges.iter().chain(&acts).all(|point| at(*point).is_none()) {
                continue;
            }
            let keeps = plugin.keeps(cx);
            let may_act = keeps != Keeps::Aside && acts.iter().any(|point| at(*point).is_some());
            if may_act && plugin.acts(cx) {
                return None;
            }
            match keeps {
                Keeps::Nothing => return None,
                Keeps::Aside => {}
                Keeps::Node(reads) => {
                    roles.reads |= reads;
                    roles.add(place, plugin, reads, at(Point::Filter), at(Point::Score));
                }
                Keeps::Groups => {
                    // Half of a plugin is asked another way than the whole of it.
                    let halves =
                        [(Point::PreFilter, Point::Filter), (Point::PreScore, Point::Score)];
                    let implements = |point: Point| point.is_implemented_by(plugin);
                    let mut pairs = halves.iter().filter(|(a, b)| implements(*a) && implements(*b));
                    if pairs.any(|(a, b)| at(*a).is_some() != at(*b).is_some()) {
                        return None;
                    }
                    roles.grouped.push(GroupedRole {
                        place,
                        filters: at(Point::Filter).is_some(),
                        weight: at(Point::Score).map(|w| w.weight),
                    });
                }
            }
            let weight = at(Point::Score).map_or(0, |w| w.weight);
            // What a node is worth is counted from 0 upwards, and -1 stands for no room.
            if weight < 0 {
                return None;
            }
            most = most.saturating_add(weight);
        }
        // Amounts are kept in 32 bits.
        let largest = most.saturating_mul(crate::framework::MAX_NODE_SCORE);
        (largest < i64::from(i32::MAX)).then_some(roles)
    }

    fn add(
        &mut self,
        place: usize,
        plugin: &dyn Plugin,
        reads: Reads,
        filter: Option<Weighted>,
        score: Option<Weighted>,
    ) {
        let reads_room = reads.intersects(Reads::NODE_ROOM);
        if filter.is_some() {
            if reads_room { &mut self.room } else { &mut self.fixed }.push(place);
        }
        if let Some(weighted) = score {
            if plugin.as_score().is_some_and(|s| s.is_absolute()) {
                self.absolute.push(weighted);
            } else {
                self.room_in_keys |= reads_room;
                self.relative.push(weighted);
            }
        }
    }

    /// Leaves out what PreFilter and PreScore skip.
    pub(super) fn leave_out(&mut self, filter: &[bool], score: &[bool]) {
        let skips = |list: &[bool], place: usize| list.get(place).copied().unwrap_or(false);
        self.fixed.retain(|place| !skips(filter, *place));
        self.room.retain(|place| !skips(filter, *place));
        self.absolute.retain(|w| !skips(score, w.plugin));
        self.relative.retain(|w| !skips(score, w.plugin));
    }
}
