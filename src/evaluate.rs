//! `berth evaluate`: cases as JSON lines in, verdicts as JSON lines out.
//!
//! A case is a small cluster and the pods to schedule on it, in order. Each pod goes through the
//! decoders, the cache and the cycle that `berth run` uses; the only difference is the draw, which
//! takes the first of the best by name, so that answers can be compared.

mod case;
mod verdict;
mod wakeups;

use std::io::{BufRead, Write};
use std::sync::Arc;

use anyhow::{Context, Result, anyhow};
use berth_engine::base::{Draw, PodIdx};
use berth_engine::framework::Profile;
use berth_engine::record::{PodRecord, PodSpec};
use berth_engine::{Config, Decided, Engine, Input};
use berth_plugins::PluginRegistry;
use serde_json::Value;

use case::Case;
use verdict::Cycle;

use crate::config;
use crate::watch::{DecodeError, decode_object, decode_pod};

/// 2026-01-01T00:00:00Z in milliseconds: pods that are placed start then, a minute apart.
const STARTED_MS: u64 = 1_767_225_600_000;

/// Answers every line of `input` on `output`, in order. A case that cannot be run is answered with
/// its error; only reading and writing can fail.
///
/// # Errors
/// `input` cannot be read, or `output` cannot be written.
pub fn run(input: impl BufRead, mut output: impl Write, registry: &PluginRegistry) -> Result<()> {
    for (at, line) in input.lines().enumerate() {
        let line = line.with_context(|| format!("reading line {} of the cases", at + 1))?;
        if line.trim().is_empty() {
            continue;
        }
        let answer = answer(&line, registry);
        serde_json::to_writer(&mut output, &answer).context("writing a verdict")?;
        output.write_all(b"\n").context("writing a verdict")?;
    }
    output.flush().context("writing the verdicts")
}

fn answer(line: &str, registry: &PluginRegistry) -> Value {
    let case: Case = match serde_json::from_str(line) {
        Ok(case) => case,
        Err(e) => return verdict::failed("", &anyhow!("this line is not a case: {e}")),
    };
    if let Some(yaml) = &case.yaml {
        return verdict::with_id(&case.id, config::verdict(yaml, registry));
    }
    if let Some(events) = &case.events {
        return match wakeups::verdict(&case, events, registry) {
            Ok(verdict) => verdict::with_id(&case.id, verdict),
            Err(e) => verdict::failed(&case.id, &e),
        };
    }
    match cycles(&case, registry) {
        Ok(cycles) => verdict::with_id(&case.id, serde_json::json!({ "cycles": cycles })),
        Err(e) => verdict::failed(&case.id, &e),
    }
}

/// Profiles of the case; every pod is judged, whatever it needs.
fn profiles(case: &Case, registry: &PluginRegistry) -> Result<Arc<Config>> {
    let loaded = match &case.config {
        Some(config) => config::load(config.get(), "config", registry),
        None => config::without_file(registry),
    };
    let loaded = loaded.map_err(|errors| anyhow!("{errors}"))?;
    Ok(Arc::new(loaded.engine_config(false)?))
}

fn cycles(case: &Case, registry: &PluginRegistry) -> Result<Vec<Cycle>> {
    let pending = case
        .pending
        .as_ref()
        .context("field \"pending\" is missing: this build answers cases with pending pods only")?;
    let config = profiles(case, registry)?;
    let profile = config.profiles.first().context("the configuration has no profile")?;
    let profile = Arc::clone(profile);
    let mut engine = Engine::with_draw(Draw::FirstByName, None);
    // Nothing is scheduled but what the case asks for.
    engine.pause(true);
    let mut inputs = vec![Input::Config(config)];
    for (at, object) in case.objects.iter().enumerate() {
        match decode_object(object.get().as_bytes()) {
            Ok(Input::PodApplied(pod)) => {
                inputs.push(Input::PodApplied(Box::new(named(*pod, &profile))));
            }
            Ok(input) => inputs.push(input),
            Err(DecodeError::UnknownKind { .. }) => {}
            Err(e) => return Err(anyhow!(e).context(format!("objects[{at}]"))),
        }
    }
    engine.step(inputs, 0, &mut Vec::new(), &mut ());
    let mut cycles = Vec::with_capacity(pending.len());
    for (at, pod) in pending.iter().enumerate() {
        let pod = decode_pod(pod.get().as_bytes()).with_context(|| format!("pending[{at}]"))?;
        let pod = ours(named(pod, &profile), &profile);
        let name = format!("{}/{}", pod.namespace, pod.name);
        let idx = engine.admit(&pod).with_context(|| {
            format!("pending[{at}] {name}: a pod with this uid is known already")
        })?;
        cycles.push(cycle(&mut engine, idx, &profile, at as u64));
    }
    Ok(cycles)
}

/// Runs one pod's cycle and counts the pod where it went.
fn cycle(engine: &mut Engine, pod: PodIdx, profile: &Profile, minute: u64) -> Cycle {
    let decided = engine.decide(pod, profile, true, &mut ());
    let name = engine.cache().pod_name(pod);
    let cycle = Cycle::of(&decided, name, profile, engine.cache());
    if let Decided::Place { pick, .. } = &decided {
        engine.assign(pod, pick.node, STARTED_MS + minute * 60_000);
    }
    cycle
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
