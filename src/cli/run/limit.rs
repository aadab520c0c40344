//! The event that binds wait for the configured rate.

use tokio::sync::watch;
use tokio_util::task::AbortOnDropHandle;

use crate::bind::HeldBack;
use crate::client::Client;
use crate::events::{EventHandle, Statement};
use crate::reload::{CONTROLLER, Subject};

/// Publishes an event about `subject` each time the binder tells. Ends with the binder, or when the
/// handle is dropped; without a subject there is only the log.
pub(super) fn tell(
    mut held_back: watch::Receiver<Option<HeldBack>>,
    subject: Option<Subject>,
    client: Client,
    events: EventHandle,
) -> Option<AbortOnDropHandle<()>> {
    let subject = subject?;
    let task = tokio::spawn(async move {
        while held_back.changed().await.is_ok() {
            let Some(held) = *held_back.borrow_and_update() else { continue };
            let regarding = subject.regarding(&client).await;
            let note = held.to_string();
            let (kind, reason, action) = ("Warning", "ClientRateLimit", "Binding");
            events.publish_about(regarding, CONTROLLER, Statement { kind, reason, action, note });
        }
    });
    Some(AbortOnDropHandle::new(task))
}
