//! `/debug/pprof/profile?seconds=N`: where the CPU time goes, for `go tool pprof`.
//!
//! A timer signal samples the stack of whichever thread runs, 100 times a second of CPU time, as
//! Go's `net/http/pprof` does. Samples that fall into libc or the unwinder are left out: a signal
//! there may hold a lock that unwinding needs.

mod encode;

use std::sync::LazyLock;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, SystemTime};

use pprof::{ProfilerGuard, ProfilerGuardBuilder};
use tokio::sync::{Semaphore, oneshot};

use super::page::Page;

/// Where it is served.
pub(super) const PATH: &str = "/debug/pprof/profile";

/// Samples a second of CPU time, as in Go.
const FREQUENCY: i32 = 100;

/// `seconds` by default, as in Go.
const SECONDS: u64 = 30;

/// Longest profile: 300 s take 30,000 samples a core, some MB.
const SECONDS_MAX: u64 = 300;

/// One at a time: the signal belongs to the process.
static TURN: LazyLock<Semaphore> = LazyLock::new(|| Semaphore::new(1));

/// How long the query asks to look; `Err` is the answer to a wrong one.
pub(super) fn duration(query: &str) -> Result<Duration, Page> {
    let asked = query.split('&').find_map(|pair| pair.strip_prefix("seconds="));
    let seconds = asked.map_or(Some(SECONDS), |text| text.parse().ok());
    match seconds.filter(|seconds| (1..=SECONDS_MAX).contains(seconds)) {
        Some(seconds) => Ok(Duration::from_secs(seconds)),
        None => Err(Page::text(400, format!("seconds: a whole number from 1 to {SECONDS_MAX}\n"))),
    }
}

/// Looks for so long, and answers with what was seen: gzip of pprof's `Profile`.
pub(super) async fn take(duration: Duration) -> Page {
    let Ok(turn) = TURN.try_acquire() else {
        return Page::text(503, "another profile is being taken; try again\n".to_owned());
    };
    let (tell, told) = oneshot::channel();
    // Dropped with this future, where whoever asked has gone away.
    let (_asked, gone) = mpsc::channel();
    // A thread of its own, as what it allocates is then apart from what others do, and glibc can
    // give it back.
    let spawned = std::thread::Builder::new().name("profile".to_owned()).spawn(move || {
        let _turn = turn;
        // Nobody listens where whoever asked has gone.
        let _gone = tell.send(look(duration, &gone));
    });
    if let Err(error) = spawned {
        return failed(&error.to_string());
    }
    match told.await {
        Ok(Ok(body)) => Page { status: 200, content_type: "application/octet-stream", body },
        Ok(Err(error)) => failed(&error),
        Err(error) => failed(&error.to_string()),
    }
}

fn failed(error: &str) -> Page {
    tracing::warn!(error, "Cannot take a profile");
    Page::text(500, format!("cannot take a profile: {error}\n"))
}

/// Samples until the time is up or the other side of `gone` is dropped, and reports.
fn look(duration: Duration, gone: &mpsc::Receiver<()>) -> Result<Vec<u8>, String> {
    let started = SystemTime::now();
    let guard = ProfilerGuardBuilder::default()
        .frequency(FREQUENCY)
        .blocklist(&["libc", "libgcc", "pthread", "vdso"])
        .build()
        .map_err(|error| error.to_string())?;
    let report = match gone.recv_timeout(duration) {
        // Looking names up reads the debug information of the whole program: a second or two.
        Err(RecvTimeoutError::Timeout) => report(&guard, started, duration),
        Ok(()) | Err(RecvTimeoutError::Disconnected) => Err("nobody waits for it".to_owned()),
    };
    leave_nothing(guard);
    report
}

/// Gives memory back. What is freed goes to the system only where nothing lives above it.
///
/// The parsed debug information would stay for ever: 150 MB. `pprof` keeps a table of stacks,
/// 70 MB, and makes a new one before it frees the old one: the second time the new one takes the
/// place that the first has left, below, and the rest is given back.
fn leave_nothing(guard: ProfilerGuard<'_>) {
    backtrace::clear_symbol_cache();
    drop(guard);
    if let Ok(second) = ProfilerGuardBuilder::default().frequency(1).build() {
        backtrace::clear_symbol_cache();
        drop(second);
    }
}

fn report(
    guard: &ProfilerGuard<'_>,
    started: SystemTime,
    duration: Duration,
) -> Result<Vec<u8>, String> {
    let report = guard.report().build().map_err(|error| error.to_string())?;
    let profile = encode::profile(&report, FREQUENCY, started, duration);
    encode::gzip(&profile).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::io::Read as _;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

    use flate2::read::GzDecoder;
    use prost::Message as _;

    use super::*;

    #[test]
    fn reads_the_seconds_as_go_does_and_bounds_them() {
        let seconds = |query| duration(query).map(|d| d.as_secs()).map_err(|page| page.status);
        assert_eq!(seconds(""), Ok(30));
        assert_eq!(seconds("debug=0&seconds=5"), Ok(5));
        for wrong in ["seconds=0", "seconds=301", "seconds=-1", "seconds=x", "seconds="] {
            assert_eq!(seconds(wrong), Err(400), "{wrong}");
        }
    }

    #[inline(never)]
    fn burn_for_the_profile(stop: &AtomicBool) -> u64 {
        let mut sum = 0_u64;
        while !stop.load(Relaxed) {
            sum = std::hint::black_box(sum.wrapping_mul(31).wrapping_add(7));
        }
        sum
    }

    #[tokio::test]
    async fn a_profile_names_what_burns_and_only_one_is_taken() {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let burning = std::thread::spawn(move || burn_for_the_profile(&stopped));
        let second = Duration::from_secs(1);
        // On a machine with much else to do a second may hold no sample of it.
        let mut named = false;
        for _ in 0..20 {
            let (page, refused) = tokio::join!(take(second), take(second));
            assert_eq!((page.status, refused.status), (200, 503));
            let mut bytes = Vec::new();
            GzDecoder::new(page.body.as_slice()).read_to_end(&mut bytes).unwrap();
            let profile = encode::Profile::decode(bytes.as_slice()).unwrap();
            let again = encode::Profile::decode(profile.encode_to_vec().as_slice()).unwrap();
            assert_eq!(again, profile);
            named = profile.names("burn_for_the_profile");
            if named {
                break;
            }
        }
        stop.store(true, Relaxed);
        burning.join().unwrap();
        assert!(named, "20 profiles do not name what burns");
    }
}
