//! How long pods wait after failures, over whole histories: errors and unschedulable attempts in
//! turn, and a configuration that changes meanwhile.
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use std::sync::Arc;

use berth_engine::record::{Container, NodeRecord, PodRecord, PodSpec, Quantity};
use berth_engine::{BindOutcome, Config, Effect, Engine, Input};
use support::plugins::config;
use support::sound::assert_sound;

struct Bench {
    engine: Engine,
    now: u64,
}

impl Bench {
    /// One pod, whose bind is asked for.
    fn new() -> Self {
        let mut bench = Self { engine: Engine::new(None), now: 10_000 };
        let spec = PodSpec {
            scheduler_name: "berth".into(),
            containers: vec![Container::requesting([("cpu", Quantity::from_milli(1))])],
            ..PodSpec::default()
        };
        let pod = Input::PodApplied(Box::new(PodRecord::new("d", "p", "p", Arc::new(spec))));
        assert!(bench.step(vec![Input::Config(config(Vec::new())), node(), pod]));
        bench
    }

    /// Whether a bind is asked for until there is nothing to do at this time.
    fn step(&mut self, inputs: Vec<Input>) -> bool {
        let (mut inputs, mut effects) = (Some(inputs), Vec::new());
        while {
            let inputs = inputs.take().unwrap_or_default();
            self.engine.step(inputs, self.now, &mut effects, &mut ()).more
        } {}
        assert_sound(&self.engine, self.now);
        effects.iter().any(|effect| matches!(effect, Effect::Bind { .. }))
    }

    /// The answer of the bind that is asked for.
    fn answer(&self, outcome: BindOutcome) -> Input {
        Input::BindOutcome { cycle: self.engine.cycle_of("p").unwrap(), outcome }
    }

    /// The bind fails, and the seconds until the next one. A backoff is over in the second after
    /// the one in which it ends.
    fn error(&mut self) -> u64 {
        let refused = self.answer(refusal());
        assert!(!self.step(vec![refused]), "an error is waited for");
        self.seconds_until_bind()
    }

    fn seconds_until_bind(&mut self) -> u64 {
        for seconds in 1..100 {
            self.now += 1_000;
            if self.step(Vec::new()) {
                return seconds - 1;
            }
        }
        panic!("no bind any more");
    }

    /// The bind fails, and the next attempt, after `error` seconds of backoff, finds no node; then
    /// the node is back, and the pod goes at once.
    fn error_then_unschedulable(&mut self, error: u64) {
        let refused = self.answer(refusal());
        assert!(!self.step(vec![Input::NodeDeleted { name: "n".into() }, refused]));
        self.now += (error + 1) * 1_000;
        assert!(!self.step(Vec::new()));
        assert_eq!(self.engine.queue().counts().unschedulable, 1, "parked after {error} s");
        assert!(self.step(vec![node()]), "whoever fits waits for no backoff");
    }
}

fn node() -> Input {
    let allocatable = [("cpu", Quantity::from_milli(9_000)), ("pods", Quantity::from_units(9))];
    Input::NodeApplied(Arc::new(NodeRecord {
        name: "n".into(),
        allocatable: allocatable.into_iter().collect(),
        ..NodeRecord::default()
    }))
}

fn refusal() -> BindOutcome {
    BindOutcome::Unavailable("503".to_owned())
}

fn timing(initial_seconds: u64, max_seconds: u64) -> Input {
    Input::Config(Arc::new(Config {
        backoff_initial_ms: initial_seconds * 1_000,
        backoff_max_ms: max_seconds * 1_000,
        ..(*config(Vec::new())).clone()
    }))
}

/// `UnschedulableCount` and `ConsecutiveErrorsCount` in `pkg/scheduler/framework/types.go`.
#[test]
fn errors_count_from_one_again_after_an_attempt_that_found_no_node() {
    let mut bench = Bench::new();
    assert_eq!([bench.error(), bench.error(), bench.error()], [1, 2, 4]);
    bench.error_then_unschedulable(8);
    assert_eq!([bench.error(), bench.error()], [1, 2]);
    // However often no node was found, that counts for nothing in an error's backoff.
    bench.error_then_unschedulable(4);
    bench.error_then_unschedulable(1);
    bench.error_then_unschedulable(1);
    assert_eq!([bench.error(), bench.error(), bench.error()], [1, 2, 4]);
    assert_eq!([bench.error(), bench.error(), bench.error()], [8, 10, 10]);
}

#[test]
fn every_failed_bind_backs_off_alike() {
    let text = || "x".to_owned();
    for outcome in [
        BindOutcome::Conflict(text()),
        BindOutcome::Gone,
        BindOutcome::Denied(text()),
        BindOutcome::Throttled(text()),
        BindOutcome::Unavailable(text()),
        BindOutcome::NotBound { message: text(), resource_version: 0, is_told: false },
        BindOutcome::NotBound { message: text(), resource_version: 0, is_told: true },
    ] {
        let mut bench = Bench::new();
        for seconds in [1, 2, 4] {
            let failed = bench.answer(outcome.clone());
            assert!(!bench.step(vec![failed]), "{outcome:?}");
            assert_eq!(bench.seconds_until_bind(), seconds, "{outcome:?}");
        }
    }
}

#[test]
fn a_new_timing_holds_for_backoffs_under_way() {
    let mut bench = Bench::new();
    let refused = bench.answer(refusal());
    bench.step(vec![timing(1_000_000, 1_000_000), refused]);
    bench.now += 60_000;
    assert!(!bench.step(Vec::new()));
    // Longer than the new timing asks for has been waited.
    assert!(bench.step(vec![timing(5, 60)]), "it need not wait any more");
    let refused = bench.answer(refusal());
    assert!(!bench.step(vec![refused]));
    // The second error in a row: 10 s by the timing in force.
    bench.now += 3_000;
    assert!(!bench.step(vec![timing(2, 60)]));
    assert_eq!(bench.seconds_until_bind(), 4 - 3);
    // A longer one holds as well, from when the wait began.
    let refused = bench.answer(refusal());
    assert!(!bench.step(vec![refused]));
    bench.now += 3_000;
    assert!(!bench.step(vec![timing(5, 60)]));
    assert_eq!(bench.seconds_until_bind(), 20 - 3);
}
