//! Binds go first: what other writes may take of the API server while binds are under way.
//!
//! The server works on what it is sent, in no order of ours, so the only way to keep an event from
//! delaying a bind is not to send it yet. A lane that gives way holds none or few requests in
//! flight while a bind is open, decided or posted, and many once none is.

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

/// How many binds are open: handed in and not yet reported.
#[derive(Debug, Default)]
pub struct RightOfWay {
    open: Mutex<Open>,
    /// The last open bind has ended.
    free: Notify,
}

#[derive(Debug, Default)]
struct Open {
    binds: usize,
    /// When the first bind began after a moment without any.
    since: Option<Instant>,
}

impl RightOfWay {
    fn open(&self) -> MutexGuard<'_, Open> {
        // Nothing can panic while it is held.
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A bind is handed in.
    pub(crate) fn begin(&self) {
        let mut open = self.open();
        if open.binds == 0 {
            open.since = Some(Instant::now());
        }
        open.binds += 1;
    }

    /// A bind is reported, or was not taken.
    pub(crate) fn end(&self) {
        let mut open = self.open();
        // A bind that was given up may still end.
        if open.binds == 1 {
            *open = Open::default();
            self.free.notify_waiters();
        } else {
            open.binds = open.binds.saturating_sub(1);
        }
    }

    /// Binds open now.
    pub fn binds(&self) -> usize {
        self.open().binds
    }

    /// Since when there was no moment without an open bind; `None` where none is open.
    fn since(&self) -> Option<Instant> {
        self.open().since
    }

    /// Binds open now are given up: nothing waits for them any more. Returns how many there were.
    pub(crate) fn give_up(&self) -> usize {
        let left = std::mem::take(&mut *self.open()).binds;
        self.free.notify_waiters();
        left
    }
}

/// How many requests a lane holds in flight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share {
    /// How long binds may be open without a break before this lane sends anything beside them.
    pub patience: Duration,
    /// While a bind is open, after `patience`; at least 1, so that nothing waits for ever beside a
    /// steady stream.
    pub beside_binds: usize,
    /// While none is.
    pub alone: usize,
}

/// A lane that gives way; one task enters requests, many end them.
#[derive(Debug, Clone)]
pub(crate) struct GivingWay(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    way: Arc<RightOfWay>,
    share: Share,
    in_flight: AtomicUsize,
    /// A request has ended.
    ended: Notify,
}

/// One request's place; it ends when dropped.
#[derive(Debug)]
pub(crate) struct Place(Arc<Inner>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, SeqCst);
        self.0.ended.notify_one();
    }
}

impl GivingWay {
    pub(crate) fn new(way: Arc<RightOfWay>, share: Share) -> Self {
        let (beside_binds, alone) = (share.beside_binds.max(1), share.alone.max(1));
        let share = Share { beside_binds, alone, ..share };
        let (in_flight, ended) = (AtomicUsize::new(0), Notify::new());
        Self(Arc::new(Inner { way, share, in_flight, ended }))
    }

    /// Waits until one more request may be sent.
    pub(crate) async fn enter(&self) -> Place {
        let patience = self.0.share.patience;
        self.enter_after(|since| patience.saturating_sub(since.elapsed())).await
    }

    /// Waits until one more request may be sent that is not to wait for the share's patience.
    /// Beside binds there is one each `pace`; the `last` was let in then.
    pub(crate) async fn enter_at_once(&self, last: Option<Instant>, pace: Duration) -> Place {
        let rest = || last.map_or(Duration::ZERO, |last| pace.saturating_sub(last.elapsed()));
        self.enter_after(|_| rest()).await
    }

