//! How fast peers are served: handshakes and requests per second, each address apart. Enter at
//! [`Pacer::turn`].
//!
//! Berth serves in the thread that carries its binds. Whoever asks faster than this waits for his
//! turn, and a peer that asks seldom, as the kubelet of the node does for its probes, has a share
//! that a flood from other addresses does not reach.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::allowance::Allowance;

/// Peers whose rate is kept. Those that have rested are forgotten first; about 100 bytes each.
const PEERS_MAX: usize = 4_096;

/// What is allowed in a second.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    /// For one address, which may save up as many as of two seconds.
    pub(super) peer: f64,
    /// For all that ask faster than their address may, or are many, together.
    pub(super) all: f64,
    /// For those that have saved some up: the share of whoever asks seldom.
    pub(super) seldom: f64,
    /// Longest wait for a turn.
    pub(super) wait_max: Duration,
}

/// Gives turns.
#[derive(Debug)]
pub(super) struct Pacer {
    pace: Pace,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    peers: HashMap<IpAddr, Allowance>,
    all: Allowance,
    seldom: Allowance,
}

impl Pacer {
    pub(super) fn new(pace: Pace, now: Instant) -> Self {
        let state = State {
            peers: HashMap::new(),
            all: two_seconds(pace.all, now),
            seldom: two_seconds(pace.seldom, now),
        };
        Self { pace, state: Mutex::new(state) }
    }

    /// How long this peer waits for its turn; `None` where it would wait too long.
    pub(super) fn turn(&self, peer: IpAddr, now: Instant) -> Option<Duration> {
        let mut state = self.state();
        let longest = self.pace.wait_max;
        if state.peers.len() >= PEERS_MAX && !state.peers.contains_key(&peer) {
            state.peers.retain(|_, allowance| !allowance.is_full(now));
        }
        let room = state.peers.len() < PEERS_MAX || state.peers.contains_key(&peer);
        let own = match room {
            true => {
                let fresh = || two_seconds(self.pace.peer, now);
                state.peers.entry(peer).or_insert_with(fresh).take(now, longest)?
            }
            // As many as this are a flood of addresses: they wait with all others.
            false => Duration::ZERO,
        };
        if own.is_zero() && room && state.seldom.take(now, Duration::ZERO).is_some() {
            return Some(Duration::ZERO);
        }
        state.all.take(now, longest).map(|shared| shared.max(own))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn two_seconds(per_second: f64, now: Instant) -> Allowance {
    // Rates are constants of at most some hundreds.
    Allowance::new(per_second, (2.0 * per_second) as u32, now)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const PACE: Pace =
        Pace { peer: 10.0, all: 40.0, seldom: 10.0, wait_max: Duration::from_secs(2) };

    fn address(number: u32) -> IpAddr {
        IpAddr::V4(number.into())
    }

    /// Turns within a second from `now` for one try of `peer` each millisecond.
    fn served(pacer: &Pacer, peers: impl Fn(u32) -> u32, now: Instant) -> usize {
        let millis = (0..1_000).map(|ms| (peers(ms), now + Duration::from_millis(ms.into())));
        millis.filter(|(peer, at)| pacer.turn(address(*peer), *at).is_some()).count()
    }

    #[test]
    fn one_address_gets_its_rate() {
        let start = Instant::now();
        let pacer = Pacer::new(PACE, start);
        let turns = served(&pacer, |_| 1, start);
        // Two seconds saved up, one passes, and two may be waited for.
        assert!((48..=52).contains(&turns), "{turns}");
        let rested = start + Duration::from_secs(60);
        assert_eq!(pacer.turn(address(1), rested), Some(Duration::ZERO));
    }

    #[test]
    fn many_addresses_get_the_rate_of_all() {
        let start = Instant::now();
        let pacer = Pacer::new(PACE, start);
        let turns = served(&pacer, |ms| ms % 500, start);
        // As above: five seconds of 40 and three of 10 that do not wait.
        assert!((225..=235).contains(&turns), "{turns}");
    }

    #[test]
    fn whoever_asks_seldom_does_not_wait_for_a_flood_from_elsewhere() {
        let start = Instant::now();
        let pacer = Pacer::new(PACE, start);
        // Four addresses, each at 250/s, for a minute.
        let mut last = start;
        for step in 0..60_000_u32 {
            last = start + Duration::from_millis(step.into());
            let turn = pacer.turn(address(1 + step % 4), last);
            if step % 2_000 == 1_999 {
                assert_eq!(pacer.turn(address(100), last), Some(Duration::ZERO), "{turn:?}");
            }
        }
        assert_eq!(pacer.turn(address(101), last), Some(Duration::ZERO));
    }

    #[test]
    fn addresses_are_forgotten_and_their_number_is_bounded() {
        let start = Instant::now();
        let pacer = Pacer::new(PACE, start);
        for number in 0..3 * PEERS_MAX as u32 {
            let _turn = pacer.turn(address(number), start);
        }
        assert_eq!(pacer.state().peers.len(), PEERS_MAX);
        pacer.turn(address(u32::MAX), start + Duration::from_secs(60)).unwrap();
        assert_eq!(pacer.state().peers.len(), 1);
    }
}
