//! The extension points of kube-scheduler.

use super::Plugin;

/// Makes the enum of the points, with what each is called.
macro_rules! points {
    ($($point:ident $field:literal,)*) => {
        /// An extension point, by its name in kube-scheduler. The last three are of pod groups,
        /// which configurations name and the engine does not run.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[allow(missing_docs)]
        pub enum Point {
            $($point,)*
        }

        impl Point {
            /// All points in the order in which they come up.
            pub const ALL: [Self; [$($field),*].len()] = [$(Self::$point),*];

            /// The name, as in metric labels.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$point => stringify!($point),)*
                }
            }

            /// The name in a configuration.
            pub fn field(self) -> &'static str {
                match self {
                    $(Self::$point => $field,)*
                }
            }
        }
    };
}

points! {
    PreEnqueue "preEnqueue",
    QueueSort "queueSort",
    PreFilter "preFilter",
    Filter "filter",
    PostFilter "postFilter",
    PreScore "preScore",
    Score "score",
    Reserve "reserve",
    Permit "permit",
    PreBind "preBind",
    Bind "bind",
    PostBind "postBind",
    PlacementGenerate "placementGenerate",
    PlacementScore "placementScore",
    PodGroupPostFilter "podGroupPostFilter",
}

impl Point {
    /// The point of this name, such as `PreFilter`.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|point| point.as_str() == name)
    }

    /// Whether plugins have a weight there.
    pub fn is_weighted(self) -> bool {
        matches!(self, Self::Score | Self::PlacementScore)
    }

    /// Whether the point is run. PostFilter waits for preemption; a profile with a plugin there is
    /// refused, so that nobody relies on a call that never comes.
    pub fn is_run(self) -> bool {
        !matches!(
            self,
            Self::PostFilter
                | Self::PlacementGenerate
                | Self::PlacementScore
                | Self::PodGroupPostFilter
        )
    }

    /// Whether `plugin` implements the point.
    pub fn is_implemented_by(self, plugin: &dyn Plugin) -> bool {
        match self {
            Self::PreEnqueue => plugin.as_pre_enqueue().is_some(),
            Self::QueueSort => plugin.as_queue_sort().is_some(),
            Self::PreFilter => plugin.as_pre_filter().is_some(),
            Self::Filter => plugin.as_filter().is_some(),
            Self::PostFilter => plugin.as_post_filter().is_some(),
            Self::PreScore => plugin.as_pre_score().is_some(),
            Self::Score => plugin.as_score().is_some(),
            Self::Reserve => plugin.as_reserve().is_some(),
            Self::Permit => plugin.as_permit().is_some(),
            Self::PreBind => plugin.as_pre_bind().is_some(),
            Self::Bind => plugin.as_bind().is_some(),
            Self::PostBind => plugin.as_post_bind().is_some(),
            Self::PlacementGenerate | Self::PlacementScore | Self::PodGroupPostFilter => false,
        }
    }
}
