#![allow(clippy::unwrap_used)]
use super::super::engine::tests::measured_here;
use super::super::journal::Kept;
use super::super::refusals::RefusalFigures;
use super::super::summary::tests::kept;
use super::amid_binds::AMID_BINDS;
use super::*;

fn verdict(rounds: &[Kept], engine: &str, what: &str) -> (Verdict, String) {
    let summary = Summary::of(rounds.iter());
    let engine = measured_here(engine);
    let bars = bars(&summary, &engine);
    let bar = bars.into_iter().find(|bar| bar.what.contains(what)).unwrap();
    (bar.verdict, bar.figure)
}

fn engine(name: &str, nodes: usize, rate: u32, ns: u32) -> String {
    format!(
        "{{\"name\":\"{name}\",\"nodes\":{nodes},\"classes\":1,\"threads\":1,\"pods\":9,\
         \"decisions_per_s\":{rate}.0,\"ns_per_decision\":{ns}.0}}\n"
    )
}

#[test]
fn nothing_measured_meets_nothing() {
    let bars = bars(&Summary::default(), &EngineResults::default());
    assert_eq!(bars.len(), 20);
    assert!(bars.iter().all(|bar| bar.verdict == Verdict::NotMeasured), "{bars:?}");
}

#[test]
fn every_crowd_must_reach_its_bar() {
    let crowd = |name: &str, classes: usize, ratio: f64| {
        let costs = format!(
            "\"crowd\":{{\"ratio\":{ratio},\"idle_us\":0.2,\"helped_in_steps\":1,\
             \"longest_step_ms\":20.0,\"bytes_per_waiting\":900.0}},"
        );
        let line = engine(&format!("crowd-{name}-{classes}"), 5_000, 9, 9);
        line.replacen('{', &format!("{{{costs}"), 1)
    };
    let of = |ratio: f64, kinds: &[&str]| -> String {
        let each = kinds.iter().flat_map(|kind| {
            [1, 1_000, 20_000].map(|n| crowd(kind, n, if n == 1_000 { ratio } else { 0.99 }))
        });
        each.collect()
    };
    let kinds = ["cpu", "node", "near", "apart", "spread"];
    let what = "beside 100,000 that wait";
    assert_eq!(verdict(&[], &of(0.8, &kinds), what).0, Verdict::Met);
    assert_eq!(verdict(&[], &of(0.8, &kinds[1..]), what).0, Verdict::NotMeasured);
    let (missed, figure) = verdict(&[], &of(0.79, &kinds[1..]), what);
    assert_eq!(
        (missed, figure.as_str()),
        (Verdict::NotMet, "cpu –, node 79 %, near 79 %, apart 79 %, spread 79 %")
    );
}

#[test]
fn the_ceiling_is_of_the_same_run() {
    let run = |own: f64| {
        [kept(PLAIN, 1, Berth, own, 0.1), kept(PLAIN, 1, Contestant::Binds, 1000.0, 0.0)]
    };
    let what = "of bare binds";
    assert_eq!(verdict(&run(900.1), "", what), (Verdict::Met, "900 of 1000: 90 %".to_owned()));
    assert_eq!(verdict(&run(890.0), "", what).0, Verdict::NotMet);
}

#[test]
fn a_missing_event_fails_the_bar() {
    let mut rounds =
        [kept(PLAIN, 1, Berth, 900.0, 0.1), kept(PLAIN, 1, Contestant::BindsAndEvents, 900.0, 0.0)];
    assert_eq!(verdict(&rounds, "", "last event").0, Verdict::Met);
    rounds[0].figures.events_missing = 1;
    let (verdict, figure) = verdict(&rounds, "", "last event");
    assert_eq!(verdict, Verdict::NotMet);
    assert!(figure.contains("1 missing"), "{figure}");
}

#[test]
fn every_part_must_reach_its_bar() {
    let mut rounds: Vec<Kept> =
        OF_OTHER_KINDS.iter().map(|name| kept(name, 1, BerthPlain, 1000.0, 0.1)).collect();
    rounds.extend(OF_OTHER_KINDS[..4].iter().map(|name| kept(name, 1, Berth, 900.0, 0.1)));
    assert_eq!(verdict(&rounds, "", "of plain pods").0, Verdict::NotMeasured);
    rounds.push(kept(OF_OTHER_KINDS[4], 1, Berth, 860.0, 0.1));
    assert_eq!(verdict(&rounds, "", "of plain pods").0, Verdict::Met);
    rounds.push(kept(OF_OTHER_KINDS[4], 1, Berth, 840.0, 0.1));
    let (verdict, figure) = verdict(&rounds, "", "of plain pods");
    assert_eq!(verdict, Verdict::NotMet);
    assert!(figure.contains("hostname-spread 84 %"), "{figure}");
}

