//! A panicking plugin breaks the pod's cycle, not the process.

use std::panic::{AssertUnwindSafe, catch_unwind};

/// Calls a plugin; a panic becomes its message.
///
/// Plugins get shared references and their own state only, and a cycle that broke is thrown away,
/// so nothing half-written is seen again.
pub(crate) fn guarded<T>(plugin: &str, call: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(call)).map_err(|panic| {
        let text = panic
            .downcast_ref::<&str>()
            .map(|s| (*s).to_owned())
            .or_else(|| panic.downcast_ref::<String>().cloned())
            .unwrap_or_else(|| "no message".to_owned());
        format!("plugin {plugin:?} panicked: {text}")
    })
}
