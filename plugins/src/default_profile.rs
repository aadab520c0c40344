//! kube-scheduler's default profile, for programs that run the engine without a configuration file.

use berth_engine::framework::{Profile, ProfileBuilder, ProfileError, RegistryError};

use crate::{FieldError, default_plugins, in_tree};

/// Why there is no default profile.
#[derive(Debug, thiserror::Error)]
pub enum DefaultProfileError {
    /// See [`in_tree`].
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// A plugin refuses to be without arguments.
    #[error("plugin {plugin:?} refuses its default arguments: {errors:?}")]
    Args {
        /// Its name.
        plugin: &'static str,
        /// What it says.
        errors: Vec<FieldError>,
    },
    /// The plugins make no profile.
    #[error(transparent)]
    Profile(#[from] ProfileError),
}

/// The [`default_plugins`] that are here, without arguments, for pods that name `scheduler_name`:
/// `Config { profiles: vec![Arc::new(default_profile("berth")?)], ..Config::default() }`.
///
/// Plugins to come are left out, so pods that need one are placed as if they did not; `berth run`
/// refuses them by [`crate::refusal::Refusal`].
///
/// # Errors
/// See [`DefaultProfileError`]; does not happen with the plugins of the tree.
pub fn default_profile(scheduler_name: &str) -> Result<Profile, DefaultProfileError> {
    let registry = in_tree()?;
    let mut builder = ProfileBuilder::new(scheduler_name);
    for (name, weight) in default_plugins() {
        let Ok(factory) = registry.get(name) else { continue };
        let built = factory.build(None);
        let plugin = built.map_err(|errors| DefaultProfileError::Args { plugin: name, errors })?;
        builder.add_everywhere(&plugin, (*weight).max(1))?;
    }
    Ok(builder.build()?)
}
