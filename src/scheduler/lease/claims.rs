//! The Leases of this instance, for whoever starts, reloads and stops it. Enter at
//! [`Claims::spawn`].

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::keeper::{ClaimsOptions, Keeper, Order};
use super::standing::Standing;
use super::voice::Purpose;
use crate::client::Client;

/// The Leases, held until [`Claims::release`]; dropping it leaves them to run out.
#[derive(Debug)]
pub struct Claims {
    handle: ClaimsHandle,
    closing: CancellationToken,
    task: JoinHandle<()>,
}

/// What a reload does with the Leases; cheap to clone.
#[derive(Debug, Clone)]
pub struct ClaimsHandle {
    orders: mpsc::Sender<Order>,
    again_after: Duration,
}

impl Claims {
    /// Starts to take the Leases on the current tokio runtime, and announces how it stands.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn spawn(
        client: Client,
        options: ClaimsOptions,
        announce: watch::Sender<Standing>,
    ) -> Self {
        // One order waits at most: whoever gives one waits for its answer.
        let (orders, received) = mpsc::channel(1);
        let closing = CancellationToken::new();
        let again_after = options.timing.renew;
        let keeper = Keeper::new(client, options, announce);
        let task = tokio::spawn(keeper.run(received, closing.clone()));
        Self { handle: ClaimsHandle { orders, again_after }, closing, task }
    }

    /// For reloads.
    pub fn handle(&self) -> ClaimsHandle {
        self.handle.clone()
    }

    /// Lets go of the Leases, so that the next instance need not wait for them to run out; gives up
    /// at the deadline.
    pub async fn release(mut self, deadline: Duration) {
        self.closing.cancel();
        if tokio::time::timeout(deadline, &mut self.task).await.is_err() {
            self.task.abort();
            tracing::warn!("The Leases could not be released in time: they run out by themselves");
        }
    }
}

impl Drop for Claims {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl ClaimsHandle {
    /// Takes the Leases of the names that are new; they are held beside the others from then on.
    /// Waits for one that runs out, and not for a holder that renews. `again`: after a refusal
    /// that has been told.
    ///
    /// # Errors
    /// Why one cannot be had; those taken meanwhile are released.
    pub async fn admit(&self, names: BTreeSet<String>, again: bool) -> Result<(), String> {
        let ended = || "the Leases are not held any more".to_owned();
        let (answer, answered) = oneshot::channel();
        let purpose = if again { Purpose::ReloadAgain } else { Purpose::Reload };
        let order = Order::Admit { names, purpose, answer };
        self.orders.send(order).await.map_err(|_| ended())?;
        answered.await.unwrap_or_else(|_| Err(ended()))
    }

    /// When names that were refused are worth another try: `renewDeadline`, 10 s by default. A
    /// try costs one GET for each name.
    pub fn again_after(&self) -> Duration {
        self.again_after
    }

    /// Holds the Leases of these names alone. The others run out: binds of their pods that are
    /// under way have that time to end before somebody else takes the name.
    pub async fn retain(&self, names: BTreeSet<String>) {
        // The keeper ends with the process.
        let _ended = self.orders.send(Order::Retain(names)).await;
    }
}
