//! Questions to the engine's thread: it answers with a snapshot, between two steps, and whoever
//! asked reads that on a thread of its own. Enter at [`Reader::snapshot`].

use std::sync::Arc;
use std::time::Duration;

use berth_engine::{Engine, SNAPSHOTS_MAX, Snapshot, TooManySnapshots};
use tokio::sync::{Mutex, mpsc, oneshot};
use tokio::time::Instant;

/// Questions that wait for the engine's thread: as many as there may be snapshots.
const QUESTIONS_MAX: usize = SNAPSHOTS_MAX;

/// From one snapshot to the next: ten a second take 1 to 2 % of the engine's thread (`make
/// bench-engine ARGS=--case=snapshot`), whoever asks and how often.
const EVERY: Duration = Duration::from_millis(100);

/// One question: where the answer goes.
#[derive(Debug)]
pub(super) struct Question(oneshot::Sender<Result<Snapshot, TooManySnapshots>>);

impl Question {
    /// Answers, if anybody still listens. Costs the engine's thread a snapshot and nothing else.
    pub(super) fn answer(self, engine: &Engine) {
        let Self(asker) = self;
        if !asker.is_closed() {
            // Whoever has gone since lets the snapshot go.
            let _gone = asker.send(engine.snapshot());
        }
    }
}

/// Why there is no snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unread {
    /// Others are reading.
    #[error(transparent)]
    Busy(#[from] TooManySnapshots),
    /// The engine's thread has ended.
    #[error("the scheduler is stopping")]
    Ended,
}

/// Asks the engine's thread for snapshots; clones share the pace.
#[derive(Debug, Clone)]
pub struct Reader {
    questions: mpsc::Sender<Question>,
    // When the next one may be asked for.
    next: Arc<Mutex<Instant>>,
}

impl Reader {
    /// A reader, and where its questions come out.
    pub(super) fn new() -> (Self, mpsc::Receiver<Question>) {
        let (questions, asked) = mpsc::channel(QUESTIONS_MAX);
        (Self { questions, next: Arc::new(Mutex::new(Instant::now())) }, asked)
    }

    /// The cluster as the engine knows it, after the step that is under way; ten a second at most.
    ///
    /// # Errors
    /// [`SNAPSHOTS_MAX`] are being read, or the scheduler is stopping.
    pub async fn snapshot(&self) -> Result<Snapshot, Unread> {
        let mut next = self.next.lock().await;
        tokio::time::sleep_until(*next).await;
        *next = Instant::now() + EVERY;
        drop(next);
        let (asker, answer) = oneshot::channel();
        self.questions.send(Question(asker)).await.map_err(|_| Unread::Ended)?;
        Ok(answer.await.map_err(|_| Unread::Ended)??)
    }
}
