//! A profile: the plugins of one scheduler name, per extension point, in their order.

use std::sync::Arc;

use super::{FailingPostFilter, Plugin, Point, Reads};

/// A plugin at a point, as its place in [`Profile::plugins`], with its weight where it scores.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Weighted {
    /// Place in [`Profile::plugins`], and of its state in a cycle.
    pub plugin: usize,
    /// Weight of its score; 0 at other points.
    pub weight: i64,
}

/// The plugins of one `schedulerName`.
#[derive(Debug, Clone)]
pub struct Profile {
    scheduler_name: Arc<str>,
    plugins: Vec<Arc<dyn Plugin>>,
    points: Vec<Vec<Weighted>>,
    failing_post_filter: Option<FailingPostFilter>,
}

/// What makes a profile unusable. The texts are kube-scheduler's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProfileError {
    /// A plugin is enabled at a point that it does not implement.
    #[error("plugin {plugin:?} does not extend {} plugin", point.as_str())]
    NotImplemented {
        /// Its name.
        plugin: String,
        /// The point.
        point: Point,
    },
    /// There has to be exactly one order of the queue.
    #[error(
        "only one queue sort plugin required for profile with scheduler name {0:?}, but got {1}"
    )]
    QueueSort(Box<str>, usize),
    /// Nobody would bind.
    #[error("at least one bind plugin is needed for profile with scheduler name {0:?}")]
    NoBind(Box<str>),
    /// A plugin is enabled at a point that the cycle does not run yet.
    #[error(
        "plugin {plugin:?} extends {}, a point that Berth does not run yet: disable it there",
        point.as_str()
    )]
    NotRun {
        /// Its name.
        plugin: String,
        /// The point.
        point: Point,
    },
    /// Weights whose sum times 100 exceeds an `i64`.
    #[error("total score of Score plugins could overflow")]
    Overflow,
}

/// Collects the plugins of a profile.
#[derive(Debug)]
pub struct ProfileBuilder {
    profile: Profile,
}

impl ProfileBuilder {
    /// A profile for pods that name `scheduler_name`.
    pub fn new(scheduler_name: &str) -> Self {
        Self {
            profile: Profile {
                scheduler_name: scheduler_name.into(),
                plugins: Vec::new(),
                points: vec![Vec::new(); Point::ALL.len()],
                failing_post_filter: None,
            },
        }
    }

    /// Adds `plugin` at the end of `point`. The same instance may be added at several points.
    ///
    /// # Errors
    /// The plugin does not implement the point.
    pub fn add(
        &mut self,
        point: Point,
        plugin: &Arc<dyn Plugin>,
        weight: i64,
    ) -> Result<&mut Self, ProfileError> {
        if !point.is_implemented_by(plugin.as_ref()) {
            return Err(ProfileError::NotImplemented { plugin: plugin.name().to_owned(), point });
        }
        if !point.is_run() {
            return Err(ProfileError::NotRun { plugin: plugin.name().to_owned(), point });
        }
        let plugins = &mut self.profile.plugins;
        let at = plugins.iter().position(|p| Arc::ptr_eq(p, plugin)).unwrap_or_else(|| {
            plugins.push(Arc::clone(plugin));
            plugins.len() - 1
        });
        if let Some(list) = self.profile.points.get_mut(point as usize) {
            list.push(Weighted { plugin: at, weight });
        }
        Ok(self)
    }

    /// Adds `plugin` at every point it implements, with `weight` where it scores.
    ///
    /// # Errors
    /// As [`ProfileBuilder::add`]; does not happen.
    pub fn add_everywhere(
        &mut self,
        plugin: &Arc<dyn Plugin>,
        weight: i64,
    ) -> Result<&mut Self, ProfileError> {
        for point in Point::ALL {
            if point.is_run() && point.is_implemented_by(plugin.as_ref()) {
                self.add(point, plugin, if point == Point::Score { weight } else { 0 })?;
            }
        }
        Ok(self)
    }

    /// Says that the configuration enables a plugin whose PostFilter may fail.
    pub fn set_failing_post_filter(&mut self, failing: FailingPostFilter) -> &mut Self {
        self.profile.failing_post_filter = Some(failing);
        self
    }

    /// Number of plugins added at `point` so far.
    pub fn count_at(&self, point: Point) -> usize {
        self.profile.at(point).len()
    }

    /// The profile, checked.
    ///
    /// # Errors
    /// Not exactly one QueueSort, no Bind, or weights that could overflow.
    pub fn build(self) -> Result<Profile, ProfileError> {
        let profile = self.profile;
        let name = profile.scheduler_name();
        match profile.at(Point::QueueSort).len() {
            1 => {}
            n => return Err(ProfileError::QueueSort(name.into(), n)),
        }
        if profile.at(Point::Bind).is_empty() {
            return Err(ProfileError::NoBind(name.into()));
        }
        let mut total = 0i64;
        for score in profile.at(Point::Score) {
            let most = score.weight.checked_mul(super::MAX_NODE_SCORE);
            total = most.and_then(|most| total.checked_add(most)).ok_or(ProfileError::Overflow)?;
        }
        Ok(profile)
    }
}

impl Profile {
    /// The `schedulerName` of the pods it is for.
    pub fn scheduler_name(&self) -> &str {
        &self.scheduler_name
    }

    /// The same to be kept, without a copy.
    pub fn shared_name(&self) -> Arc<str> {
        Arc::clone(&self.scheduler_name)
    }

    /// The plugins at a point, in order.
    pub fn at(&self, point: Point) -> &[Weighted] {
        self.points.get(point as usize).map(|p| p.as_slice()).unwrap_or_default()
    }

    /// The plugin of the configuration whose PostFilter may fail.
    pub fn failing_post_filter(&self) -> Option<FailingPostFilter> {
        self.failing_post_filter
    }

    /// The plugin at a place.
    pub fn plugin(&self, place: usize) -> Option<&dyn Plugin> {
        self.plugins.get(place).map(AsRef::as_ref)
    }

    /// Number of distinct plugins.
    pub fn plugin_count(&self) -> usize {
        self.plugins.len()
    }

    /// The order of the queue.
    pub fn sort_key(&self, priority: i32, queued_ms: u64) -> super::SortKey {
        let sort = self.at(Point::QueueSort).first().and_then(|w| self.plugin(w.plugin));
        sort.and_then(Plugin::as_queue_sort).map_or([0; 2], |s| s.key(priority, queued_ms))
    }

    /// The marks of all plugins on a pod, as one: pods of a class with equal marks are alike.
    pub fn mark(&self, cx: &super::Context<'_>) -> u64 {
        let mix =
            |all: u64, one: u64| (all.rotate_left(5) ^ one).wrapping_mul(0x517C_C1B7_2722_0A95);
        self.plugins.iter().map(|plugin| plugin.mark(cx)).fold(0, mix)
    }

    /// What all filters together read.
    pub fn filter_reads(&self) -> Reads {
        self.at(Point::Filter).iter().map(|w| self.reads(w.plugin)).sum()
    }

    /// What the plugin at a place reads; filters always read that the node exists.
    pub fn reads(&self, place: usize) -> Reads {
        self.plugin(place).map_or(Reads::NOTHING, Plugin::reads) | Reads::NODE_EXISTS
    }
}
