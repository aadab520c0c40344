//! pprof's `Profile` message, as far as a CPU profile needs it.
//!
//! Source: `proto/profile.proto` of github.com/google/pprof; the tags are frozen.

use std::collections::HashMap;
use std::hash::Hash;
use std::io::{self, Write};
use std::time::{Duration, SystemTime};

use flate2::Compression;
use flate2::write::GzEncoder;
use pprof::{Report, Symbol};
use prost::Message;

/// A profile: everything names everything else by number, texts by their place in `texts`.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Profile {
    #[prost(message, repeated, tag = "1")]
    sample_types: Vec<ValueType>,
    #[prost(message, repeated, tag = "2")]
    samples: Vec<Sample>,
    #[prost(message, repeated, tag = "4")]
    locations: Vec<Location>,
    #[prost(message, repeated, tag = "5")]
    functions: Vec<Function>,
    #[prost(string, repeated, tag = "6")]
    texts: Vec<String>,
    #[prost(int64, tag = "9")]
    time_nanos: i64,
    #[prost(int64, tag = "10")]
    duration_nanos: i64,
    #[prost(message, optional, tag = "11")]
    period_type: Option<ValueType>,
    #[prost(int64, tag = "12")]
    period: i64,
}

#[derive(Clone, Copy, PartialEq, Message)]
struct ValueType {
    #[prost(int64, tag = "1")]
    kind: i64,
    #[prost(int64, tag = "2")]
    unit: i64,
}

#[derive(Clone, PartialEq, Message)]
struct Sample {
    /// Innermost first.
    #[prost(uint64, repeated, tag = "1")]
    locations: Vec<u64>,
    #[prost(int64, repeated, tag = "2")]
    values: Vec<i64>,
    #[prost(message, repeated, tag = "3")]
    labels: Vec<Label>,
}

#[derive(Clone, Copy, PartialEq, Message)]
struct Label {
    #[prost(int64, tag = "1")]
    key: i64,
    #[prost(int64, tag = "2")]
    text: i64,
}

#[derive(Clone, PartialEq, Message)]
struct Location {
    #[prost(uint64, tag = "1")]
    id: u64,
    /// Functions inlined there, innermost first.
    #[prost(message, repeated, tag = "4")]
    lines: Vec<Line>,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Message)]
struct Line {
    #[prost(uint64, tag = "1")]
    function: u64,
    #[prost(int64, tag = "2")]
    line: i64,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Message)]
struct Function {
    #[prost(uint64, tag = "1")]
    id: u64,
    #[prost(int64, tag = "2")]
    name: i64,
    #[prost(int64, tag = "3")]
    system_name: i64,
    #[prost(int64, tag = "4")]
    file: i64,
}

#[cfg(test)]
impl Profile {
    /// Whether a function with `part` in its name has a sample with time, as the innermost.
    pub(super) fn names(&self, part: &str) -> bool {
        let named = |f: &Function| self.texts[usize::try_from(f.name).unwrap_or(0)].contains(part);
        let functions: Vec<u64> =
            self.functions.iter().filter(|f| named(f)).map(|f| f.id).collect();
        let at = |l: &&Location| l.lines.iter().any(|line| functions.contains(&line.function));
        let locations: Vec<u64> = self.locations.iter().filter(at).map(|l| l.id).collect();
        self.samples.iter().any(|sample| {
            sample.values.iter().all(|value| *value > 0)
                && sample.locations.first().is_some_and(|location| locations.contains(location))
        })
    }
}

/// Numbers for things, in the order in which they come.
struct Numbers<T>(HashMap<T, usize>);

impl<T: Hash + Eq> Numbers<T> {
    /// The number of `thing` from 0 on, and whether it is new.
    fn of(&mut self, thing: T) -> (usize, bool) {
        let next = self.0.len();
        let number = *self.0.entry(thing).or_insert(next);
        (number, number == next)
    }
}

struct Builder {
    profile: Profile,
    texts: Numbers<String>,
    functions: Numbers<(i64, i64, i64)>,
    locations: Numbers<Vec<Line>>,
}

impl Builder {
    fn text(&mut self, text: &str) -> i64 {
        let (number, new) = self.texts.of(text.to_owned());
        if new {
            self.profile.texts.push(text.to_owned());
        }
        int(number)
    }

    fn function(&mut self, name: &str, system_name: &str, file: &str) -> u64 {
        let key = (self.text(name), self.text(system_name), self.text(file));
        let (number, new) = self.functions.of(key);
        let id = number as u64 + 1;
        if new {
            let (name, system_name, file) = key;
            self.profile.functions.push(Function { id, name, system_name, file });
        }
        id
    }

    fn location(&mut self, lines: Vec<Line>) -> u64 {
        let (number, new) = self.locations.of(lines.clone());
        let id = number as u64 + 1;
        if new {
            self.profile.locations.push(Location { id, lines });
        }
        id
    }
}

fn int(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn nanos(duration: Duration) -> i64 {
    i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX)
}

/// The stack without the sampler's own frames on top of it, which are among the innermost few.
fn interrupted(frames: &[Vec<Symbol>]) -> &[Vec<Symbol>] {
    const SAMPLER_MAX: usize = 12;
    let sampler = |frame: &Vec<Symbol>| {
        frame.iter().any(|symbol| {
            let name = symbol.name();
            name.contains("pprof::backtrace") || name == "__restore_rt"
        })
    };
    let top = &frames[..frames.len().min(SAMPLER_MAX)];
    let last = top.iter().rposition(sampler);
    last.map_or(frames, |last| &frames[last + 1..])
}

/// What `report` says, taken at `frequency` samples a second since `started`. Two values a sample,
/// as Go writes them: their number, and nanoseconds of CPU.
pub(super) fn profile(
    report: &Report,
    frequency: i32,
    started: SystemTime,
    duration: Duration,
) -> Profile {
    let mut builder = Builder {
        profile: Profile::default(),
        texts: Numbers(HashMap::new()),
        functions: Numbers(HashMap::new()),
        locations: Numbers(HashMap::new()),
    };
    // Text 0 is the empty one.
    builder.text("");
    let period = 1_000_000_000 / i64::from(frequency.max(1));
    let count = ValueType { kind: builder.text("samples"), unit: builder.text("count") };
    let time = ValueType { kind: builder.text("cpu"), unit: builder.text("nanoseconds") };
    let thread = builder.text("thread");
    for (frames, samples) in &report.data {
        let mut sample = Sample::default();
        for frame in interrupted(&frames.frames) {
            let mut lines = Vec::with_capacity(frame.len());
            for symbol in frame {
                let function =
                    builder.function(&symbol.name(), &symbol.sys_name(), &symbol.filename());
                lines.push(Line { function, line: i64::from(symbol.lineno()) });
            }
            let location = builder.location(lines);
            sample.locations.push(location);
        }
        let samples = i64::try_from(*samples).unwrap_or(i64::MAX);
        sample.values = vec![samples, samples.saturating_mul(period)];
        let text = builder.text(&frames.thread_name_or_id());
        sample.labels.push(Label { key: thread, text });
        builder.profile.samples.push(sample);
    }
    let since = started.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Profile {
        sample_types: vec![count, time],
        period_type: Some(time),
        period,
        time_nanos: nanos(since),
        duration_nanos: nanos(duration),
        ..builder.profile
    }
}

/// The message as pprof's tools want it.
///
/// # Errors
/// None that a write to memory has.
pub(super) fn gzip(profile: &Profile) -> io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(&profile.encode_to_vec())?;
    encoder.finish()
}
