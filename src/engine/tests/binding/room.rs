//! Many that wait, and the bound of binds.

use std::sync::Arc;

use berth_engine::framework::Permission;
use berth_engine::record::{NodeRecord, Quantity};
use berth_engine::{BINDS_MAX, BindOutcome, Effect, Input};

use super::bench::{Bench, pod};

/// A group waits for its last member, and then no more binds are asked for than may be open.
#[test]
fn a_group_of_many_goes_on_at_once_within_the_bound_of_binds() {
    const PODS: usize = BINDS_MAX + 500;
    let mut bench = Bench::new();
    let room = [("cpu", Quantity::from_units(9_000)), ("pods", Quantity::from_units(9_000))];
    let wide = NodeRecord {
        name: "n".into(),
        allocatable: room.into_iter().collect(),
        ..NodeRecord::default()
    };
    bench.step(vec![Input::NodeApplied(Arc::new(wide))]);
    bench.say("one", Permission::Wait(60_000));
    bench.step((0..PODS).map(|at| pod(&format!("p{at}"))).collect());
    assert_eq!((bench.engine.waiting_cycles(), bench.engine.open_binds()), (PODS, 0));
    bench.say("one", Permission::Allow);
    assert_eq!(bench.news().matches("bind").count(), BINDS_MAX);
    assert_eq!((bench.engine.waiting_cycles(), bench.engine.open_binds()), (500, BINDS_MAX));
    let answers = (0..PODS).filter_map(|at| {
        let cycle = bench.engine.cycle_of(&format!("p{at}"))?;
        Some(Input::BindOutcome { cycle, outcome: BindOutcome::Bound })
    });
    let answers: Vec<Input> = answers.take(600).collect();
    let mut effects = Vec::new();
    bench.engine.step(answers, bench.now, &mut effects, &mut ());
    let binds = effects.iter().filter(|e| matches!(e, Effect::Bind { .. })).count();
    assert_eq!((binds, bench.engine.waiting_cycles()), (500, 0));
}
