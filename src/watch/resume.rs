//! What one kind's watch does next: list, watch, wait; and which answers count. Pure: time and
//! answers come in as arguments.

use std::time::Duration;

use super::backoff::Backoff;

/// Watches, or requests for one further page, that fail in a row before the list is begun anew: the
/// version or token may be one that the server cannot serve (restored etcd), which it does not
/// always call 410. Five tries are 12 to 50 s, longer than an API server's restart.
const TRIES: u32 = 5;
/// Lists older than what was seen before they are believed. A quorum read cannot be old unless
/// etcd was restored from a backup; ten tries are 2 to 4 minutes, in which an operator's rolling
/// restart of API servers has ended.
const OLD_LISTS: u32 = 10;
/// A watch that ends sooner without an event has failed.
const SHORT_WATCH: Duration = Duration::from_secs(1);
/// Longest wait that a server can ask for by `Retry-After`.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(60);
/// Shortest `timeoutSeconds` of a watch; the longest is twice it (client-go's `minWatchTimeout`).
const WATCH_TIMEOUT: Duration = Duration::from_secs(300);

/// The next thing to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step {
    /// Sleep.
    Wait(Duration),
    /// Ask for a list or a page of one.
    List(List),
    /// Watch from a resource version, for as long as given.
    Watch(String, Duration),
}

/// Which list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum List {
    /// Everything in one answer, asked for once, as the first thing. Without a resource version,
    /// so that it holds every write answered before it, as client-go's watch-lists do: a server of
    /// 1.31 or newer answers it from its cache once that has caught up (KEP-2340). What
    /// `resourceVersion=0` gives may lack the last binds of an instance that was just killed, and
    /// their room would be given away again.
    Whole,
    /// The first page: never older than what was seen.
    Paged,
    /// The page of this token.
    Continue(String),
}

/// What to do with a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PageVerdict {
    /// Apply it; more pages follow.
    Apply,
    /// Apply it; then what was not in the list is gone.
    ApplyLast,
    /// It is older than what was seen: drop it.
    Old,
}

/// Why a list or watch has failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Failure {
    /// 410: the resource version or the continue token has expired.
    Expired,
    /// The server asks to come back later.
    Throttled(Duration),
    /// A watch that had been answered ended after so long: at its time, or with its connection.
    Closed {
        /// How long it lasted.
        lived: Duration,
        /// Whether it brought anything.
        fruitful: bool,
    },
    /// Anything else: refused, unreachable, unreadable, silent for too long.
    Other,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum State {
    Listing { token: Option<String> },
    Watching { version: String },
}

/// The state of one kind's list and watch.
#[derive(Debug)]
pub(crate) struct Resume {
    state: State,
    wait: Duration,
    backoff: Backoff,
    /// Newest resource version seen in a list, an event or a bookmark; 0 for none.
    newest: u64,
    old_lists: u32,
    failed_tries: u32,
    /// Versions of the past count no more: the server's history has been replaced.
    reset: bool,
    /// Nothing has been asked for yet.
    fresh: bool,
}

