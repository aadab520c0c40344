//! Snapshots for readers: what one takes, what the first write to a shared page takes, and what ten
//! a second cost beside 2,000 placements a second.
//!
//! 30 pods a node run, a third of them with a claim of their own, whose volume is bound: 150,000
//! pods, 50,000 claims and as many volumes, classes and label sets at 5,000 nodes.

use std::sync::mpsc::{Sender, channel};
use std::time::{Duration, Instant};

use berth_engine::record::PodRecord;
use berth_engine::{Change, Input, Object, Snapshot};

use super::result::Measurement;
use super::run::blank;
use crate::scene::cluster::node_name;
use crate::scene::drive::Drive;
use crate::scene::job::Job;
use crate::scene::resident;
use crate::scene::storage::shared_volume;
use crate::scene::workload::Workload;

/// Pods that run on each node; one in three has a claim.
const RUNNING: usize = 30;
const CLAIMED: usize = 3;
/// Placements and snapshots of a second.
const PLACED: usize = 2_000;
const TAKEN: usize = 10;
/// Seconds with snapshots, and as many without, in turn.
const SECONDS: usize = 8;
/// Writes that are measured, each to a page of its own.
const WRITES: usize = 200;

fn claim(number: usize) -> String {
    format!("data-{number}")
}

fn workload(nodes: usize) -> Workload {
    let running = RUNNING * nodes;
    let plain: Vec<Job> = (0..20).map(|i| Job::default_size(&format!("app-{i}"))).collect();
    let stateful = |i| Job::default_size(&format!("stateful-{i}")).mounting(&claim(i));
    let job = |i: usize| match i < running && i.is_multiple_of(CLAIMED) {
        true => stateful(i / CLAIMED),
        false => plain[i % plain.len()].clone(),
    };
    let placed = 2 * SECONDS * PLACED;
    let storage = (0..running / CLAIMED).flat_map(|i| shared_volume("default", &claim(i)));
    Workload {
        storage: storage.collect(),
        ..Workload::new((0..running + placed).map(job).collect(), running + placed)
    }
}

/// Median and longest, in microseconds.
fn tell(what: &str, mut times: Vec<Duration>) {
    times.sort_unstable();
    let us = |time: Duration| time.as_secs_f64() * 1e6;
    let (median, longest) = (us(times[times.len() / 2]), us(times[times.len() - 1]));
    println!("{what:<44} median {median:>9.2} µs, longest {longest:>9.2} µs");
}

/// Takes snapshots, and writes to pages that one shares and to the same pages without.
///
/// # Panics
/// A snapshot is refused.
pub fn measure(nodes: usize) -> Measurement {
    let workload = workload(nodes);
    let before = resident::now();
    let mut drive = Drive::new(&workload, 1);
    drive.load(nodes);
    drive.run(RUNNING * nodes);
    let loaded = resident::now();
    println!("{} MB for {} running pods", (loaded - before) >> 20, RUNNING * nodes);
    let take = |drive: &Drive<'_>| {
        let began = Instant::now();
        let snapshot = drive.engine.snapshot().unwrap();
        (snapshot, began.elapsed())
    };
    tell("a snapshot", (0..50).map(|_| take(&drive).1).collect());
    writes(&mut drive, &workload, nodes);
    let mut measured = blank("snapshot", &workload, nodes, 1);
    beside_placements(&mut drive, nodes);
    measured.pods = drive.ledger.bound() - RUNNING * nodes;
    measured.peak_bytes = resident::peak();
    measured.set_times(&drive.spent, measured.pods);
    drive.ledger.check(&workload, &drive.engine, drive.nodes);
    measured
}

/// Time of each input by itself.
fn apply(drive: &mut Drive<'_>, inputs: &[Input]) -> Vec<Duration> {
    let mut effects = Vec::new();
    let each = |input: &Input| {
        let input = [input.clone()];
        let began = Instant::now();
        drive.engine.step(input, 0, &mut effects, &mut ());
        began.elapsed()
    };
    inputs.iter().map(each).collect()
}

