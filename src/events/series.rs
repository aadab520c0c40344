//! Events that say the same again are counted, not written again: client-go's
//! `eventBroadcasterImpl` (`tools/events/event_broadcaster.go`).

use std::collections::HashMap;
use std::time::{Duration, Instant};

use super::record::Event;

/// A series ends after this time without another event (`finishTime`).
const FINISH: Duration = Duration::from_secs(6 * 60);

/// A series that goes on is written this often (`refreshTime`).
const REFRESH: Duration = Duration::from_secs(30 * 60);

/// Events remembered; about 600 bytes each, so 40 MB. When full, those that ended are forgotten,
/// and if none has, a new event is written without being remembered.
const REMEMBERED_MAX: usize = 65_536;

/// How often those that ended are looked for while it is full: a look at all of them takes longer
/// than an event.
const CLEAR_EVERY: Duration = Duration::from_secs(1);

/// A request to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Write {
    /// A new event.
    Create(Event),
    /// Its `series`.
    Patch(Event),
}

#[derive(Debug)]
struct Known {
    event: Event,
    /// When the last event came.
    seen: Instant,
    /// When it was last written.
    written: Instant,
    /// Whether more were counted than written.
    behind: bool,
}

/// The events of the last minutes, by what they say.
#[derive(Debug)]
pub(super) struct Series {
    /// How old what was written of a series may be when the event comes again.
    every: Duration,
    known: HashMap<(Box<str>, &'static str, Box<str>), Known>,
    /// When series that had ended were last looked for because it was full.
    cleared: Option<Instant>,
}

impl Default for Series {
    fn default() -> Self {
        Self::new(REFRESH)
    }
}

impl Series {
    /// Series whose repetitions are written where what was written is so old, counted otherwise.
    pub(super) fn new(every: Duration) -> Self {
        Self { every, known: HashMap::new(), cleared: None }
    }

    /// Takes an event in: the first is created, the second patches the series to 2, later ones
    /// are only counted until the next sweep, or until what is written is old.
    pub(super) fn add(&mut self, event: Event, now: Instant) -> Option<Write> {
        if event.stands_alone() {
            return Some(Write::Create(event));
        }
        let key = event.key();
        if let Some(known) = self.known.get_mut(&key) {
            if now.saturating_duration_since(known.seen) < FINISH {
                return known.count(&event, now, self.every);
            }
            // It had ended: what is left uncounted is written by nobody, as in client-go.
            self.known.remove(&key);
        }
        let is_late = |at: Instant| now.saturating_duration_since(at) >= CLEAR_EVERY;
        if self.known.len() >= REMEMBERED_MAX && self.cleared.is_none_or(is_late) {
            self.cleared = Some(now);
            // What is behind, the next sweep writes.
            let goes_on = |at: Instant| now.saturating_duration_since(at) < FINISH;
            self.known.retain(|_, known| goes_on(known.seen) || known.behind);
        }
        if self.known.len() < REMEMBERED_MAX {
            let known = Known { event: event.clone(), seen: now, written: now, behind: false };
            self.known.insert(key, known);
        }
        Some(Write::Create(event))
    }

