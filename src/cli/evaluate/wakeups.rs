//! Cases about wake-ups: a pod that waits, and which events move it.
//!
//! Each event is tried on its own, from the same state: the pod has had its first attempt, and the
//! condition that was written then has come back. No clock runs.

use std::collections::HashMap;
use std::sync::Arc;

use anyhow::{Context, Result};
use berth_engine::base::PodIdx;
use berth_engine::queue::Place;
use berth_engine::record::{NodeRecord, PodRecord, PodSpec, ScheduledCondition};
use berth_engine::{Change, Config, Control, Effect, Engine, Input, Method};
use berth_plugins::PluginRegistry;
use serde_json::{Value, json};

use super::case::{Case, Event, Verb};
use super::load;
use super::objects;

/// Answers one case: the pod's state after its first attempt, who rejected it, and for each event
/// whether it moved the pod.
pub(super) fn verdict(
    case: &Case,
    events: &[Event],
    registry: &PluginRegistry,
    method: Method,
) -> Result<Value> {
    let pod = case.pod.as_ref().context("field \"pod\" is missing: the pod that waits")?;
    let pod = objects::one_pod(pod)?;
    let config = Arc::new(load(case, registry)?.engine_config(false)?);
    let scene = Scene::read(case, pod, config, method)?;
    let (engine, idx) = scene.play()?;
    let (state, rejected_by) = scene.state(&engine, idx);
    let moved = events.iter().enumerate().map(|(at, event)| {
        let (engine, _) = scene.play()?;
        scene.moved(engine, event, &format!("events[{at}].object"))
    });
    let moved = moved.collect::<Result<Vec<bool>>>()?;
    Ok(json!({ "state": state, "rejectedBy": rejected_by, "moved": moved }))
}

/// The state before the events.
struct Scene {
    config: Arc<Config>,
    method: Method,
    /// What the pod calls its scheduler; the profile goes by it, whatever the file calls it.
    called: Box<str>,
    pod: PodRecord,
    objects: Vec<Input>,
    /// Uids of pods by namespace and name, for events whose object has none.
    uids: HashMap<String, Box<str>>,
}

impl Scene {
    fn read(case: &Case, pod: PodRecord, config: Arc<Config>, method: Method) -> Result<Self> {
        let mut scene = Self {
            config,
            method,
            called: pod.spec.scheduler_name.clone(),
            uids: HashMap::from([(key(&pod), pod.uid.clone())]),
            pod,
            objects: Vec::new(),
        };
        for input in objects::cluster(&case.objects)? {
            let input = match input {
                Input::PodApplied(pod) => {
                    scene.uids.insert(key(&pod), pod.uid.clone());
                    Input::PodApplied(Box::new(scene.renamed(*pod)))
                }
                other => other,
            };
            scene.objects.push(input);
        }
        scene.pod = scene.renamed(scene.pod.clone());
        Ok(scene)
    }

    fn profile_name(&self) -> &str {
        self.config.profiles.first().map_or("", |p| p.scheduler_name())
    }

    /// The pod under the profile's name where it goes by the waiting pod's, else under a name that
    /// is no profile's.
    fn renamed(&self, mut pod: PodRecord) -> PodRecord {
        let mut spec = PodSpec::clone(&pod.spec);
        spec.scheduler_name = if spec.scheduler_name == self.called {
            self.profile_name().into()
        } else {
            format!("other/{}", spec.scheduler_name).into()
        };
        pod.spec = Arc::new(spec);
        pod
    }

    /// An engine in which the pod has had its first attempt.
    fn play(&self) -> Result<(Engine, PodIdx)> {
        let mut engine = Engine::new(None);
        let pause = |paused| Input::Control(Control::Pause(paused));
        let mut effects = Vec::new();
        let mut inputs = vec![
            Input::Control(Control::Method(self.method)),
            pause(true),
            Input::Config(Arc::clone(&self.config)),
        ];
        inputs.extend(self.objects.iter().cloned());
        inputs.push(Input::PodApplied(Box::new(self.pod.clone())));
        engine.step(inputs, 0, &mut effects, &mut ());
        let mut turn = engine.step([pause(false)], 0, &mut effects, &mut ());
        while turn.more {
            turn = engine.step([], 0, &mut effects, &mut ());
        }
        engine.step([pause(true)], 0, &mut effects, &mut ());
        let mut shown = self.pod.clone();
        for effect in effects {
            let Effect::Condition { pod, reason, message, generation } = effect else { continue };
            if pod.uid == shown.uid {
                shown.scheduled = Some(ScheduledCondition {
                    status: "False".into(),
                    reason: reason.as_str().into(),
                    message: message.into(),
                    observed_generation: generation,
                });
            }
        }
        engine.step([Input::PodApplied(Box::new(shown))], 0, &mut Vec::new(), &mut ());
        let pod = engine.cache().pods().find(&self.pod.uid).context("the pod is not pending")?;
        Ok((engine, pod))
    }

    fn state(&self, engine: &Engine, pod: PodIdx) -> (&'static str, Vec<String>) {
        let Some(entry) = engine.queue().entry(pod) else { return ("scheduled", Vec::new()) };
        let profile = engine.profile_of(pod);
        let name =
            |place: &usize| profile.and_then(|p| p.plugin(*place)).map(|p| p.name().to_owned());
        let mut names: Vec<String> = entry.rejectors.iter().filter_map(name).collect();
        names.sort_unstable();
        let state = match entry.place {
            Place::Gated => "gated",
            Place::Parked(..) | Place::Alone => "unschedulable",
            Place::Active | Place::Backoff { .. } | Place::InFlight => "error",
        };
        (state, names)
    }

    /// Whether the event takes the pod to the active part or to backoff.
    fn moved(&self, mut engine: Engine, event: &Event, path: &str) -> Result<bool> {
        let Some(input) = self.input(&engine, event, path)? else { return Ok(false) };
        engine.step([input], 0, &mut Vec::new(), &mut ());
        let pod = engine.cache().pods().find(&self.pod.uid);
        let place = pod.and_then(|pod| engine.queue().entry(pod)).map(|entry| entry.place);
        Ok(matches!(place, Some(Place::Active | Place::Backoff { .. })))
    }

    fn input(&self, engine: &Engine, event: &Event, path: &str) -> Result<Option<Input>> {
        let Some(input) = objects::one(&event.object, path)? else { return Ok(None) };
        let deleted = event.verb == Verb::Delete;
        Ok(Some(match input {
            Input::PodApplied(pod) => {
                let mut pod = self.renamed(*pod);
                if let Some(uid) =
                    self.uids.get(&key(&pod)).filter(|_| pod.uid.as_ref() == key(&pod))
                {
                    pod.uid = uid.clone();
                }
                if pod.uid == self.pod.uid && pod.scheduled.is_none() {
                    let shown = engine.cache().pods().find(&pod.uid);
                    let shown = shown.and_then(|p| engine.cache().pending(p));
                    pod.scheduled = shown.and_then(|p| p.scheduled.clone());
                }
                if deleted {
                    let key = berth_engine::record::ObjectKey::new(&pod.namespace, &pod.name);
                    Input::PodDeleted { key, uid: pod.uid }
                } else {
                    Input::PodApplied(Box::new(pod))
                }
            }
            Input::NodeApplied(node) if deleted => {
                Input::NodeDeleted { name: NodeRecord::clone(&node).name }
            }
            Input::Object(object, _) if deleted => Input::Object(object, Change::Deleted),
            other => other,
        }))
    }
}

fn key(pod: &PodRecord) -> String {
    format!("{}/{}", pod.namespace, pod.name)
}
