//! The log on stderr.
//!
//! | `-v` | what is logged |
//! |---|---|
//! | 0, 1 | errors, warnings, and what an operator must know |
//! | 2, 3 | also one line per decision (target [`DECISION`]) |
//! | 4, 5 | also debug |
//! | 6-10 | also trace |
//!
//! Other crates' targets stay at warnings. `RUST_LOG` replaces all of it, by tracing's filter
//! directives.
//!
//! Logging neither waits nor fails: lines go through the [`spool`].

mod spool;

use std::backtrace::{Backtrace, BacktraceStatus};
use std::fs::File;
use std::io::{IsTerminal, Write};
use std::os::fd::AsFd;
use std::panic::PanicHookInfo;
use std::sync::OnceLock;
use std::time::Duration;
use std::{fmt, io};

use jiff::Timestamp;
use serde_json::{Map, Value};
use spool::Spool;
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::field::MakeExt;
use tracing_subscriber::fmt::format::{Writer, debug_fn};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

use crate::bind::DECISION;
use crate::cli::args::{LogFormat, Logging};
use crate::escape;

/// The crates whose targets are ours.
const OURS: [&str; 4] = ["berth", "berth_engine", "berth_plugins", "berth_sandbox"];

/// What is logged of all other targets. kube says "Server cert bypassed" at each handshake where
/// the kubeconfig has insecure-skip-tls-verify; `client::connect` says it once. It also says
/// "failed with error" of each failed request without naming it, which whoever asked tells with the
/// address, once a minute.
const OTHERS: &str = "warn,kube_client::client::tls=error,kube_client::client::builder=off";

/// Longest wait at the end for lines that are not written yet: [`spool`] holds 4 MiB, which
/// whoever reads takes in that time or not at all.
const FLUSH_MAX: Duration = Duration::from_secs(2);

/// The form that is asked for, also where no log can be installed.
static FORMAT: OnceLock<LogFormat> = OnceLock::new();

/// The log of this process.
static INSTALLED: OnceLock<Log> = OnceLock::new();

struct Log {
    spool: Spool,
    format: LogFormat,
}