    /// Waits for a place; `rest` says for how long none is given beside binds that have been open
    /// since then.
    async fn enter_after(&self, rest: impl Fn(Instant) -> Duration) -> Place {
        let Inner { way, share, in_flight, ended } = &*self.0;
        loop {
            let free = way.free.notified();
            let mut free = std::pin::pin!(free);
            // Listens before it looks: a bind that ends in between is not missed.
            free.as_mut().enable();
            let patient = way.since().map(&rest);
            let limit = match patient {
                None => share.alone,
                Some(Duration::ZERO) => share.beside_binds,
                Some(_) => 0,
            };
            if in_flight.load(SeqCst) < limit {
                in_flight.fetch_add(1, SeqCst);
                return Place(Arc::clone(&self.0));
            }
            let patience_ends = async {
                match patient.filter(|rest| !rest.is_zero()) {
                    Some(rest) => tokio::time::sleep(rest).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = free => {}
                () = ended.notified() => {}
                () = patience_ends => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(5);

    /// As many places as can be had without waiting.
    fn enter_all(lane: &GivingWay, places: &mut Vec<Place>) -> usize {
        let mut cx = Context::from_waker(Waker::noop());
        while let Poll::Ready(place) = pin!(lane.enter()).poll(&mut cx) {
            places.push(place);
        }
        places.len()
    }

    #[test]
    fn few_beside_binds_and_many_alone() {
        let way = Arc::<RightOfWay>::default();
        let lane = GivingWay::new(
            Arc::clone(&way),
            Share { patience: Duration::ZERO, beside_binds: 2, alone: 5 },
        );
        let mut places = Vec::new();
        assert_eq!(enter_all(&lane, &mut places), 5);
        way.begin();
        assert_eq!(enter_all(&lane, &mut places), 5);
        places.truncate(1);
        assert_eq!(enter_all(&lane, &mut places), 2, "five were in flight when the bind began");
        way.begin();
        way.end();
        assert_eq!(enter_all(&lane, &mut places), 2, "one bind is still open");
        way.end();
        assert_eq!(enter_all(&lane, &mut places), 5);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_told_at_once_has_a_pace_beside_binds_and_none_alone() {
        let way = Arc::<RightOfWay>::default();
        let share = Share { patience: PATIENCE, beside_binds: 1, alone: 9 };
        let lane = GivingWay::new(Arc::clone(&way), share);
        let pace = Duration::from_millis(250);
        way.begin();
        let start = Instant::now();
        let mut last = None;
        for _ in 0..5 {
            let place = lane.enter_at_once(last, pace).await;
            last = Some(Instant::now());
            drop(place);
        }
        assert_eq!(start.elapsed(), 4 * pace, "the first waits for nothing");
        // One in flight at once, whatever the pace.
        let place = lane.enter_at_once(None, pace).await;
        let second = tokio::time::timeout(PATIENCE, lane.enter_at_once(None, pace)).await;
        assert!(second.is_err());
        drop(place);
        way.end();
        let start = Instant::now();
        for _ in 0..5 {
            drop(lane.enter_at_once(Some(Instant::now()), pace).await);
        }
        assert_eq!(start.elapsed(), Duration::ZERO);
    }

    #[tokio::test]
    async fn the_end_of_binds_wakes_a_lane_that_waits() {
        let way = Arc::<RightOfWay>::default();
        way.begin();
        way.begin();
        let lane = GivingWay::new(
            Arc::clone(&way),
            Share { patience: Duration::ZERO, beside_binds: 0, alone: 2 },
        );
        let first = lane.enter().await;
        let (second, ()) = tokio::join!(lane.enter(), async {
            tokio::task::yield_now().await;
            assert_eq!(way.give_up(), 2);
        });
        let (third, ()) = tokio::join!(lane.enter(), async {
            tokio::task::yield_now().await;
            drop(first);
        });
        drop((second, third));
    }

    #[tokio::test(start_paused = true)]
    async fn a_patient_lane_sends_nothing_beside_a_burst_and_something_beside_a_stream() {
        let way = Arc::<RightOfWay>::default();
        let share = Share { patience: PATIENCE, beside_binds: 1, alone: 9 };
        let lane = GivingWay::new(Arc::clone(&way), share);
        way.begin();
        assert_eq!(enter_all(&lane, &mut Vec::new()), 0);
        let wait = async { drop(lane.enter().await) };
        tokio::time::timeout(PATIENCE * 2, wait).await.expect("patience ends");
        way.begin();
        way.end();
        assert_eq!(enter_all(&lane, &mut Vec::new()), 1, "no break: the stream goes on");
        way.end();
        way.begin();
        assert_eq!(enter_all(&lane, &mut Vec::new()), 0, "a new burst");
    }
}
