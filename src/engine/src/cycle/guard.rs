//! A panicking plugin breaks the pod's cycle, not the process.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::CycleError;

/// Calls a plugin; a panic becomes its message.
///
/// Plugins get shared references and their own state only, and a cycle that broke is thrown away,
/// so nothing half-written is seen again.
pub(crate) fn guarded<T>(plugin: &str, call: impl FnOnce() -> T) -> Result<T, CycleError> {
    catch_unwind(AssertUnwindSafe(call)).map_err(|panic| {
        let text = panic.downcast_ref::<&str>().copied();
        let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
        let message = text.unwrap_or("no message").into();
        CycleError::Panicked { plugin: plugin.into(), message }
    })
}