/// Why there is no log.
#[derive(Debug, thiserror::Error)]
pub enum LoggingError {
    /// The variable does not parse.
    #[error("RUST_LOG {value:?}: {source}")]
    Filter {
        /// As given.
        value: String,
        /// What is wrong with it.
        #[source]
        source: tracing_subscriber::filter::ParseError,
    },
    /// The variable is not UTF-8.
    #[error("RUST_LOG is not UTF-8")]
    NotUnicode,
    /// Somebody else has installed one.
    #[error("a log is installed already")]
    Installed,
    /// Stderr cannot be used, or the thread that writes not be started.
    #[error("the log on stderr: {0}")]
    Stderr(#[from] io::Error),
}

/// Sends all events to stderr.
///
/// # Errors
/// `RUST_LOG` is wrong, or a subscriber is installed already.
pub fn init(logging: Logging) -> Result<(), LoggingError> {
    install(logging, directives(logging.verbosity))
}

/// As [`init`], but without `-v` warnings only: a picture is drawn on the same terminal.
///
/// # Errors
/// As for [`init`].
pub fn init_beside_a_picture(logging: Logging) -> Result<(), LoggingError> {
    let directives = match logging.verbosity {
        0 => String::from(OTHERS),
        more => directives(more),
    };
    install(logging, directives)
}

fn install(logging: Logging, directives: String) -> Result<(), LoggingError> {
    let format = logging.logging_format;
    // Where it is set already, it is what the log has.
    let _first = FORMAT.set(format);
    let directives = match std::env::var("RUST_LOG") {
        Ok(given) if !given.is_empty() => given,
        Err(std::env::VarError::NotUnicode(_)) => return Err(LoggingError::NotUnicode),
        _ => directives,
    };
    let parsed = EnvFilter::builder().parse(&directives);
    let filter = parsed.map_err(|source| LoggingError::Filter { value: directives, source })?;
    // A descriptor of its own: a write that hangs must not hold the lock of `io::stderr`.
    let stderr = File::from(io::stderr().as_fd().try_clone_to_owned()?);
    let note = move |lost| {
        let message = format!("{lost} lines of this log were lost: stderr was not read or failed");
        line(format, "WARN", &message)
    };
    let spool = Spool::start(stderr, Box::new(note))?;
    let log = INSTALLED.get_or_init(|| Log { spool, format });
    crate::metrics::count_lost_lines(lost_lines);
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        // It would tell of lines that cannot be formatted by `eprintln`.
        .log_internal_errors(false)
        .with_writer(|| log.spool.clone());
    let installed = match format {
        LogFormat::Text => {
            let ansi = io::stderr().is_terminal();
            builder.fmt_fields(text_fields()).with_ansi(ansi).try_init()
        }
        LogFormat::Json => builder.event_format(JsonLines).try_init(),
    };
    installed.map_err(|_| LoggingError::Installed)?;
    std::panic::set_hook(Box::new(|panic| log.spool.push(&panicked(log.format, panic))));
    Ok(())
}

/// Lines lost so far, because stderr was not read, was closed, or its disk was full.
fn lost_lines() -> u64 {
    INSTALLED.get().map_or(0, |log| log.spool.lost())
}

/// Writes why the process ends, in the form of the log. Where stderr is broken nothing is written.
pub fn fatal(message: &str) {
    let line = match FORMAT.get() {
        Some(LogFormat::Json) => line(LogFormat::Json, "ERROR", message),
        Some(LogFormat::Text) | None => format!("berth: {}\n", escape::lines(message)).into_bytes(),
    };
    match INSTALLED.get() {
        Some(log) => log.spool.push(&line),
        None => {
            let _broken = io::stderr().write_all(&line);
        }
    }
}

/// At the end of the process, whichever way it ends: what is not written yet has
/// [`FLUSH_MAX`].
#[derive(Debug)]
pub struct FlushAtEnd;

impl Drop for FlushAtEnd {
    fn drop(&mut self) {
        if let Some(log) = INSTALLED.get() {
            log.spool.flush(FLUSH_MAX);
        }
    }
}

/// One line that no subscriber formats: it may be about the log itself, or about a panic in
/// whatever is being logged.
fn line(format: LogFormat, level: &str, message: &str) -> Vec<u8> {
    let now = Timestamp::now();
    let text = match format {
        LogFormat::Text => {
            let message = escape::lines(message);
            format!("{now:.6} {level:>5} {}: {message}\n", module_path!())
        }
        LogFormat::Json => {
            let level = level.to_lowercase();
            let (ts, target) = (now.to_string(), module_path!());
            let line = serde_json::json!({"ts": ts, "level": level, "target": target,
                "msg": message});
            format!("{}\n", escape::line(&line.to_string()))
        }
    };
    text.into_bytes()
}

/// What the standard library says of a panic, as a line of the log.
fn panicked(format: LogFormat, panic: &PanicHookInfo<'_>) -> Vec<u8> {
    let thread = std::thread::current();
    let place = panic.location().map_or_else(String::new, |place| format!(" at {place}"));
    let why = panic.payload_as_str().unwrap_or("(not a text)");
    let mut message =
        format!("thread '{}' panicked{place}: {why}", thread.name().unwrap_or("<unnamed>"));
    // As RUST_BACKTRACE asks.
    let backtrace = Backtrace::capture();
    if backtrace.status() == BacktraceStatus::Captured {
        message.push_str(&format!("\nstack backtrace:\n{backtrace}"));
    }
    line(format, "ERROR", &message)
}

/// The filter of a verbosity, in tracing's directives.
fn directives(verbosity: u8) -> String {
    let level = match verbosity {
        0..=3 => "info",
        4..=5 => "debug",
        _ => "trace",
    };
    let mut directives = String::from(OTHERS);
    for target in OURS {
        directives.push_str(&format!(",{target}={level}"));
    }
    if verbosity < 2 {
        directives.push_str(&format!(",{DECISION}=off"));
    }
    directives
}

/// Fields of a text line. tracing's own formatter escapes messages, not fields that are displayed
/// (`pod = %name`), and those come from the cluster.
fn text_fields() -> impl for<'a> FormatFields<'a> + Send + Sync + 'static {
    let write = |writer: &mut Writer<'_>, field: &Field, value: &dyn fmt::Debug| {
        let value = format!("{value:?}");
        let value = escape::lines(&value);
        match (field.name(), writer.has_ansi_escapes()) {
            ("message", _) => write!(writer, "{value}"),
            // Italic and dim, as tracing has them.
            (name, true) => write!(writer, "\x1b[3m{name}\x1b[0m\x1b[2m=\x1b[0m{value}"),
            (name, false) => write!(writer, "{name}={value}"),
        }
    };
    debug_fn(write).delimited(" ")
}

/// One JSON object per event: `ts` (RFC 3339), `level`, `target`, `msg`, and the event's fields
/// and those of its spans.
struct JsonLines;

impl<S, N> FormatEvent<S, N> for JsonLines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let metadata = event.metadata();
        let spans: Vec<&str> =
            context.event_scope().into_iter().flatten().map(|s| s.name()).collect();
        let mut line = Map::new();
        line.insert("ts".into(), Timestamp::now().to_string().into());
        line.insert("level".into(), metadata.level().as_str().to_lowercase().into());
        line.insert("target".into(), metadata.target().into());
        if !spans.is_empty() {
            line.insert("spans".into(), spans.into());
        }
        event.record(&mut Fields(&mut line));
        writeln!(writer, "{}", escape::line(&Value::Object(line).to_string()))
    }
}

/// Puts an event's fields into the line, the message as `msg`.
struct Fields<'a>(&'a mut Map<String, Value>);

impl Fields<'_> {
    fn put(&mut self, field: &Field, value: impl Into<Value>) {
        let name = if field.name() == "message" { "msg" } else { field.name() };
        self.0.insert(name.into(), value.into());
    }
}

impl Visit for Fields<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field, format!("{value:?}"));
    }
    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, value);
    }
    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value);
    }
    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value);
    }
    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value);
    }
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, value);
    }
}

#[cfg(test)]
mod tests;
