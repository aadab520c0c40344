//! The demo from its first Job to its last line.
//!
//! ```text
//! burst (all Jobs at once) ─▶ single (small Jobs, one by one) ─▶ settle ─▶ summary
//! ```

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use super::inventory::Inventory;
use super::latency::{Latency, busiest, recent};
use super::ledger::Ledger;
use super::manifest;
use super::observer::Observer;
use super::picture::Picture;
use super::progress::Progress;
use super::stage::{self, Stage};
use super::summary::{Pace, Reason, Summary};
use super::terminal::{Abilities, Screen};
use super::text::plural;
use super::workload::Group;

/// Between two drawings of the table; lines come once a second.
const FRAME: Duration = Duration::from_millis(100);

/// The window of rates, and how often latencies are computed anew.
const SECOND: Duration = Duration::from_secs(1);

/// Between two small Jobs: 40 of them take 3 s.
const PAUSE: Duration = Duration::from_millis(75);

/// No pod was bound for so long: what waits now has no room. Longer than any pod runs that ends
/// within the demo, since such a pod makes room.
const STALL: Duration = Duration::from_secs(8);

/// Pods that end, and the last conditions, get this long once all others are bound.
const SETTLE: Duration = Duration::from_secs(10);

/// The whole demo may take this long, and this much more per 200 pods: 50 s for 4,000 pods.
const LIMIT: Duration = Duration::from_secs(30);
const PODS_PER_SECOND_MIN: usize = 200;

/// Sightings taken in at once: a few milliseconds of work before the next frame.
const SIGHTINGS_MAX: usize = 1_024;

/// Reasons whose event is read; the summary shows fewer.
const EVENTS_MAX: usize = 8;

/// How the demo came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    /// All was shown.
    Whole,
    /// Somebody stopped it.
    Stopped,
}

/// A part of the demo, and with it what it waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scene {
    /// Every pod of the large Jobs is bound.
    Burst,
    /// Every pod of the small Jobs is bound, too.
    Single,
    /// Pods that end have ended, and those that wait have been told why.
    Settle,
}

/// The demo.
pub(super) struct Act {
    stage: Stage,
    page: Screen,
    groups: Vec<Group>,
    inventory: Inventory,
    ledger: Ledger,
    observer: Observer,
    stop: CancellationToken,
    started: Instant,
    /// As last computed, and when.
    latency: (Option<Latency>, Instant),
    /// When a line was last printed.
    line: Instant,
}

impl Act {
    pub(super) fn new(
        stage: Stage,
        groups: Vec<Group>,
        inventory: Inventory,
        page: Screen,
        stop: CancellationToken,
    ) -> Self {
        let now = Instant::now();
        Self {
            observer: Observer::start(stage.client.clone()),
            ledger: Ledger::new(groups.len()),
            stage,
            page,
            groups,
            inventory,
            stop,
            started: now,
            latency: (None, now),
            line: now,
        }
    }

    /// What is left once nobody looks at pods any more.
    pub(super) fn leave(self) -> (Stage, Screen) {
        (self.stage, self.page)
    }

    /// Plays it.
    pub(super) async fn play(&mut self) -> Result<Ended> {
        let pods: usize = self.groups.iter().map(Group::pods).sum();
        let limit = LIMIT + SECOND * u32::try_from(pods / PODS_PER_SECOND_MIN).unwrap_or(u32::MAX);
        let deadline = self.started + limit;
        if self.show(Scene::Burst, Duration::ZERO, deadline).await? == Ended::Stopped {
            return Ok(Ended::Stopped);
        }
        let pace = self.pace();
        if self.show(Scene::Single, PAUSE, deadline).await? == Ended::Stopped {
            return Ok(Ended::Stopped);
        }
        let deadline = deadline.min(Instant::now() + SETTLE);
        if self.show(Scene::Settle, Duration::ZERO, deadline).await? == Ended::Stopped {
            return Ok(Ended::Stopped);
        }
        self.finish(pace).await
    }

    /// Submits a scene's Jobs and shows progress until it is over, or late.
    async fn show(&mut self, scene: Scene, pause: Duration, deadline: Instant) -> Result<Ended> {
        let began = Instant::now();
        let mut submission = Some(self.submit(scene, pause));
        let mut frames = tokio::time::interval(FRAME);
        frames.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let stop = self.stop.clone();
        let mut seen = Vec::new();
        while submission.is_some() || !self.is_over(scene) {
            tokio::select! {
                biased;
                () = stop.cancelled() => return Ok(Ended::Stopped),
                ended = self.stage.scheduler.ended() => {
                    ended?;
                    bail!("the scheduler ended by itself");
                }
                submitted = wait(&mut submission) => submitted?,
                _ = frames.tick() => {
                    self.draw()?;
                    let bound = self.ledger.binds().last().copied();
                    let stalled = bound.map_or(began, |at| at.max(began)).elapsed() > STALL;
                    let late = Instant::now() > deadline;
                    if late || submission.is_none() && scene != Scene::Settle && stalled {
                        break;
                    }
                }
                n = self.observer.sightings.recv_many(&mut seen, SIGHTINGS_MAX) => {
                    if n == 0 {
                        bail!("the API server does not answer the demo's watch on pods");
                    }
                    for (at, sighting) in seen.drain(..) {
                        self.ledger.apply(sighting, &self.groups, &self.inventory, at);
                    }
                }
            }
        }
        Ok(Ended::Whole)
    }