    /// Forgets series that have ended, after writing their last count, and writes those that go
    /// on and were not written for half an hour.
    pub(super) fn sweep(&mut self, now: Instant) -> Vec<Write> {
        let mut writes = Vec::new();
        self.known.retain(|_, known| {
            let ended = now.saturating_duration_since(known.seen) >= FINISH;
            let due = now.saturating_duration_since(known.written) >= REFRESH;
            if known.behind && (ended || due) {
                known.behind = false;
                known.written = now;
                writes.push(Write::Patch(known.event.clone()));
            }
            !ended
        });
        writes
    }
}

impl Known {
    fn count(&mut self, later: &Event, now: Instant, every: Duration) -> Option<Write> {
        self.seen = now;
        let time = later.time();
        match self.event.series() {
            Some((count, _)) => {
                self.event.set_series(count.saturating_add(1), time);
                self.behind = now.saturating_duration_since(self.written) < every;
                if self.behind {
                    return None;
                }
                self.written = now;
                Some(Write::Patch(self.event.clone()))
            }
            None => {
                self.event.set_series(2, time);
                self.written = now;
                Some(Write::Patch(self.event.clone()))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use berth_engine::record::ObjectKey;
    use berth_engine::{PodEvent, PodName};
    use jiff::Timestamp;

    use super::super::record::Statement;
    use super::*;

    fn about(pod: PodName, event: PodEvent, time: Timestamp) -> Event {
        let statement = Statement::of(&pod.key, event);
        Event::new(pod.into(), "berth", statement, "host", time)
    }

    fn failed(pod: &str, second: i64) -> Event {
        let pod = PodName { key: ObjectKey::new("ns", pod), uid: pod.into() };
        let event = PodEvent::FailedScheduling { note: format!("at {second}") };
        about(pod, event, Timestamp::from_second(second).unwrap())
    }

    fn at(start: Instant, minutes: u64) -> Instant {
        start + Duration::from_secs(60 * minutes)
    }

    fn count(write: &Write) -> Option<u32> {
        let (Write::Create(event) | Write::Patch(event)) = write;
        event.series().map(|(count, _)| count)
    }

    #[test]
    fn first_second_and_later() {
        let start = Instant::now();
        let mut series = Series::default();
        assert!(matches!(series.add(failed("p", 1), start), Some(Write::Create(_))));
        let second = series.add(failed("p", 2), start).unwrap();
        assert!(matches!(second, Write::Patch(_)));
        assert_eq!(count(&second), Some(2));
        assert_eq!(series.add(failed("p", 3), start), None);
        assert!(matches!(series.add(failed("q", 3), start), Some(Write::Create(_))));
    }

    #[test]
    fn what_is_written_of_a_series_does_not_get_old() {
        let start = Instant::now();
        let mut series = Series::new(Duration::from_secs(150));
        let counts: Vec<Option<u32>> = (0..5)
            .filter_map(|round| series.add(failed("p", round), at(start, 2 * round.unsigned_abs())))
            .map(|write| count(&write))
            .collect();
        // Created, patched to 2 at minute 2, counted at 4, written at 6, counted at 8.
        assert_eq!(counts, [None, Some(2), Some(4)]);
    }

    #[test]
    fn a_series_is_refreshed_and_ends() {
        let start = Instant::now();
        let mut series = Series::new(Duration::MAX);
        // One event every five minutes for 40 minutes: never six minutes of rest.
        for round in 0..=8 {
            series.add(failed("p", round), at(start, 5 * round.unsigned_abs()));
            let swept = series.sweep(at(start, 5 * round.unsigned_abs()));
            // Written as 2 at minute 5, so due again at minute 35, then with the eighth event.
            let expected = if round == 7 { vec![Some(8)] } else { vec![] };
            assert_eq!(swept.iter().map(count).collect::<Vec<_>>(), expected, "round {round}");
        }
        // Six minutes of rest: the last count is written and the series is forgotten.
        let swept = series.sweep(at(start, 46));
        assert_eq!(swept.iter().map(count).collect::<Vec<_>>(), [Some(9)]);
        assert!(series.known.is_empty());
        let again = series.add(failed("p", 99), at(start, 47)).unwrap();
        assert!(matches!(again, Write::Create(_)));
        assert_eq!(count(&again), None);
    }

    #[test]
    fn an_ended_series_starts_anew_without_a_sweep() {
        let start = Instant::now();
        let mut series = Series::default();
        series.add(failed("p", 1), start);
        assert!(matches!(series.add(failed("p", 2), at(start, 6)), Some(Write::Create(_))));
    }

    #[test]
    fn the_last_count_of_an_ended_series_is_written_though_it_is_full() {
        let start = Instant::now();
        let mut series = Series::default();
        for number in 0..3 {
            series.add(failed("counted", number), start);
        }
        for pod in 1..REMEMBERED_MAX {
            series.add(failed(&pod.to_string(), 1), start);
        }
        series.add(failed("late", 1), at(start, 7));
        assert_eq!(series.known.len(), 2);
        assert_eq!(series.sweep(at(start, 7)).len(), 1);
    }

    #[test]
    fn memory_is_bounded() {
        let start = Instant::now();
        let mut series = Series::default();
        for pod in 0..=REMEMBERED_MAX {
            let write = series.add(failed(&pod.to_string(), 1), start);
            assert!(matches!(write, Some(Write::Create(_))));
        }
        assert_eq!(series.known.len(), REMEMBERED_MAX);
        series.add(failed("late", 1), at(start, 7));
        assert_eq!(series.known.len(), 1);
    }

    #[test]
    fn scheduled_is_not_remembered() {
        let mut series = Series::default();
        let pod = PodName { key: ObjectKey::new("ns", "p"), uid: "p".into() };
        let event = PodEvent::Scheduled { node: "n".into(), controller: None };
        let event = about(pod, event, Timestamp::UNIX_EPOCH);
        for _ in 0..2 {
            let write = series.add(event.clone(), Instant::now());
            assert!(matches!(write, Some(Write::Create(_))));
        }
        assert!(series.known.is_empty());
    }
}
