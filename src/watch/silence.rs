//! Kinds of which the API server has told nothing for too long.

use std::time::Duration;

use super::kind::Kind;
use super::state::{KindState, States};
use super::stats::WatchStats;

/// A kind that is silent for longer is not followed: 150 s until its watch is left, 60 s in which
/// the next one is to be answered, 90 s for the list of its audit. A server that is well tells
/// something each minute, by a bookmark.
pub const SILENT_MAX: Duration = Duration::from_secs(300);

/// The listed kinds that have been silent for longer than `longest`, and for how long.
pub fn silent(states: &States, stats: &WatchStats, longest: Duration) -> Vec<(Kind, Duration)> {
    let listed = Kind::ALL.into_iter().filter(|kind| *states.of(*kind) == KindState::Synced);
    let silences = listed.filter_map(|kind| Some((kind, stats.silence(kind)?)));
    silences.filter(|(_, silence)| *silence > longest).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::sync::watch;

    use super::super::state::StateCell;
    use super::*;

    #[test]
    fn only_listed_kinds_can_be_silent() {
        let (sender, states) = watch::channel(States::default());
        let stats = WatchStats::default();
        assert_eq!(stats.silence(Kind::Pod), None);
        for kind in [Kind::Pod, Kind::Node] {
            stats.heard(kind);
        }
        std::thread::sleep(Duration::from_millis(5));
        assert_eq!(silent(&states.borrow(), &stats, Duration::ZERO), []);
        StateCell::new(Kind::Pod, Arc::new(sender)).set(KindState::Synced);
        let found = silent(&states.borrow(), &stats, Duration::ZERO);
        assert!(matches!(found.as_slice(), [(Kind::Pod, silence)] if !silence.is_zero()));
        assert_eq!(silent(&states.borrow(), &stats, SILENT_MAX), []);
    }
}