    fn submit(&self, scene: Scene, pause: Duration) -> AbortOnDropHandle<Result<()>> {
        let mut jobs = Vec::new();
        for group in &self.groups {
            let now = match scene {
                Scene::Burst => !group.arrives_alone(),
                Scene::Single => group.arrives_alone(),
                Scene::Settle => false,
            };
            if now {
                jobs.extend((0..group.jobs.len()).map(|index| manifest::job(group, index)));
            }
        }
        let client = self.stage.client.clone();
        AbortOnDropHandle::new(tokio::spawn(async move {
            for job in jobs {
                stage::submit(&client, &job).await?;
                tokio::time::sleep(pause).await;
            }
            Ok(())
        }))
    }

    fn is_over(&self, scene: Scene) -> bool {
        let counts = self.groups.iter().zip(self.ledger.counts());
        let mut possible = counts.filter(|(group, _)| !group.impossible);
        match scene {
            Scene::Burst => possible
                .all(|(group, counts)| group.arrives_alone() || counts.bound() >= group.pods()),
            Scene::Single => possible.all(|(group, counts)| counts.bound() >= group.pods()),
            Scene::Settle => {
                possible.all(|(group, counts)| !group.ends() || counts.running == 0)
                    && self.ledger.waiting().iter().all(|waiting| waiting.message.is_some())
            }
        }
    }

    /// The table again, or a line once a second.
    fn draw(&mut self) -> Result<()> {
        let now = Instant::now();
        if now - self.latency.1 >= SECOND {
            self.latency = (self.ledger.latency(&self.groups, |_| true), now);
        }
        let abilities = Abilities::now();
        let table = self.progress(now).table(abilities);
        if abilities.live && table.len() < abilities.height {
            return self.page.draw(&table, abilities);
        }
        if now - self.line < SECOND {
            return Ok(());
        }
        self.line = now;
        let line = self.progress(now).line();
        self.page.print(&[line], abilities)
    }

    fn progress(&self, now: Instant) -> Progress<'_> {
        Progress {
            groups: &self.groups,
            counts: self.ledger.counts(),
            elapsed: now - self.started,
            rate: recent(self.ledger.binds(), now, SECOND),
            latency: self.latency.0,
        }
    }

    /// Of all binds so far.
    fn pace(&self) -> Option<Pace> {
        let binds = self.ledger.binds();
        let took = *binds.last()? - self.ledger.first_created()?;
        Some(Pace { bound: binds.len(), took, best: busiest(binds, SECOND) })
    }

    /// The last table and the summary.
    async fn finish(&mut self, pace: Option<Pace>) -> Result<Ended> {
        let mut reasons = Vec::new();
        for waiting in self.ledger.waiting() {
            let event = match reasons.len() {
                0..EVENTS_MAX => {
                    stage::failed_scheduling(&self.stage.client, &waiting.example).await?
                }
                _ => None,
            };
            reasons.push(Reason { waiting, event });
        }
        let requested = self.ledger.requested(&self.groups, &self.inventory);
        let summary = Summary {
            groups: &self.groups,
            picture: Picture { inventory: &self.inventory, requested: &requested },
            pace,
            burst: self.ledger.latency(&self.groups, |group| !group.arrives_alone()),
            single: self.ledger.latency(&self.groups, Group::arrives_alone),
            moved: self.ledger.moved(),
            reasons: &reasons,
        };
        let abilities = Abilities::now();
        let now = Instant::now();
        self.latency = (self.ledger.latency(&self.groups, |_| true), now);
        let mut lines = self.progress(now).table(abilities);
        lines.extend(summary.lines(abilities));
        self.page.print(&lines, abilities)?;
        let untried: usize =
            reasons.iter().filter(|r| r.waiting.message.is_none()).map(|r| r.waiting.pods).sum();
        if untried > 0 {
            let pods = plural(untried, "pod");
            bail!("{pods} were neither bound nor told why in {:.0?}", self.started.elapsed());
        }
        Ok(Ended::Whole)
    }
}

/// Waits for the submission; for ever where it is over.
async fn wait(submission: &mut Option<AbortOnDropHandle<Result<()>>>) -> Result<()> {
    let Some(task) = submission else { return std::future::pending().await };
    let done = task.await.context("the task that submits Jobs");
    *submission = None;
    done?
}
