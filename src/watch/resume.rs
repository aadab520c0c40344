//! What one kind's watch does next: list, watch, wait; and which answers count. Pure: time and
//! answers come in as arguments.

use std::time::Duration;

use super::backoff::Backoff;

/// Watches, or requests for one further page, that fail in a row before the list is begun anew: the
/// version or token may be one that the server cannot serve (restored etcd), which it does not
/// always call 410. Five tries are 12 to 50 s, longer than an API server's restart.
const TRIES: u32 = 5;
/// Lists in a row, each older than what was seen, of which the last is believed. All lists are
/// asked for without a resource version: the API server answers with what etcd says now, so that
/// an older answer means that etcd was restored from a backup or the cluster made again. What it
/// must not be is the cache of a server that does not keep this promise, so it is asked for four
/// times over 5.6 to 11.2 s (0.8 s doubling, with jitter): longer than a server takes to fill its
/// cache, and short beside what a restored cluster waits for.
const OLD_LISTS: u32 = 4;
/// A watch that ends sooner without getting further has failed.
const SHORT_WATCH: Duration = Duration::from_secs(1);
/// Shortest time from one watch to the next, whatever the first brought: a server that ends each
/// watch after an event is asked five times a second and kind. Events of that time come with the
/// next watch. Connections that live longer are replaced at once.
const RECONNECT_FLOOR: Duration = Duration::from_millis(200);
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
        /// Whether it brought a newer version than it began with.
        fruitful: bool,
    },
    /// Anything else: refused, unreachable, unreadable, silent for too long.
    Other,
}

/// What the version of an event or bookmark is to the watch it came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Progress {
    /// It is beyond what came before.
    Further,
    /// It is what came before, or no version.
    Same,
    /// It is before what came before: watches do not go back, unless the history was replaced or
    /// the server is confused.
    Back,
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

    /// The newest version seen; 0 for none that is a number.
    pub(crate) fn newest(&self) -> u64 {
        self.newest
    }

    /// A list is due, now.
    pub(crate) fn list(&mut self) {
        self.state = State::Listing { token: None };
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

    /// An event or bookmark of a watch: it resumes from here, but never from before.
    pub(crate) fn observed(&mut self, resource_version: &str) -> Progress {
        let State::Watching { version } = &mut self.state else { return Progress::Same };
        if resource_version.is_empty() || resource_version == version {
            return Progress::Same;
        }
        let (new, last) = (number(resource_version), number(version));
        if new != 0 && new < last {
            return Progress::Back;
        }
        self.failed_tries = 0;
        self.newest = self.newest.max(new);
        version.clear();
        version.push_str(resource_version);
        Progress::Further
    }

    /// A list or watch has ended.
    pub(crate) fn failed(&mut self, failure: Failure, now: Duration) {
        match failure {
            Failure::Closed { lived, fruitful } if fruitful || lived >= SHORT_WATCH => {
                self.wait = RECONNECT_FLOOR.saturating_sub(lived);
                return;
            }
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
}

/// A resource version as a number; 0 where it is none. Kubernetes promises since 1.35 (KEP-5504)
/// that the versions of one resource compare as decimal numbers.
pub(crate) fn number(resource_version: &str) -> u64 {
    resource_version.parse().unwrap_or(0)
}

#[cfg(test)]
mod tests;