impl Resume {
    /// Nothing known; `seed` sets jitter and timeouts.
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            state: State::Listing { token: None },
            wait: Duration::ZERO,
            backoff: Backoff::new(seed),
            newest: 0,
            old_lists: 0,
            failed_tries: 0,
            reset: false,
            fresh: true,
        }
    }

    /// What to do now.
    pub(crate) fn next_step(&mut self) -> Step {
        if !self.wait.is_zero() {
            return Step::Wait(std::mem::take(&mut self.wait));
        }
        match &self.state {
            State::Listing { token: Some(token) } => Step::List(List::Continue(token.clone())),
            State::Listing { token: None } if std::mem::take(&mut self.fresh) => {
                Step::List(List::Whole)
            }
            State::Listing { token: None } => Step::List(List::Paged),
            State::Watching { version } => {
                let timeout = WATCH_TIMEOUT + WATCH_TIMEOUT.mul_f64(self.backoff.fraction());
                Step::Watch(version.clone(), Duration::from_secs(timeout.as_secs()))
            }
        }
    }

    /// Whether a list at `version` is older than what was seen.
    pub(crate) fn is_old(&self, version: &str) -> bool {
        let number = number(version);
        number != 0 && number < self.newest
    }

    /// A page has come, of a list at `version`; `token` is that of the next page, or empty.
    pub(crate) fn page(&mut self, version: &str, token: &str, now: Duration) -> PageVerdict {
        let number = number(version);
        if self.is_old(version) {
            self.old_lists += 1;
            if self.old_lists < OLD_LISTS {
                self.state = State::Listing { token: None };
                self.wait = self.backoff.fail(now);
                return PageVerdict::Old;
            }
            self.reset = true;
            self.newest = 0;
        }
        self.old_lists = 0;
        self.newest = self.newest.max(number);
        self.failed_tries = 0;
        if token.is_empty() {
            self.state = State::Watching { version: version.into() };
            PageVerdict::ApplyLast
        } else {
            self.state = State::Listing { token: Some(token.into()) };
            PageVerdict::Apply
        }
    }

    /// Whether the server's history has been replaced since the last call: all that is known may
    /// carry newer versions than the list and still be older.
    pub(crate) fn take_reset(&mut self) -> bool {
        std::mem::take(&mut self.reset)
    }

    /// An event or bookmark of a watch: it resumes from here.
    pub(crate) fn observed(&mut self, resource_version: &str) {
        if resource_version.is_empty() {
            return;
        }
        self.failed_tries = 0;
        self.newest = self.newest.max(number(resource_version));
        if let State::Watching { version } = &mut self.state {
            // Never back: an event older than the last one is not where to resume.
            if number(resource_version) != 0 && number(resource_version) < number(version) {
                return;
            }
            version.clear();
            version.push_str(resource_version);
        }
    }

    /// A list or watch has ended.
    pub(crate) fn failed(&mut self, failure: Failure, now: Duration) {
        match failure {
            Failure::Closed { lived, fruitful } if fruitful || lived >= SHORT_WATCH => return,
            Failure::Expired => {
                // The first one is answered at once: until the list is there, nothing is current.
                let rested = self.backoff.is_at_rest(now);
                let wait = self.backoff.fail(now);
                self.wait = if rested { Duration::ZERO } else { wait };
                self.state = State::Listing { token: None };
                return;
            }
            Failure::Throttled(after) => {
                self.wait = self.backoff.fail(now).max(after.min(RETRY_AFTER_MAX));
                return;
            }
            Failure::Closed { .. } | Failure::Other => self.wait = self.backoff.fail(now),
        }
        self.failed_tries += 1;
        if self.failed_tries >= TRIES {
            self.failed_tries = 0;
            self.state = State::Listing { token: None };
        }
    }

    /// Whether a list is under way or due.
    pub(crate) fn is_listing(&self) -> bool {
        matches!(self.state, State::Listing { .. })
    }
}

