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

use anyhow::{Context, Result, anyhow, ensure};
use berth_engine::framework::Profile;
use berth_engine::record::{PodRecord, PodSpec};
use berth_engine::{Config, Control, Decided, Engine, Input, Method, Origin};
use berth_plugins::PluginRegistry;
use serde_json::Value;

use case::Case;
use verdict::Cycle;

use crate::config::{self, ExtensionPoint, Loaded};
use crate::watch::{DecodeError, decode_object, decode_pod};

/// 2026-01-01T00:00:00Z in milliseconds: pods that are placed start then, a minute apart.
const STARTED_MS: u64 = 1_767_225_600_000;

/// Answers every line of `input` on `output`, in order, with nodes chosen by `method`. A case that
/// cannot be run is answered with its error; only reading and writing can fail.
///
/// # Errors
/// `input` cannot be read, or `output` cannot be written.
pub fn run(
    input: impl BufRead,
    mut output: impl Write,
    registry: &PluginRegistry,
    method: Method,
) -> Result<()> {
    for (at, line) in input.lines().enumerate() {
        let line = line.with_context(|| format!("reading line {} of the cases", at + 1))?;
        if line.trim().is_empty() {
            continue;
        }
        let answer = answer(&line, registry, method);
        serde_json::to_writer(&mut output, &answer).context("writing a verdict")?;
        output.write_all(b"\n").context("writing a verdict")?;
    }
    output.flush().context("writing the verdicts")
}

fn answer(line: &str, registry: &PluginRegistry, method: Method) -> Value {
    let case: Case = match serde_json::from_str(line) {
        Ok(case) => case,
        Err(e) => return verdict::failed("", &anyhow!("this line is not a case: {e}")),
    };
    if let Some(yaml) = &case.yaml {
        return verdict::with_id(&case.id, config::verdict(yaml, registry));
    }
    if let Some(events) = &case.events {
        return match wakeups::verdict(&case, events, registry, method) {
            Ok(verdict) => verdict::with_id(&case.id, verdict),
            Err(e) => verdict::failed(&case.id, &e),
        };
    }
    match cycles(&case, registry, method) {
        Ok(cycles) => verdict::with_id(&case.id, serde_json::json!({ "cycles": cycles })),
        Err(e) => verdict::failed(&case.id, &e),
    }
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
    let mut cycles = Vec::with_capacity(pending.len());
    for (at, pod) in pending.iter().enumerate() {
        let pod = decode_pod(pod.get().as_bytes()).with_context(|| format!("pending[{at}]"))?;
        let cycle = trial.cycle(pod, at as u64).with_context(|| format!("pending[{at}]"))?;
        cycles.push(cycle);
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
            let enabled = profile.expanded.at(ExtensionPoint::PostFilter);
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
