//! Binds go first: what other writes may take of the API server while binds are under way.
//!
//! The server works on what it is sent, in no order of ours, so the only way to keep an event from
//! delaying a bind is not to send it yet. A lane that gives way holds few requests in flight while
//! a bind is open, decided or posted, and many once none is.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use tokio::sync::Notify;

/// How many binds are open: handed in and not yet reported.
#[derive(Debug, Default)]
pub struct RightOfWay {
    binds: AtomicUsize,
    /// The last open bind has ended.
    free: Notify,
}

impl RightOfWay {
    /// A bind is handed in.
    pub(crate) fn begin(&self) {
        self.binds.fetch_add(1, SeqCst);
    }

    /// A bind is reported, or was not taken.
    pub(crate) fn end(&self) {
        // A bind that was given up may still end.
        let less = |binds: usize| binds.checked_sub(1);
        if self.binds.fetch_update(SeqCst, SeqCst, less) == Ok(1) {
            self.free.notify_waiters();
        }
    }

    /// Binds open now.
    pub fn binds(&self) -> usize {
        self.binds.load(SeqCst)
    }

    /// Binds open now are given up: nothing waits for them any more. Returns how many there were.
    pub(crate) fn give_up(&self) -> usize {
        let left = self.binds.swap(0, SeqCst);
        self.free.notify_waiters();
        left
    }
}

/// How many requests a lane holds in flight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share {
    /// While a bind is open; at least 1, so that nothing waits for ever beside a steady stream.
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
        let share = Share { beside_binds: share.beside_binds.max(1), alone: share.alone.max(1) };
        let (in_flight, ended) = (AtomicUsize::new(0), Notify::new());
        Self(Arc::new(Inner { way, share, in_flight, ended }))
    }

    /// Waits until one more request may be sent.
    pub(crate) async fn enter(&self) -> Place {
        let Inner { way, share, in_flight, ended } = &*self.0;
        loop {
            let free = way.free.notified();
            let mut free = std::pin::pin!(free);
            // Listens before it looks: a bind that ends in between is not missed.
            free.as_mut().enable();
            let limit = if way.binds() == 0 { share.alone } else { share.beside_binds };
            if in_flight.load(SeqCst) < limit {
                in_flight.fetch_add(1, SeqCst);
                return Place(Arc::clone(&self.0));
            }
            tokio::select! {
                () = free => {}
                () = ended.notified() => {}
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
        let lane = GivingWay::new(Arc::clone(&way), Share { beside_binds: 2, alone: 5 });
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

    #[tokio::test]
    async fn the_end_of_binds_wakes_a_lane_that_waits() {
        let way = Arc::<RightOfWay>::default();
        way.begin();
        way.begin();
        let lane = GivingWay::new(Arc::clone(&way), Share { beside_binds: 0, alone: 2 });
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
}
