//! kube-scheduler's plugins for Berth, one module each, and their registry.

mod factory;

pub use factory::{ArgsKind, Factory, FieldError, PluginArgs};

use berth_engine::framework::{Registry, RegistryError};

/// Plugins by name, as a configuration finds them.
pub type PluginRegistry = Registry<Factory>;

/// The registry of the plugins in the tree. A program with plugins of its own starts from it:
/// `in_tree()?.with("Mine", Factory::with_args(Mine::new))?`.
///
/// # Errors
/// Two plugins of the tree share a name; does not happen.
pub fn in_tree() -> Result<PluginRegistry, RegistryError> {
    Ok(Registry::default())
}