#[test]
fn cpu_and_memory_are_ratios_to_the_peer() {
    let rounds = [kept(PLAIN, 1, Berth, 900.0, 0.1), kept(PLAIN, 1, KubeScheduler, 300.0, 3.0)];
    assert_eq!(verdict(&rounds, "", "per pod, plain"), (Verdict::Met, "plain 1/30".to_owned()));
    assert_eq!(verdict(&rounds, "", "peak memory").0, Verdict::Met);
    let close = [kept(PLAIN, 1, Berth, 900.0, 0.7), kept(PLAIN, 1, KubeScheduler, 300.0, 3.0)];
    assert_eq!(verdict(&close, "", "per pod, plain").0, Verdict::NotMet);
    assert_eq!(verdict(&close, "", "peak memory").0, Verdict::NotMet);
}

#[test]
fn the_engines_bars_are_of_its_own_file() {
    let text = [engine("one-class", 5000, 600_000, 1), engine("classes-1000", 5000, 40_000, 1)];
    let text = text.concat();
    let one = verdict(&[], &text, "one class");
    assert_eq!(one, (Verdict::Met, "one-class 600,000".to_owned()));
    assert_eq!(verdict(&[], &text, "1,000 classes").0, Verdict::NotMet);
    let grown: String = ["one-class", "zone-affinity", "host-anti", "zone-spread", "host-spread"]
        .iter()
        .map(|name| engine(name, 1000, 1, 500) + &engine(name, 100_000, 1, 999))
        .collect();
    assert_eq!(verdict(&[], &grown, "cost per pod").0, Verdict::Met);
    let record = "{\"name\":\"record\",\"nodes\":1000000,\"classes\":100,\"threads\":2,\
         \"pods\":1000000,\"decisions_per_s\":1.0,\"ns_per_decision\":1.0,\
         \"seconds\":[9.0,1.0,10.0,4.5,3.0]}\n";
    let (verdict, figure) = verdict(&[], record, "1M pods");
    assert_eq!(
        (verdict, figure.as_str()),
        (Verdict::NotMet, "15.5 s by 2 threads, and 9.0 s to load nodes")
    );
}

#[test]
fn the_first_bind_is_beside_the_servers_time() {
    let mut round = kept(START, 1, Berth, 20.0, 0.1);
    round.figures.first_bind_ms = 4800.0;
    let list = super::super::figures::ListTime { ms: 2500.0, bytes: 1 };
    round.figures.list = Some(list);
    let (verdict, figure) = verdict(&[round], "", "first bind, 5,000");
    assert_eq!(verdict, Verdict::Met);
    assert!(figure.starts_with("4.8 s") && figure.contains("2.5 s"), "{figure}");
}

#[test]
fn pods_that_fit_nowhere_are_told_amid_the_binds() {
    let round = |number: usize, own: f64, refusals: RefusalFigures| {
        let mut own = kept(AMID_BINDS, number, Berth, own, 0.1);
        own.figures.refusals = Some(refusals);
        [own, kept(AMID_BINDS, number, BerthPlain, 1000.0, 0.1)]
    };
    let soon = RefusalFigures {
        pods: 30,
        condition_max_ms: 400.0,
        event_max_ms: 6000.0,
        binds_to_come: 5000,
        ..RefusalFigures::default()
    };
    let late = RefusalFigures { condition_max_ms: 2100.0, ..soon };
    let silent = RefusalFigures { conditions_missing: 1, ..soon };
    let behind = RefusalFigures { binds_to_come: 0, ..soon };
    let what = "fit nowhere";
    let (met, figure) = verdict(&round(1, 990.0, soon), "", what);
    assert_eq!(met, Verdict::Met);
    assert_eq!(figure, "0.40 s with 5,000 binds to come, 0 missing; its event 6.0 s");
    for other in [late, silent, behind] {
        let rounds = [round(1, 990.0, soon), round(2, 990.0, other)].concat();
        assert_eq!(verdict(&rounds, "", what).0, Verdict::NotMet, "{other:?}");
    }
    let what = "without them";
    assert_eq!(verdict(&round(1, 971.0, soon), "", what).0, Verdict::Met);
    assert_eq!(verdict(&round(1, 969.0, soon), "", what).0, Verdict::NotMet);
}

#[test]
fn numbers_have_commas() {
    assert_eq!(
        ["0", "999", "1,000", "1,234,567"],
        [0.0, 999.0, 1000.0, 1_234_567.0].map(thousands)
    );
}
