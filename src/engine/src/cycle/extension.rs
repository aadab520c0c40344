//! A plugin of a profile at one of its extension points.

use crate::framework::{Plugin, Point, Profile};

use super::CycleError;

/// The plugin at a place of the profile, and its side at `point`, which `of` returns.
///
/// # Errors
/// The place is empty or the plugin does not implement the point: a profile is built with neither,
/// so the attempt fails and says which.
pub(crate) fn extension<'p, T: ?Sized>(
    profile: &'p Profile,
    place: usize,
    point: Point,
    of: impl Fn(&'p dyn Plugin) -> Option<&'p T>,
) -> Result<(&'p dyn Plugin, &'p T), CycleError> {
    let plugin = profile.plugin(place);
    let found = plugin.and_then(|plugin| Some((plugin, of(plugin)?)));
    found.ok_or_else(|| CycleError::NotImplemented {
        plugin: plugin.map_or("", |plugin| plugin.name()).into(),
        point,
    })
}
