//! By which of kube-scheduler's events an input is counted (`event_handling_duration_seconds`).
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use std::sync::Arc;

use berth_engine::record::{NodeRecord, ObjectKey, PodRecord, PodSpec};
use berth_engine::{Control, Engine, Input, Probe};
use support::plugins::config;

#[derive(Default)]
struct Events(Vec<&'static str>);

impl Probe for Events {
    fn input_ends(&mut self, event: &'static str) {
        self.0.push(event);
    }
}

fn node(taint: bool) -> Input {
    Input::NodeApplied(Arc::new(NodeRecord {
        name: "n".into(),
        unschedulable: taint,
        ..NodeRecord::default()
    }))
}

fn pod(name: &str, scheduler: &str, app: &str, node: Option<&str>) -> Input {
    let spec = PodSpec { scheduler_name: scheduler.into(), ..PodSpec::default() };
    let mut pod = PodRecord::new("d", name, name, Arc::new(spec));
    pod.labels = [("app", app)].into_iter().collect();
    pod.node_name = node.map(Into::into);
    Input::PodApplied(Box::new(pod))
}

fn gone(name: &str) -> Input {
    Input::PodDeleted { key: ObjectKey::new("d", name), uid: name.into() }
}

#[test]
fn inputs_are_counted_by_their_event() {
    let mut engine = Engine::new(None);
    engine.step([Input::Config(config(Vec::new()))], 0, &mut Vec::new(), &mut ());
    engine.step([Input::Control(Control::Pause(true))], 0, &mut Vec::new(), &mut ());
    let inputs = [
        (node(false), "NodeAdd"),
        (node(false), ""),
        (node(true), "NodeUpdate"),
        (pod("ours", "berth", "a", None), "UnscheduledPodAdd"),
        (pod("ours", "berth", "b", None), "UnscheduledPodUpdate"),
        (pod("ours", "berth", "b", Some("n")), "AssignedPodAdd"),
        (pod("ours", "berth", "c", Some("n")), "AssignedPodUpdate"),
        (gone("ours"), "AssignedPodDelete"),
        (gone("ours"), ""),
        (pod("waiting", "berth", "a", None), "UnscheduledPodAdd"),
        (gone("waiting"), "UnscheduledPodDelete"),
        (pod("theirs", "other", "a", None), ""),
        (pod("theirs", "other", "b", None), ""),
        (pod("theirs", "other", "b", Some("n")), "AssignedPodAdd"),
        (pod("static", "other", "a", Some("n")), "AssignedPodAdd"),
        (pod("foreign", "other", "a", None), ""),
        (gone("foreign"), ""),
        (Input::NodeDeleted { name: "n".into() }, "NodeDelete"),
    ];
    for (at, (input, event)) in inputs.into_iter().enumerate() {
        let mut told = Events::default();
        let shown = format!("{at}: {input:?}");
        engine.step([input], 1, &mut Vec::new(), &mut told);
        assert_eq!(told.0.concat(), event, "{shown}");
    }
}
