//! The process itself, from `/proc/self`, when scraped. Other systems than Linux show nothing of
//! that. Its log's losses are the process's too.

use std::fmt;
use std::sync::OnceLock;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;

use super::catalogue::{self as list, Metric};
use super::registrar::Registrar;
use super::watches::describe;

/// Clock ticks per second of `/proc`: `USER_HZ`, which Linux fixes at 100 for user space.
const TICKS_PER_SECOND: f64 = 100.0;

#[derive(Debug)]
struct Process;

/// Who counts the lines that the log has lost.
static LOST_LINES: OnceLock<fn() -> u64> = OnceLock::new();

/// Says who counts the lines that the log has lost, once in a process.
pub(crate) fn count_lost_lines(count: fn() -> u64) {
    _ = LOST_LINES.set(count);
}

pub(super) fn register(registrar: &mut Registrar) {
    let metrics = [
        list::PROCESS_CPU.0,
        list::PROCESS_RESIDENT.0,
        list::PROCESS_VIRTUAL.0,
        list::PROCESS_START.0,
        list::PROCESS_FDS.0,
        list::PROCESS_THREADS.0,
        list::INTERNAL_ERRORS.0,
        list::LOG_LOST.0,
    ];
    registrar.names.extend(metrics.map(|metric| metric.name));
    registrar.registry.register_collector(Box::new(Process));
}

/// What `/proc/self/stat` and `/proc/stat` tell (proc(5)).
#[derive(Debug, Clone, Copy, PartialEq)]
struct Stat {
    cpu_seconds: f64,
    threads: i64,
    start_seconds: f64,
    virtual_bytes: i64,
}

/// Reads `/proc/self/stat`; the command in parentheses may hold anything, so fields count from
/// the last parenthesis. `boot` is the line `btime` of `/proc/stat`.
fn parse_stat(stat: &str, boot: f64) -> Option<Stat> {
    let (_, rest) = stat.rsplit_once(')')?;
    let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
    // Field numbers of proc(5) count from 1 and start two before `rest`.
    let field = |number: usize| fields.get(number - 3)?.parse::<i64>().ok();
    Some(Stat {
        cpu_seconds: (field(14)? + field(15)?) as f64 / TICKS_PER_SECOND,
        threads: field(20)?,
        start_seconds: boot + field(22)? as f64 / TICKS_PER_SECOND,
        virtual_bytes: field(23)?,
    })
}

fn boot_seconds() -> Option<f64> {
    let stat = std::fs::read_to_string("/proc/stat").ok()?;
    stat.lines().find_map(|line| line.strip_prefix("btime "))?.trim().parse().ok()
}

/// Resident bytes, from `VmRSS` of `/proc/self/status`, which needs no page size.
fn resident_bytes() -> Option<i64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<i64>().ok().map(|kib| kib * 1024)
}

fn gauge(
    encoder: &mut DescriptorEncoder<'_>,
    metric: &Metric,
    value: Option<i64>,
) -> Result<(), fmt::Error> {
    match value {
        Some(value) => ConstGauge::new(value).encode(describe(encoder, metric)?),
        None => Ok(()),
    }
}

impl Collector for Process {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let errors = describe(&mut encoder, &list::INTERNAL_ERRORS.0)?;
        ConstCounter::new(berth_engine::internal_errors().total).encode(errors)?;
        let lost = describe(&mut encoder, &list::LOG_LOST.0)?;
        ConstCounter::new(LOST_LINES.get().map_or(0, |count| count())).encode(lost)?;
        let stat = std::fs::read_to_string("/proc/self/stat").ok();
        let stat = stat.zip(boot_seconds()).and_then(|(text, boot)| parse_stat(&text, boot));
        if let Some(stat) = stat {
            let cpu = describe(&mut encoder, &list::PROCESS_CPU.0)?;
            ConstCounter::new(stat.cpu_seconds).encode(cpu)?;
            let start = describe(&mut encoder, &list::PROCESS_START.0)?;
            ConstGauge::new(stat.start_seconds).encode(start)?;
        }
        gauge(&mut encoder, &list::PROCESS_RESIDENT.0, resident_bytes())?;
        gauge(&mut encoder, &list::PROCESS_VIRTUAL.0, stat.map(|s| s.virtual_bytes))?;
        gauge(&mut encoder, &list::PROCESS_THREADS.0, stat.map(|s| s.threads))?;
        let fds = std::fs::read_dir("/proc/self/fd").ok().map(Iterator::count);
        // The open directory is one of them.
        let fds = fds.and_then(|n| i64::try_from(n.saturating_sub(1)).ok());
        gauge(&mut encoder, &list::PROCESS_FDS.0, fds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_may_hold_parentheses() {
        let stat = "7 (a) b) (c) S 1 7 7 0 -1 4194304 100 0 0 0 250 50 0 0 20 0 5 0 1000 4096 10";
        let expected = Stat {
            cpu_seconds: 3.0,
            threads: 5,
            start_seconds: 1_700_000_010.0,
            virtual_bytes: 4096,
        };
        assert_eq!(parse_stat(stat, 1_700_000_000.0), Some(expected));
        assert_eq!(parse_stat("7 (x) S 1", 0.0), None);
        assert_eq!(parse_stat("", 0.0), None);
    }

    #[test]
    fn this_process_shows_itself() {
        assert!(resident_bytes().is_some_and(|bytes| bytes > 1 << 20));
        assert!(boot_seconds().is_some_and(|seconds| seconds > 1e9));
    }
}
