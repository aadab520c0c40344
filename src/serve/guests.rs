//! The connections there are, and which of them goes when there is no room. Enter at
//! [`Guests::admit`].
//!
//! A connection costs its peer nothing, so a full house must not keep the next one waiting: then
//! 512 silent ones would keep the kubelet out, and it would end the pod. The one that has shown the
//! least goes instead, of the peer that holds the most.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio_util::sync::CancellationToken;

/// Connections at once. A few scrapers and one kubelet need ten; each takes about 40 kB with its
/// TLS buffers, so 20 MB at most.
pub(super) const CONNECTIONS_MAX: usize = 512;

/// Connections of one address at once: all of a cluster's scrapers behind one proxy need less. A
/// flood of 5,000/s leaves each 25 ms for its first byte.
pub(super) const PER_PEER_MAX: usize = 128;

/// How far a connection has come, from the one to go first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stage {
    /// It has not sent a byte.
    Silent,
    /// It has not asked for anything yet.
    Speaking,
    /// It has been answered, and may ask again.
    Idle,
    /// It is being answered.
    Busy,
}

/// All connections; clones are the same.
#[derive(Debug, Clone, Default)]
pub(super) struct Guests(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    by_number: HashMap<u64, Entry>,
    next: u64,
}

#[derive(Debug)]
struct Entry {
    peer: IpAddr,
    stage: Stage,
    /// Number of the last change of its stage: the lowest is the oldest.
    changed: u64,
    leave: CancellationToken,
}

/// One connection; dropping it makes room.
#[derive(Debug)]
pub(super) struct Guest {
    guests: Guests,
    number: u64,
    /// It is to end: another one takes its place.
    pub(super) leave: CancellationToken,
}

impl Guests {
    /// Takes a connection in that has come so far. Where there is no room another one has to
    /// leave; `None` where all are being answered.
    pub(super) fn admit(&self, peer: IpAddr, stage: Stage) -> Option<Guest> {
        let mut state = self.state();
        let of_peer = state.by_number.values().filter(|entry| entry.peer == peer).count();
        if of_peer >= PER_PEER_MAX {
            state.evict(peer)?;
        } else if state.by_number.len() >= CONNECTIONS_MAX {
            let largest = state.largest()?;
            state.evict(largest)?;
        }
        let number = state.tick();
        let leave = CancellationToken::new();
        let entry = Entry { peer, stage, changed: number, leave: leave.clone() };
        state.by_number.insert(number, entry);
        Some(Guest { guests: self.clone(), number, leave })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn tick(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    /// The peer with the most connections that can be ended; 512 are counted.
    fn largest(&self) -> Option<IpAddr> {
        let mut counts: HashMap<IpAddr, usize> = HashMap::new();
        for entry in self.by_number.values().filter(|entry| entry.stage != Stage::Busy) {
            *counts.entry(entry.peer).or_default() += 1;
        }
        counts.into_iter().max_by_key(|(peer, count)| (*count, *peer)).map(|(peer, _)| peer)
    }

    /// Ends one of the peer's connections: the oldest of those that have shown the least.
    fn evict(&mut self, peer: IpAddr) -> Option<()> {
        let of_peer = self.by_number.iter().filter(|(_, entry)| entry.peer == peer);
        let (number, entry) = of_peer.min_by_key(|(_, entry)| (entry.stage, entry.changed))?;
        if entry.stage == Stage::Busy {
            return None;
        }
        let number = *number;
        // Its place is free from now on: its task ends at its next turn.
        self.by_number.remove(&number)?.leave.cancel();
        Some(())
    }
}

impl Guest {
    /// It has come so far.
    pub(super) fn is(&self, stage: Stage) {
        let mut state = self.guests.state();
        let changed = state.tick();
        if let Some(entry) = state.by_number.get_mut(&self.number) {
            entry.stage = stage;
            entry.changed = changed;
        }
    }

    /// Whether it has asked for nothing yet.
    pub(super) fn is_new(&self) -> bool {
        let state = self.guests.state();
        state.by_number.get(&self.number).is_some_and(|entry| entry.stage <= Stage::Speaking)
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        self.guests.state().by_number.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn address(number: u8) -> IpAddr {
        IpAddr::from([10, 0, 0, number])
    }

    #[test]
    fn the_oldest_that_has_asked_nothing_goes_then_the_one_idle_for_longest() {
        let guests = Guests::default();
        let all: Vec<Guest> =
            (0..PER_PEER_MAX).map(|_| guests.admit(address(1), Stage::Silent).unwrap()).collect();
        all[0].is(Stage::Busy);
        let next = guests.admit(address(1), Stage::Silent).unwrap();
        assert!(all[1].leave.is_cancelled() && !all[0].leave.is_cancelled());
        all[2..].iter().for_each(|guest| guest.is(Stage::Busy));
        all[0].is(Stage::Idle);
        let other = guests.admit(address(1), Stage::Silent).unwrap();
        assert!(next.leave.is_cancelled(), "it was new");
        other.is(Stage::Busy);
        let last = guests.admit(address(1), Stage::Silent).unwrap();
        assert!(all[0].leave.is_cancelled(), "it was idle");
        last.is(Stage::Speaking);
        let silent = guests.admit(address(1), Stage::Silent).unwrap();
        assert!(last.leave.is_cancelled(), "it was the only one not being answered");
        silent.is(Stage::Speaking);
        let silent = guests.admit(address(1), Stage::Silent).unwrap();
        silent.is(Stage::Busy);
        assert!(guests.admit(address(1), Stage::Silent).is_none(), "all are being answered");
        assert!(guests.admit(address(2), Stage::Silent).is_some(), "another peer has room");
        drop(silent);
        assert!(guests.admit(address(1), Stage::Silent).is_some());
    }

    #[test]
    fn a_full_house_loses_one_of_the_peer_that_holds_the_most() {
        let guests = Guests::default();
        let kubelet = guests.admit(address(9), Stage::Silent).unwrap();
        let mut all = Vec::new();
        for number in 0..2_000 {
            // One peer comes four times as often as six others together.
            let peer = if number % 5 == 0 { 1 + (number / 5 % 6) as u8 } else { 7 };
            all.push((peer, guests.admit(address(peer), Stage::Silent).unwrap()));
        }
        assert!(!kubelet.leave.is_cancelled());
        assert_eq!(guests.state().by_number.len(), CONNECTIONS_MAX);
        let stay = |peer| all.iter().filter(|(p, g)| *p == peer && !g.leave.is_cancelled()).count();
        assert!(stay(7) <= PER_PEER_MAX, "{}", stay(7));
        assert!((1..=6).all(|peer| (60..=68).contains(&stay(peer))), "{}", stay(1));
    }
}
