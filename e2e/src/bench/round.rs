//! One round: one contestant, one workload, from the first operation to the clearing.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use http::header::ACCEPT;
use http_body_util::BodyExt as _;
use kube::Client;
use kube::client::Body;

use super::contestant::{Contestant, Driver};
use super::executor::{Entrant, Executor};
use super::figures::{Figures, ListTime, PodTimes};
use super::ground::Ground;
use super::refusals::{RefusalFigures, RefusalTimes};
use super::sightings::{Seen, Sightings};
use super::statistics::milliseconds;
use super::workload::Workload;
use crate::record::Recorder;

/// Events that do not come for so long come no more: at 300 events/s one takes 3 ms.
const EVENT_PATIENCE: Duration = Duration::from_secs(10);

/// Runs a round and clears up after it. `in_flight` is for flooders.
///
/// # Errors
/// Pods that do not get a node, nodes that get too many, a contestant that ends.
pub async fn run(
    ground: &Ground,
    workload: &Workload,
    contestant: Contestant,
    in_flight: usize,
) -> Result<Figures> {
    let client = ground.plane().client();
    let sightings = Sightings::start(&client).await?;
    let stays = ground.stays();
    let list = match workload.has_label("list") {
        true => Some(list_time(&client).await?),
        false => None,
    };
    let driver = Driver::new(ground.plane(), workload, contestant, in_flight, &stays.nodes)?;
    let profile = contestant.profile();
    let mut executor = Executor::new(client, workload, profile, &sightings, driver);
    if !workload.has_label("backlog") {
        executor.driver.start().await?;
    }
    let outcome = measure(&mut executor, &sightings, contestant, stays.ops).await;
    let Executor { driver, leftovers, namespaces, .. } = executor;
    let scheduler_log = ground.plane().dir().display().to_string();
    // The scheduler must not meet the clearing.
    drop(driver);
    let mut figures =
        outcome.with_context(|| format!("{}, logs in {scheduler_log}", contestant.name()))?;
    if list.is_none() {
        ensure_fits(ground).await?;
    }
    figures.list = list;
    figures.bound_before = stays.pods;
    ground.clear(&namespaces, &leftovers).await;
    Ok(figures)
}

async fn measure(
    executor: &mut Executor<'_>,
    sightings: &Sightings,
    contestant: Contestant,
    skip: usize,
) -> Result<Figures> {
    let done = executor.run(skip).await;
    if done.is_ok() && contestant.writes_events() {
        events(sightings, &executor.pods).await?;
    }
    executor.stop_background().await?;
    done?;
    let usage = at_rest(&executor.driver).await?;
    let measured: Vec<&Entrant> = executor.pods.iter().filter(|entrant| entrant.measured).collect();
    let first = measured.iter().map(|entrant| entrant.pod.posted).min();
    let first = first.context("no pod was measured")?;
    let released = executor.driver.released.context("nothing waited for the pods")?;
    let start = first.max(released);
    let seen = sightings.read();
    let times: Vec<PodTimes> =
        measured.iter().filter_map(|entrant| times(&seen, entrant)).collect();
    ensure!(times.len() == measured.len(), "{} of {} pods bound", times.len(), measured.len());
    let mut figures = Figures::of(start, &times);
    let refused: Vec<RefusalTimes> =
        refused(&executor.pods, &seen).map(|entrant| refusal(&seen, entrant)).collect();
    let bound: Vec<Instant> = times.iter().map(|pod| pod.bound).collect();
    figures.refusals = RefusalFigures::of(&refused, &bound);
    if let Some(usage) = usage {
        figures.cpu_ms = Some(milliseconds(usage.cpu.saturating_sub(executor.cpu_before)));
        figures.peak_kib = Some(usage.peak_kib);
    }
    if !contestant.writes_events() {
        figures.events_missing = 0;
    }
    for (in_flight, begun, uids) in &executor.driver.windows {
        let last = uids.iter().filter_map(|uid| seen.bound.get(uid)).max();
        let taken = last.map(|last| last.saturating_duration_since(*begun).as_secs_f64());
        let rate = uids.len() as f64 / taken.context("a window without binds")?;
        figures.sweep.insert(*in_flight, rate);
    }
    if !contestant.is_scheduler() {
        figures.in_flight = Some(executor.driver.in_flight());
    }
    Ok(figures)
}