/// Pods and claims change, far from one another: without a snapshot, then each in a page that a
/// snapshot shares.
fn writes(drive: &mut Drive<'_>, workload: &Workload, nodes: usize) {
    let apart = RUNNING * nodes / WRITES;
    let pods = |priority: i32| -> Vec<Input> {
        let pod = |i: usize| {
            let number = i * apart;
            let record = PodRecord {
                priority,
                node_name: Some(node_name(number % nodes).into()),
                ..workload.pod(number)
            };
            Input::PodApplied(Box::new(record))
        };
        (0..WRITES).map(pod).collect()
    };
    let claims = |version: &str| -> Vec<Input> {
        let object = |i: usize| {
            let [object, _] = shared_volume("default", &claim(i * apart / CLAIMED));
            let Object::Claim(mut claim) = object else { unreachable!() };
            claim.resource_version = version.into();
            Input::Object(Box::new(Object::Claim(claim)), Change::Applied)
        };
        (0..WRITES).map(object).collect()
    };
    type Make<'a> = (&'a str, [Vec<Input>; 3]);
    let kinds: [Make<'_>; 2] =
        [("pod", [pods(1), pods(2), pods(3)]), ("claim", [claims("1"), claims("2"), claims("3")])];
    for (what, [warm, alone, shared]) in kinds {
        apply(drive, &warm);
        tell(&format!("a {what} changes, no snapshot"), apply(drive, &alone));
        let snapshot = drive.engine.snapshot().unwrap();
        tell(&format!("a {what} changes, its page is shared"), apply(drive, &shared));
        drop(snapshot);
    }
}

/// Seconds of placements, with snapshots and without in turn. A reader on a thread of its own lets
/// each go when the next but one comes.
fn beside_placements(drive: &mut Drive<'_>, nodes: usize) {
    let (reader, snapshots) = channel::<Snapshot>();
    let reading = std::thread::spawn(move || {
        let mut last = None;
        for snapshot in snapshots {
            assert!(snapshot.nodes().live().len() >= nodes);
            last = Some(snapshot);
        }
        drop(last);
    });
    let (mut engine, mut thread) = ([Duration::ZERO; 2], [Duration::ZERO; 2]);
    for second in 0..2 * SECONDS {
        let with = second % 2;
        let before = on_cpu();
        engine[with] += one_second(drive, (with == 1).then_some(&reader));
        thread[with] += on_cpu() - before;
    }
    drop(reader);
    reading.join().unwrap();
    let ms = |time: Duration| time.as_secs_f64() / SECONDS as f64 * 1e3;
    println!(
        "{PLACED} placements a second take the engine {:.2} ms, {:.2} ms with {TAKEN} snapshots; \
         the thread was on a CPU for {:.2} ms more, {:.2} % of the second",
        ms(engine[0]),
        ms(engine[1]),
        ms(thread[1]) - ms(thread[0]),
        (ms(thread[1]) - ms(thread[0])) / 10.0
    );
}

/// For how long this thread has been on a CPU: others on the machine do not count. What the bench
/// itself does is in it, with snapshots and without.
fn on_cpu() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(text.split(' ').next().unwrap().parse().unwrap())
}

/// The engine's time for a second's placements, and for its snapshots.
fn one_second(drive: &mut Drive<'_>, reader: Option<&Sender<Snapshot>>) -> Duration {
    let of_engine =
        |drive: &Drive<'_>| drive.spent.queue + drive.spent.decide + drive.spent.confirm;
    let before = of_engine(drive);
    let mut taking = Duration::ZERO;
    for _ in 0..TAKEN {
        if let Some(reader) = reader {
            let began = Instant::now();
            let snapshot = drive.engine.snapshot();
            taking += began.elapsed();
            // The reader is slower than a bench that never waits: then there is none this time.
            snapshot.into_iter().for_each(|snapshot| reader.send(snapshot).unwrap());
        }
        drive.queue(PLACED / TAKEN);
        while drive.turn() {}
    }
    of_engine(drive) - before + taking
}
