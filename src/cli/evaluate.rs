//! `berth evaluate`: cases in, verdicts as JSON lines out.
//!
//! `input` reads cases as JSON lines, and what kubectl prints; `objects` takes lists and Jobs
//! apart, `strict` refuses fields that Kubernetes does not have, and `amounts` what is no quantity.
//!
//! A case is a small cluster and the pods to schedule on it, in order. Each pod goes through the
//! decoders, the cache and the cycle that `berth run` uses; the only difference is the draw, which
//! takes the first of the best by name, so that answers can be compared.

mod amounts;
mod case;
mod input;
mod live;
mod objects;
mod strict;
mod verdict;
mod wakeups;
mod wrong;

use std::io::{BufRead, Write};
use std::sync::Arc;

use anyhow::{Context, Result, anyhow, ensure};
use berth_engine::base::PodIdx;
use berth_engine::cache::Cache;
use berth_engine::framework::{Point, Profile, Reason};
use berth_engine::record::{PodRecord, PodSpec};
use berth_engine::{Config, Control, Decided, Engine, Input, Method, Origin};
use berth_plugins::PluginRegistry;
use serde_json::Value;

use case::Case;
pub use live::judge;
use verdict::Cycle;
use wrong::Wrong;

use crate::config::{self, Loaded};
use crate::escape;

/// 2026-01-01T00:00:00Z in milliseconds: pods that are placed start then, a minute apart.
const STARTED_MS: u64 = 1_767_225_600_000;

/// Answers every case of `input` on `output`, in order, with nodes chosen by `method`. Gives back
/// how many could not be run: their answers are their errors, and the others are answered.
///
/// # Errors
/// `input` cannot be read, or `output` cannot be written.
pub fn run(
    input: impl BufRead,
    mut output: impl Write,
    registry: &PluginRegistry,
    method: Method,
) -> Result<usize> {
    let mut wrong = 0;
    input::each(input, |read| {
        let answer = answer(read, registry, method).unwrap_or_else(|failed| {
            wrong += 1;
            failed
        });
        let line = answer.to_string();
        writeln!(output, "{}", escape::line(&line)).context("writing a verdict")
    })?;
    output.flush().context("writing the verdicts")?;
    Ok(wrong)
}

/// The verdict, or the answer that says why there is none.
fn answer(read: input::Read, registry: &PluginRegistry, method: Method) -> Result<Value, Value> {
    let (case, source) = read.map_err(|(line, message)| verdict::failed("", line, &message))?;
    let answer = if let Some(yaml) = &case.yaml {
        Ok(config::verdict(yaml, registry))
    } else if let Some(events) = &case.events {
        wakeups::verdict(&case, events, registry, method)
    } else {
        cycles(&case, registry, method).map(|cycles| serde_json::json!({ "cycles": cycles }))
    };
    let noted = |mut answer: Value| {
        if let Some(note) = source.note {
            answer["note"] = note.into();
        }
        verdict::with_id(&case.id, answer)
    };
    answer.map(noted).map_err(|error| {
        let line = match error.downcast_ref::<Wrong>() {
            Some(wrong) => source.line_of(wrong),
            None => source.line(),
        };
        verdict::failed(&case.id, line, &crate::causes::chain(&*error))
    })
}

/// The configuration of the case.
fn load(case: &Case, registry: &PluginRegistry) -> Result<Loaded> {
    let loaded = match &case.config {
        Some(config) => config::load(config.get(), "config", registry),
        None => config::without_file(registry),
    };
    loaded.map_err(|errors| anyhow!("{errors}"))
}

fn cycles(case: &Case, registry: &PluginRegistry, method: Method) -> Result<Vec<Cycle>> {
    let pending = case
        .pending
        .as_ref()
        .context("one of the fields \"pending\", \"events\" and \"yaml\" has to be there")?;
    let mut trial = Trial::start(case, &load(case, registry)?, method)?;
    let pods = objects::pending(pending)?;
    let mut cycles = Vec::with_capacity(pods.len());
    for (at, (path, pod)) in pods.into_iter().enumerate() {
        cycles.push(trial.cycle(pod, at as u64).map_err(|e| Wrong::new(&path, format!("{e:#}")))?);
    }
    Ok(cycles)
}

/// A cluster in which one pod after the other is tried.
struct Trial {
    engine: Engine,
    profile: Arc<Profile>,
    /// The profile preempts: what it could do is told where nothing fits.
    preempts: bool,
}