fn times(seen: &Seen, entrant: &Entrant) -> Option<PodTimes> {
    let uid = &entrant.pod.uid;
    let bound = *seen.bound.get(uid)?;
    let acknowledged = entrant.pod.acknowledged;
    Some(PodTimes { acknowledged, bound, event: seen.events.get(uid).copied() })
}

/// Pods that are not measured and have no node at the end: the workload put them in the way.
fn refused<'a>(pods: &'a [Entrant], seen: &'a Seen) -> impl Iterator<Item = &'a Entrant> {
    pods.iter().filter(|entrant| {
        let uid = &entrant.pod.uid;
        !entrant.measured && !seen.bound.contains_key(uid) && !seen.gone.contains(uid)
    })
}

fn refusal(seen: &Seen, entrant: &Entrant) -> RefusalTimes {
    let uid = &entrant.pod.uid;
    RefusalTimes {
        verdict: seen.verdicts.get(uid).copied(),
        condition: seen.attempted.get(uid).copied(),
        event: seen.failures.get(uid).copied(),
    }
}

/// Waits until every measured pod has its event, and every pod that fits nowhere its own, or none
/// has come for a while.
async fn events(sightings: &Sightings, pods: &[Entrant]) -> Result<()> {
    let told = |seen: &Seen, entrant: &Entrant| {
        let events = if entrant.measured { &seen.events } else { &seen.failures };
        events.contains_key(&entrant.pod.uid)
    };
    let measured = pods.iter().filter(|entrant| entrant.measured).count();
    let (mut count, mut all) = (0, measured);
    let mut grown = Instant::now();
    while count < all && grown.elapsed() < EVENT_PATIENCE {
        tokio::time::sleep(Duration::from_millis(200)).await;
        let seen = sightings.read();
        let refused = refused(pods, &seen);
        let awaited = pods.iter().filter(|entrant| entrant.measured).chain(refused);
        let (mut now, mut of) = (0, 0);
        for entrant in awaited {
            of += 1;
            now += usize::from(told(&seen, entrant));
        }
        all = of;
        if now > count {
            (count, grown) = (now, Instant::now());
        }
    }
    Ok(())
}

/// The scheduler's usage once it takes less than a twentieth of a core, or after 30 s.
async fn at_rest(driver: &Driver<'_>) -> Result<Option<crate::usage::Usage>> {
    const STEP: Duration = Duration::from_millis(500);
    let Some(mut before) = driver.usage()? else { return Ok(None) };
    for _ in 0..60 {
        tokio::time::sleep(STEP).await;
        let now = driver.usage()?.context("the scheduler is gone")?;
        let spent = now.cpu - before.cpu;
        before = now;
        if spent < STEP / 20 {
            break;
        }
    }
    Ok(Some(before))
}

/// Fails where a node carries more than it has.
async fn ensure_fits(ground: &Ground) -> Result<()> {
    let recorder = Recorder::start(&ground.plane().client()).await?;
    let record = recorder.read();
    ensure!(record.overcommits.is_empty(), "over-committed: {:?}", record.overcommits);
    Ok(())
}

/// A plain client's list of all pods from the API server's cache, as a scheduler starts with.
async fn list_time(client: &Client) -> Result<ListTime> {
    let request = http::Request::get("/api/v1/pods?resourceVersion=0")
        .header(ACCEPT, "application/vnd.kubernetes.protobuf")
        .body(Body::empty())?;
    let start = Instant::now();
    let mut body = client.send(request).await?.into_body();
    let mut bytes = 0;
    while let Some(part) = body.frame().await {
        if let Ok(data) = part?.into_data() {
            bytes += data.len() as u64;
        }
    }
    Ok(ListTime { ms: milliseconds(start.elapsed()), bytes })
}
