//! Lines on their way to stderr. Enter at [`Spool::start`].
//!
//! A thread of its own writes them, so that nobody who logs waits for whoever reads stderr, or
//! fails with it: a pipe that is not read, a pipe that is closed, a full disk. What has no room and
//! what cannot be written is lost, counted, and told once lines can be written again.

use std::io::{self, Write};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Bytes that wait at most. A line of a decision takes 200, so 20,000 lines: two seconds of
/// `-v=2` at 10,000 pods/s. A second buffer as large is with the writer.
const WAITING_MAX: usize = 4 << 20;

/// Pause after a write that failed or could not be made at once: 10 tries a second.
const RETRY: Duration = Duration::from_millis(100);

/// Says how many lines were lost, as a line of the log.
pub(super) type Note = Box<dyn Fn(u64) -> Vec<u8> + Send>;

/// Where lines wait; clones are the same spool.
#[derive(Debug, Clone)]
pub(super) struct Spool(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    /// Lines have come.
    filled: Condvar,
    /// The writer has done what there was.
    emptied: Condvar,
    lost: AtomicU64,
}

#[derive(Debug, Default)]
struct State {
    lines: Vec<u8>,
    /// Lines without room, since the writer took the last ones. They come after all of `lines`.
    dropped: u64,
    /// The writer is at work on what it took.
    writing: bool,
}

impl Spool {
    /// Starts the thread that writes to `out`.
    ///
    /// # Errors
    /// The thread cannot be started.
    pub(super) fn start(out: impl Write + Send + 'static, note: Note) -> io::Result<Self> {
        let spool = Self(Arc::default());
        let shared = Arc::clone(&spool.0);
        std::thread::Builder::new()
            .name("log".to_owned())
            .spawn(move || Writer { out, note, owed: 0, at_start: true }.run(&shared))?;
        Ok(spool)
    }

    /// Takes whole lines, or loses them where there is no room. Waits for nobody.
    pub(super) fn push(&self, lines: &[u8]) {
        let mut state = self.0.state();
        // After the first that found no room all are left out, so that the note of it stands where
        // lines are missing.
        if state.dropped > 0 || state.lines.len() + lines.len() > WAITING_MAX {
            let count = count_lines(lines);
            state.dropped += count;
            self.0.lost.fetch_add(count, Relaxed);
            return;
        }
        state.lines.extend_from_slice(lines);
        drop(state);
        self.0.filled.notify_one();
    }

    /// Waits until all is written, or tried, and for `longest` at most.
    pub(super) fn flush(&self, longest: Duration) {
        let until = Instant::now() + longest;
        let mut state = self.0.state();
        while state.writing || !state.lines.is_empty() {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            let waited = self.0.emptied.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Lines lost so far.
    pub(super) fn lost(&self) -> u64 {
        self.0.lost.load(Relaxed)
    }
}

/// What `tracing_subscriber` writes to: one event is one call.
impl Write for Spool {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.push(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for lines and swaps them for `empty`; how many were dropped after them.
    fn take(&self, empty: &mut Vec<u8>) -> u64 {
        empty.clear();
        let mut state = self.state();
        state.writing = false;
        self.emptied.notify_all();
        while state.lines.is_empty() {
            state = self.filled.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.writing = true;
        std::mem::swap(&mut state.lines, empty);
        std::mem::take(&mut state.dropped)
    }
}

struct Writer<W> {
    out: W,
    note: Note,
    /// Lines lost and not yet told.
    owed: u64,
    /// What was written last ended its line.
    at_start: bool,
}

impl<W: Write> Writer<W> {
    fn run(mut self, shared: &Shared) {
        let mut batch = Vec::new();
        loop {
            let dropped = shared.take(&mut batch);
            let lost = if self.tell() { self.write(&batch) } else { count_lines(&batch) };
            shared.lost.fetch_add(lost, Relaxed);
            self.owed += lost + dropped;
            if lost > 0 {
                std::thread::sleep(RETRY);
            } else {
                self.tell();
            }
        }
    }

    /// Tells what was lost; whether nothing is left to be told.
    fn tell(&mut self) -> bool {
        if self.owed == 0 {
            return true;
        }
        let mut note = (self.note)(self.owed);
        if !self.at_start {
            note.insert(0, b'\n');
        }
        let told = self.write(&note) == 0;
        if told {
            self.owed = 0;
        }
        told
    }

    /// Writes what it can; how many lines were not written, or not to their end.
    fn write(&mut self, lines: &[u8]) -> u64 {
        let mut rest = lines;
        while !rest.is_empty() {
            match self.out.write(rest) {
                Ok(0) => break,
                Ok(written) => {
                    self.at_start = rest.get(written - 1) == Some(&b'\n');
                    rest = rest.get(written..).unwrap_or_default();
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                // Somebody has set the pipe to be non-blocking.
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    std::thread::sleep(RETRY);
                }
                Err(_) => break,
            }
        }
        count_lines(rest)
    }
}

fn count_lines(bytes: &[u8]) -> u64 {
    bytes.iter().filter(|byte| **byte == b'\n').count() as u64
}

#[cfg(test)]
mod tests;
