//! Binds every pod by a POST of a Binding, which is the shell's work: this plugin asks for it.
//!
//! Source: `pkg/scheduler/framework/plugins/defaultbinder/default_binder.go`.

use berth_engine::base::NodeIdx;
use berth_engine::framework::{Bind, Plugin, PodView, Reads};

/// The name in configurations.
pub const NAME: &str = "DefaultBinder";

/// The plugin.
#[derive(Debug, Clone, Copy, Default)]
pub struct DefaultBinder;

impl DefaultBinder {
    /// The plugin; it has no arguments.
    pub fn new() -> Self {
        Self
    }
}

impl Plugin for DefaultBinder {
    fn name(&self) -> &str {
        NAME
    }

    fn reads(&self) -> Reads {
        Reads::NOTHING
    }

    fn as_bind(&self) -> Option<&dyn Bind> {
        Some(self)
    }
}

impl Bind for DefaultBinder {
    fn bind(&self, _pod: &PodView<'_>, _node: NodeIdx) -> bool {
        true
    }
}
