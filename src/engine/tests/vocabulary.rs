//! What waiting pods of other schedulers name does not stay.
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use std::sync::Arc;

use berth_engine::record::{
    Container, NodeRecord, ObjectKey, PodRecord, PodSpec, Quantity, Toleration,
};
use berth_engine::{Effect, Engine, Input};
use support::plugins::{config, config_named};
use support::sound::assert_sound;

fn run(engine: &mut Engine, now: u64, mut inputs: Vec<Input>) -> Vec<Effect> {
    let mut effects = Vec::new();
    while engine.step(std::mem::take(&mut inputs), now, &mut effects, &mut ()).more {}
    assert_sound(engine, now);
    effects
}

/// A pod that names 1,100 resources and 500 taints that nobody else has.
fn stranger(number: usize) -> PodRecord {
    let one = Quantity::from_units(1);
    let names: Vec<String> = (0..1_100).map(|i| format!("x.example/r{number}-{i}")).collect();
    let tolerations = (0..500)
        .map(|i| Toleration { key: format!("taint-{number}-{i}").into(), ..Toleration::default() });
    let spec = PodSpec {
        scheduler_name: "other".into(),
        containers: vec![Container::requesting(names.iter().map(|n| (n.as_str(), one)))],
        tolerations: tolerations.collect(),
        ..PodSpec::default()
    };
    let name = format!("s{number}");
    PodRecord::new("d", &name, &name, Arc::new(spec))
}

fn known(engine: &Engine) -> (usize, usize) {
    (engine.cache().symbols().len(), engine.cache().dims().count())
}

#[test]
fn waiting_pods_of_another_scheduler_leave_no_names() {
    let mut engine = Engine::new(None);
    run(&mut engine, 1_000, vec![Input::Config(config(Vec::new()))]);
    let mut after_first = None;
    for number in 0..50 {
        let record = stranger(number);
        let (key, uid) = (ObjectKey::new("d", &record.name), record.uid.clone());
        run(&mut engine, 2_000, vec![Input::PodApplied(Box::new(record))]);
        run(&mut engine, 2_000, vec![Input::PodDeleted { key, uid }]);
        assert_eq!(known(&engine), *after_first.get_or_insert_with(|| known(&engine)));
    }
}

#[test]
fn a_waiting_pod_that_becomes_ours_is_compiled_whole() {
    let mut engine = Engine::new(None);
    let node = NodeRecord {
        name: "n".into(),
        allocatable: [("pods", Quantity::from_units(9))].into_iter().collect(),
        ..NodeRecord::default()
    };
    let start = vec![
        Input::Config(config(Vec::new())),
        Input::NodeApplied(Arc::new(node)),
        Input::PodApplied(Box::new(stranger(0))),
    ];
    run(&mut engine, 1_000, start);
    let columns = known(&engine).1;
    run(&mut engine, 2_000, vec![Input::Config(config_named("other", Vec::new()))]);
    let cache = engine.cache();
    let pod = cache.pods().find("s0").unwrap();
    let (_, class) = cache.class_of(pod).unwrap();
    assert!(known(&engine).1 > columns && class.request.iter().count() > 1_000);
}
