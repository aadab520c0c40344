//! The extension points of a configuration.

use berth_engine::framework::Point;

/// An extension point that a configuration can name. The engine runs the first twelve; those of
/// pod groups are read and checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(missing_docs)]
pub enum ExtensionPoint {
    PreEnqueue,
    QueueSort,
    PreFilter,
    Filter,
    PostFilter,
    PreScore,
    Score,
    Reserve,
    Permit,
    PreBind,
    Bind,
    PostBind,
    PlacementGenerate,
    PlacementScore,
    PodGroupPostFilter,
}

use ExtensionPoint::{
    Bind, Filter, Permit, PlacementGenerate, PlacementScore, PodGroupPostFilter, PostBind,
    PostFilter, PreBind, PreEnqueue, PreFilter, PreScore, QueueSort, Reserve, Score,
};

impl ExtensionPoint {
    /// All points.
    pub const ALL: [Self; 15] = [
        PreEnqueue,
        QueueSort,
        PreFilter,
        Filter,
        PostFilter,
        PreScore,
        Score,
        Reserve,
        Permit,
        PreBind,
        Bind,
        PostBind,
        PlacementGenerate,
        PlacementScore,
        PodGroupPostFilter,
    ];

    /// The name in a file.
    pub fn field(self) -> &'static str {
        match self {
            PreEnqueue => "preEnqueue",
            QueueSort => "queueSort",
            PreFilter => "preFilter",
            Filter => "filter",
            PostFilter => "postFilter",
            PreScore => "preScore",
            Score => "score",
            Reserve => "reserve",
            Permit => "permit",
            PreBind => "preBind",
            Bind => "bind",
            PostBind => "postBind",
            PlacementGenerate => "placementGenerate",
            PlacementScore => "placementScore",
            PodGroupPostFilter => "podGroupPostFilter",
        }
    }

    /// The point that `berth_plugins` calls by `name`, such as `PreFilter`.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|point| point.field().eq_ignore_ascii_case(name))
    }

    /// Its place in the engine; none for those of pod groups.
    pub fn in_engine(self) -> Option<Point> {
        Point::ALL.get(self as usize).copied()
    }

    /// Whether plugins have a weight there.
    pub fn is_weighted(self) -> bool {
        matches!(self, Score | PlacementScore)
    }
}
