//! The pods of a round on one scheduler, one at a time.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use kube::Client;
use serde_json::{Value, json};

use super::{Round, Step, Verdict, objects};
use crate::controlplane::ControlPlane;
use crate::patience;
use crate::scheduler::Scheduler;

/// A verdict takes milliseconds; kube-scheduler's longest backoff is 10 s.
const LIMIT: Duration = Duration::from_secs(40);
const POLL: Duration = Duration::from_millis(5);

/// A pod, the pods there were when it was decided, and what was decided.
#[derive(Debug, Clone)]
pub struct Decided {
    /// `namespace/name`, and its shape.
    pub name: String,
    /// The pod as the API server kept it when it could be scheduled, without status.
    pub pod: Value,
    /// The other pods at that moment. Empty in a run that follows another.
    pub pods_before: Vec<Value>,
    /// What the scheduler made of it.
    pub verdict: Verdict,
}

/// Which pod lies on which node.
pub type Layout = BTreeMap<String, String>;

/// Runs the pods of a round. With `leader`, the verdicts of another scheduler, each pod lies where
/// the leader put it before the next one is tried; without, it stays where it is. Pods that are
/// refused are removed, so that none is tried again at a moment of the scheduler's choice.
///
/// # Errors
/// A scheduler ends or does not decide, or the API server refuses a request.
pub async fn run(
    round: &Round,
    plane: &ControlPlane,
    scheduler: &mut Scheduler,
    leader: Option<&[Decided]>,
) -> Result<(Vec<Decided>, Layout)> {
    let client = plane.client();
    let mut decided: Vec<Decided> = Vec::with_capacity(round.steps.len());
    for (step, lift) in order(&round.steps) {
        if !lift && step.held_for > 0 {
            objects::create(&client, &step.pod).await?;
            continue;
        }
        let pods_before = match leader {
            None => pods_but(&client, &step.pod).await?,
            Some(_) => Vec::new(),
        };
        let pod = admit(&client, step, lift).await?;
        let wait = verdict(&client, &step.pod);
        let verdict = scheduler.process.alive_during(wait).await?;
        let name = format!("{} ({})", objects::pod_path(&step.pod), step.shape);
        let leading = match leader {
            None => verdict.node(),
            Some(all) => {
                let one = all.get(decided.len()).context("the leader decided fewer pods")?;
                ensure!(one.name == name, "the leader decided {} before {name}", one.name);
                one.verdict.node()
            }
        };
        settle(&client, &step.pod, &verdict, leading).await?;
        decided.push(Decided { name, pod, pods_before, verdict });
    }
    let layout = objects::pods(&client).await?.iter().map(place).collect();
    Ok((decided, layout))
}

/// The steps as they happen: a pod with gates comes twice, the second time to lift them.
fn order(steps: &[Step]) -> Vec<(&Step, bool)> {
    let mut order = Vec::with_capacity(steps.len());
    let mut held: Vec<(usize, &Step)> = Vec::new();
    for (at, step) in steps.iter().enumerate() {
        order.push((step, false));
        if step.held_for > 0 {
            held.push((at + step.held_for, step));
        }
        let due = held.extract_if(.., |(until, _)| *until <= at);
        order.extend(due.map(|(_, step)| (step, true)));
    }
    order.extend(held.into_iter().map(|(_, step)| (step, true)));
    order
}

/// Makes the pod one that can be scheduled. One that was gated must have stayed where it was.
async fn admit(client: &Client, step: &Step, lift: bool) -> Result<Value> {
    let mut pod = if lift {
        let gated = objects::get_pod(client, &step.pod).await?;
        ensure!(gated["spec"]["nodeName"].is_null(), "bound with gates: {gated}");
        objects::lift_gates(client, &step.pod).await?
    } else {
        objects::create(client, &step.pod).await?
    };
    pod["apiVersion"] = json!("v1");
    pod["kind"] = json!("Pod");
    pod["status"] = json!({});
    // It may have been bound between the two requests.
    ensure!(pod["spec"]["nodeName"].is_null(), "bound before it was created");
    Ok(pod)
}

async fn pods_but(client: &Client, pod: &Value) -> Result<Vec<Value>> {
    let path = objects::pod_path(pod);
    let mut pods = objects::pods(client).await?;
    pods.retain(|other| objects::pod_path(other) != path);
    Ok(pods)
}

async fn verdict(client: &Client, pod: &Value) -> Result<Verdict> {
    let what = format!("a verdict on {}", objects::pod_path(pod));
    patience::until(&what, LIMIT, POLL, async || {
        let pod = objects::get_pod(client, pod).await?;
        if let Some(node) = pod["spec"]["nodeName"].as_str() {
            return Ok(Verdict::Placed(node.to_owned()));
        }
        let conditions = pod["status"]["conditions"].as_array();
        let told = conditions.into_iter().flatten().find(|condition| {
            condition["type"] == "PodScheduled"
                && condition["status"] == "False"
                // The API server's own word, from before the gates were lifted.
                && condition["reason"] != "SchedulingGated"
        });
        let Some(told) = told else { bail!("undecided: {}", pod["status"]) };
        let text = |field: &str| told[field].as_str().unwrap_or_default().to_owned();
        Ok(Verdict::refused(&text("reason"), &text("message")))
    })
    .await
}

/// Leaves the pod on `node`, or removes it where there is none.
async fn settle(client: &Client, pod: &Value, verdict: &Verdict, node: Option<&str>) -> Result<()> {
    if verdict.node().is_some() && verdict.node() == node {
        return Ok(());
    }
    objects::delete_pod(client, pod).await?;
    let Some(node) = node else { return Ok(()) };
    let mut bound = pod.clone();
    bound["spec"]["nodeName"] = json!(node);
    bound["spec"]["schedulingGates"] = Value::Null;
    objects::create(client, &bound).await?;
    Ok(())
}

fn place(pod: &Value) -> (String, String) {
    let node = pod["spec"]["nodeName"].as_str().unwrap_or_default();
    (objects::pod_path(pod), node.to_owned())
}
