//! `churn`: objects that come and go, or only come, beside everything else.
//!
//! Source: `runChurnOp` in `test/integration/scheduler_perf/executor.go` of Kubernetes 1.37.

use std::time::Duration;

use anyhow::{Context, Result};
use kube::api::{DynamicObject, PostParams};
use kube::{Api, Client};
use serde_json::Map;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};

use super::anyobject::{Leftovers, api_of, delete};
use super::object::{ObjectTemplate, address};
use super::op::{Churn, ChurnMode};
use super::workload::Workload;

/// Between cycles of a churn that names no interval.
const PERIOD: Duration = Duration::from_millis(500);

/// Goes on until it is aborted, or with mode create until it has made its number.
pub(super) async fn churn(
    client: Client,
    workload: Workload,
    op: Churn,
    scheduler: String,
    namespace: String,
    leftovers: Leftovers,
) -> Result<()> {
    let mut lanes = Vec::new();
    for path in &op.template_paths {
        lanes.push(lane(&client, &workload, path, &scheduler, &namespace).await?);
    }
    let slots = op.number.max(1);
    let mut live: Vec<Vec<Option<String>>> = vec![vec![None; slots]; lanes.len()];
    let mut refused = Refused::default();
    let mut cycles = Cycles::of(&op);
    while let Some(cycle) = cycles.next().await {
        for ((api, object), live) in lanes.iter().zip(&mut live) {
            let slot = &mut live[cycle % slots];
            if let Some(name) = slot.take() {
                delete(api, &name).await?;
                continue;
            }
            match api.create(&PostParams::default(), object).await {
                Ok(created) => {
                    let name = created.metadata.name.unwrap_or_default();
                    leftovers.add(api, name.clone());
                    *slot = (op.mode == ChurnMode::Recreate).then_some(name);
                }
                Err(error) => refused.count(&error),
            }
        }
    }
    Ok(())
}

/// An object of a churn and where it is created.
async fn lane(
    client: &Client,
    workload: &Workload,
    path: &str,
    scheduler: &str,
    namespace: &str,
) -> Result<(Api<DynamicObject>, DynamicObject)> {
    let template = ObjectTemplate::load(&workload.path(path), &Map::new())?;
    let mut object = template.object(0, 1)?;
    address(&mut object, scheduler);
    let api = match api_of(client, &object, Some(namespace)).await {
        Ok(api) => api,
        Err(_) => api_of(client, &object, None).await.with_context(|| path.to_owned())?,
    };
    Ok((api, serde_json::from_value(object)?))
}

/// The numbers of a churn's cycles, each at its time. As with a ticker of Go, the period does not
/// grow by what a cycle takes, and of the ticks that a long cycle misses one is made up for.
struct Cycles {
    ticks: Interval,
    done: usize,
    most: Option<usize>,
}

impl Cycles {
    fn of(op: &Churn) -> Self {
        let period = match op.interval_milliseconds {
            0 => PERIOD,
            milliseconds => Duration::from_millis(milliseconds),
        };
        let mut ticks = interval_at(Instant::now() + period, period);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let endless = op.mode == ChurnMode::Recreate || op.number == 0;
        Self { ticks, done: 0, most: (!endless).then_some(op.number) }
    }

    async fn next(&mut self) -> Option<usize> {
        if self.most.is_some_and(|most| self.done >= most) {
            return None;
        }
        self.ticks.tick().await;
        self.done += 1;
        Some(self.done - 1)
    }
}

/// Objects that could not be created: a churn goes on without them, and says so once, when it ends
/// or is aborted.
#[derive(Debug, Default)]
struct Refused {
    count: usize,
    first: String,
}

impl Refused {
    fn count(&mut self, error: &kube::Error) {
        if self.count == 0 {
            self.first = error.to_string();
        }
        self.count += 1;
    }
}

impl Drop for Refused {
    fn drop(&mut self) {
        if self.count > 0 {
            eprintln!("churn: {} objects were not created; the first: {}", self.count, self.first);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn op(mode: ChurnMode, number: usize) -> Churn {
        let (interval_milliseconds, namespace) = (100, None);
        Churn { mode, number, interval_milliseconds, namespace, template_paths: Vec::new() }
    }

    /// When cycles begin, in ms, that take so long each.
    async fn begins(op: &Churn, lengths: &[u64]) -> Vec<u128> {
        let start = Instant::now();
        let mut cycles = Cycles::of(op);
        let mut begins = Vec::new();
        for length in lengths {
            if cycles.next().await.is_none() {
                break;
            }
            begins.push(start.elapsed().as_millis());
            tokio::time::sleep(Duration::from_millis(*length)).await;
        }
        begins
    }

    #[tokio::test(start_paused = true)]
    async fn a_cycle_does_not_delay_the_next() {
        let endless = op(ChurnMode::Recreate, 2);
        assert_eq!(begins(&endless, &[30, 30, 30, 30]).await, [100, 200, 300, 400]);
        assert_eq!(begins(&endless, &[250, 30, 30]).await, [100, 350, 400]);
    }

    #[tokio::test(start_paused = true)]
    async fn what_only_comes_ends_with_its_number() {
        assert_eq!(begins(&op(ChurnMode::Create, 2), &[1; 9]).await.len(), 2);
        assert_eq!(begins(&op(ChurnMode::Create, 0), &[1; 9]).await.len(), 9);
        assert_eq!(begins(&op(ChurnMode::Recreate, 2), &[1; 9]).await.len(), 9);
    }
}