/// A resource version as a number; 0 where it is none. Kubernetes promises since 1.35 (KEP-5504)
/// that the versions of one resource compare as decimal numbers.
pub(crate) fn number(resource_version: &str) -> u64 {
    resource_version.parse().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Duration = Duration::from_secs(1000);

    fn watching(version: &str) -> Resume {
        let mut resume = Resume::new(1);
        assert_eq!(resume.next_step(), Step::List(List::Whole));
        assert_eq!(resume.page(version, "", NOW), PageVerdict::ApplyLast);
        resume
    }

    fn watched_version(resume: &mut Resume) -> String {
        match resume.next_step() {
            Step::Watch(version, timeout) => {
                assert!((300..600).contains(&timeout.as_secs()), "{timeout:?}");
                version
            }
            other => panic!("{other:?}"),
        }
    }

    /// Runs out the wait, which there must be.
    fn waited(resume: &mut Resume) -> Duration {
        match resume.next_step() {
            Step::Wait(wait) => wait,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn pages_then_watch_from_the_lists_version() {
        let mut resume = Resume::new(1);
        assert_eq!(resume.page("100", "next", NOW), PageVerdict::Apply);
        assert_eq!(resume.next_step(), Step::List(List::Continue("next".into())));
        assert_eq!(resume.page("100", "", NOW), PageVerdict::ApplyLast);
        assert_eq!(watched_version(&mut resume), "100");
    }

    #[test]
    fn the_cache_is_asked_once() {
        let mut resume = Resume::new(1);
        assert_eq!(resume.next_step(), Step::List(List::Whole));
        resume.failed(Failure::Other, NOW);
        waited(&mut resume);
        assert_eq!(resume.next_step(), Step::List(List::Paged));
    }

    #[test]
    fn a_watch_resumes_after_the_last_event_at_once() {
        let mut resume = watching("100");
        resume.observed("105");
        resume.observed("");
        resume.observed("99");
        resume.failed(Failure::Closed { lived: Duration::from_secs(9), fruitful: false }, NOW);
        assert_eq!(watched_version(&mut resume), "105");
        resume.failed(Failure::Closed { lived: Duration::ZERO, fruitful: true }, NOW);
        assert_eq!(watched_version(&mut resume), "105");
    }

    #[test]
    fn a_watch_that_ends_at_once_waits() {
        let mut resume = watching("100");
        resume.failed(Failure::Closed { lived: Duration::ZERO, fruitful: false }, NOW);
        assert!(waited(&mut resume) >= Duration::from_millis(800));
        assert_eq!(watched_version(&mut resume), "100");
    }

    #[test]
    fn an_expired_version_lists_anew_at_once_and_then_slower() {
        let mut resume = watching("100");
        resume.failed(Failure::Expired, NOW);
        assert_eq!(resume.next_step(), Step::List(List::Paged));
        assert_eq!(resume.page("200", "", NOW), PageVerdict::ApplyLast);
        resume.failed(Failure::Expired, NOW);
        assert!(waited(&mut resume) >= Duration::from_millis(1600));
        assert_eq!(resume.next_step(), Step::List(List::Paged));
    }

    #[test]
    fn an_expired_token_restarts_the_list() {
        let mut resume = Resume::new(1);
        resume.next_step();
        resume.page("100", "next", NOW);
        resume.failed(Failure::Expired, NOW);
        assert_eq!(resume.next_step(), Step::List(List::Paged));
    }

    #[test]
    fn a_page_that_failed_is_asked_for_again() {
        let mut resume = Resume::new(1);
        resume.next_step();
        resume.page("100", "next", NOW);
        resume.failed(Failure::Other, NOW);
        waited(&mut resume);
        assert_eq!(resume.next_step(), Step::List(List::Continue("next".into())));
        for _ in 1..TRIES {
            resume.failed(Failure::Other, NOW);
            waited(&mut resume);
        }
        assert_eq!(resume.next_step(), Step::List(List::Paged));
    }

    #[test]
    fn an_older_list_is_not_applied() {
        let mut resume = watching("100");
        resume.observed("150");
        resume.failed(Failure::Expired, NOW);
        assert_eq!(resume.page("149", "", NOW), PageVerdict::Old);
        waited(&mut resume);
        assert_eq!(resume.next_step(), Step::List(List::Paged));
        assert_eq!(resume.page("150", "", NOW), PageVerdict::ApplyLast);
        assert!(!resume.take_reset());
    }

    #[test]
    fn a_history_that_went_back_for_good_is_believed_in_the_end() {
        let mut resume = watching("1000");
        resume.failed(Failure::Expired, NOW);
        for _ in 1..OLD_LISTS {
            assert_eq!(resume.page("10", "", NOW), PageVerdict::Old);
        }
        assert_eq!(resume.page("10", "", NOW), PageVerdict::ApplyLast);
        assert!(resume.take_reset());
        resume.wait = Duration::ZERO;
        assert_eq!(watched_version(&mut resume), "10");
    }

    #[test]
    fn a_version_that_cannot_be_watched_leads_to_a_list() {
        let mut resume = watching("100");
        for _ in 0..TRIES {
            assert!(!resume.is_listing());
            resume.failed(Failure::Other, NOW);
            waited(&mut resume);
        }
        assert_eq!(resume.next_step(), Step::List(List::Paged));
    }

    #[test]
    fn the_server_may_ask_for_a_longer_wait_within_reason() {
        let mut resume = watching("100");
        resume.failed(Failure::Throttled(Duration::from_secs(9)), NOW);
        assert_eq!(waited(&mut resume), Duration::from_secs(9));
        resume.failed(Failure::Throttled(Duration::from_secs(3600)), NOW);
        assert_eq!(waited(&mut resume), RETRY_AFTER_MAX);
        assert_eq!(watched_version(&mut resume), "100");
    }

    #[test]
    fn versions_that_are_no_numbers_are_accepted() {
        let mut resume = watching("abc");
        resume.failed(Failure::Expired, NOW);
        assert_eq!(resume.page("abb", "", NOW), PageVerdict::ApplyLast);
        assert_eq!(watched_version(&mut resume), "abb");
    }
}