impl Trial {
    /// Takes the objects in. Every pod is judged, whatever it needs.
    fn start(case: &Case, loaded: &Loaded, method: Method) -> Result<Self> {
        let preempts = loaded.profiles().first().is_some_and(|profile| {
            let enabled = profile.expanded.at(Point::PostFilter);
            enabled.iter().any(|(name, _)| name == "DefaultPreemption")
        });
        let config: Arc<Config> = Arc::new(loaded.engine_config(false)?);
        let profile = config.profiles.first().context("the configuration has no profile")?;
        let profile = Arc::clone(profile);
        let mut engine = Engine::new(None);
        let mut inputs = vec![
            Input::Control(Control::Begin(Origin::first_by_name())),
            Input::Control(Control::Method(method)),
            // Nothing is scheduled but what the case asks for.
            Input::Control(Control::Pause(true)),
            Input::Config(config),
        ];
        for input in objects::cluster(&case.objects)? {
            inputs.push(match input {
                Input::PodApplied(pod) => Input::PodApplied(Box::new(named(*pod, &profile))),
                other => other,
            });
        }
        engine.step(inputs, 0, &mut Vec::new(), &mut ());
        Ok(Self { engine, profile, preempts })
    }

    /// Runs one pod's cycle and counts the pod where it went, as started in that minute.
    fn cycle(&mut self, pod: PodRecord, minute: u64) -> Result<Cycle> {
        let Self { engine, profile, preempts } = self;
        let pod = ours(named(pod, profile), profile);
        let name = format!("{}/{}", pod.namespace, pod.name);
        let uid = pod.uid.clone();
        ensure!(
            engine.cache().pods().find(&uid).is_none(),
            "{name}: a pod with this uid is known already"
        );
        engine.step([Input::PodAdmitted(Box::new(pod))], 0, &mut Vec::new(), &mut ());
        let admitted = engine.cache().pods().find(&uid);
        let idx = admitted.with_context(|| format!("{name}: the pod was not taken in"))?;
        if let Some((plugin, reason)) = gate(engine.cache(), idx, profile) {
            return Ok(Cycle::gated(name, plugin, &reason, engine.cache()));
        }
        let decided = engine.decide(idx, profile, true, &mut ());
        let mut cycle = Cycle::of(&decided, name, profile, engine.cache());
        match &decided {
            Decided::Place { pick, .. } => {
                let node = engine.cache().node_name(pick.node).into();
                let started_ms = STARTED_MS + minute * 60_000;
                let assigned = Input::PodAssigned { uid, node, started_ms };
                engine.step([assigned], 0, &mut Vec::new(), &mut ());
            }
            Decided::Reject { filtered } if *preempts => {
                let preemption = engine.preempt(idx, profile, filtered);
                let preemption = preemption.map_err(|text| anyhow!(text)).context("preemption")?;
                cycle.add_preemption(&preemption, engine.cache());
            }
            Decided::Reject { .. } | Decided::Broken(_) => {}
        }
        Ok(cycle)
    }
}

/// The PreEnqueue plugin that keeps a pod from being tried, and why.
fn gate(cache: &Cache, pod: PodIdx, profile: &Profile) -> Option<(String, Reason)> {
    let view = cache.view(pod)?;
    profile.at(Point::PreEnqueue).iter().find_map(|weighted| {
        let plugin = profile.plugin(weighted.plugin)?;
        let reason = plugin.as_pre_enqueue()?.pre_enqueue(&view).err()?;
        Some((plugin.name().to_owned(), reason))
    })
}

/// Objects in files need no uid and no schedulerName: the API server would have given both.
fn named(mut pod: PodRecord, profile: &Profile) -> PodRecord {
    if pod.uid.is_empty() {
        pod.uid = format!("{}/{}", pod.namespace, pod.name).into();
    }
    if pod.spec.scheduler_name.is_empty() { ours(pod, profile) } else { pod }
}

/// The pod under the profile's name, whatever it calls its scheduler.
fn ours(mut pod: PodRecord, profile: &Profile) -> PodRecord {
    if pod.spec.scheduler_name.as_ref() != profile.scheduler_name() {
        let mut spec = PodSpec::clone(&pod.spec);
        spec.scheduler_name = profile.scheduler_name().into();
        pod.spec = Arc::new(spec);
    }
    pod
}

#[cfg(test)]
mod tests;
