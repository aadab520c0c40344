#![allow(clippy::unwrap_used)]
use super::super::contestant::Contestant;
use super::super::engine::tests::measured_here;
use super::super::journal::Kept;
use super::super::refusals::RefusalFigures;
use super::super::summary::tests::kept;
use super::*;

const PLAIN: &str = "plain/5000Nodes_10000Pods";

fn report(rounds: &[Kept], engine: &str, check: impl FnOnce(&Report<'_>)) {
    let summary = Summary::of(rounds.iter());
    let engine = measured_here(engine);
    let machine = Machine { cores: 2, memory_gib: 24 };
    let text = || "abc".to_owned();
    let build = Build { commit: text(), berth: text(), kubernetes: text() };
    check(&Report { machine: &machine, build: &build, summary: &summary, engine: &engine });
}

fn rounds() -> Vec<Kept> {
    let mut rounds = vec![
        kept(PLAIN, 1, Contestant::Berth, 900.0, 0.1),
        kept(PLAIN, 2, Contestant::Berth, 1000.0, 0.1),
        kept(PLAIN, 1, Contestant::KubeScheduler, 250.0, 2.0),
        kept(PLAIN, 1, Contestant::Binds, 1000.0, 0.0),
        kept(PLAIN, 1, Contestant::BindsAndEvents, 1000.0, 0.0),
        kept(PLAIN, 1, Contestant::Sweep, 1000.0, 0.0),
    ];
    rounds[5].figures.sweep = [(32, 700.0), (64, 800.0)].into();
    rounds
}

#[test]
fn the_page_holds_bars_ratios_and_ceilings() {
    report(&rounds(), "", |report| {
        let page = report.markdown();
        for part in [
            "Machine: 2 cores, 24 GiB",
            "| 950 of 1000: 95 % | met |",
            "| plain, 10,000 pods | Berth | 2 | 950 (900–1,000) |",
            "|  | kube-scheduler | 1 | 250 |",
            "*ratio* | | × 3.80 |",
            "| bare binds | 64 | 1,000 |",
            "| binds with an event each | 64 | 500 |",
            "32: 700/s, 64: 800/s",
            "(pods-per-second.svg)",
        ] {
            assert!(page.contains(part), "{part} is missing in\n{page}");
        }
        assert!(
            !page.contains("The engine alone")
                && !page.contains("Beside plain")
                && !page.contains("full cluster\n"),
            "{page}"
        );
        assert!(!page.contains("NaN") && !page.contains("inf"));
    });
}

#[test]
fn pairs_have_a_table() {
    let shape = "zone-spread/5000Nodes_10000Pods";
    let mut all = rounds();
    for (round, own, plain) in [(1, 900.0, 1000.0), (2, 1000.0, 800.0), (3, 500.0, 1000.0)] {
        all.push(kept(shape, round, Contestant::Berth, own, 0.1));
        all.push(kept(shape, round, Contestant::BerthPlain, plain, 0.1));
    }
    report(&all, "", |report| {
        let page = report.markdown();
        for part in [
            "| zone-spread, 10,000 pods | 3 | 90 % (50–125) |",
            "|  | Berth, plain pods | 3 | 1,000 (800–1,000) |",
        ] {
            assert!(page.contains(part), "{part} is missing in\n{page}");
        }
    });
}

#[test]
fn every_row_of_a_table_has_its_cells() {
    let engine = "{\"name\":\"one-class\",\"nodes\":5000,\"classes\":1,\"threads\":1,\"pods\":9,\
         \"decisions_per_s\":600000.0,\"ns_per_decision\":1666.0,\"bytes_per_node\":250.0}\n";
    let mut all = rounds();
    let mut start = kept("start/5000Nodes_150000Pods", 1, Contestant::Berth, 50.0, 0.5);
    start.figures.bound_before = 150_000;
    all.push(start);
    let mut unfit = kept("unfit-amid-binds/5000Nodes_10000Pods", 1, Contestant::Berth, 900.0, 0.1);
    unfit.figures.refusals =
        Some(RefusalFigures { pods: 30, condition_max_ms: 420.0, ..RefusalFigures::default() });
    all.push(unfit);
    report(&all, engine, |report| {
        let page = report.markdown();
        assert!(
            page.contains("| one-class | 5,000 | 1 | 9 | 600,000 | 1,666 | 250 | – |"),
            "{page}"
        );
        assert!(page.contains("| start, 150,000 pods | Berth | 150,000 |"), "{page}");
        assert!(
            page.contains("| unfit-amid-binds, 10,000 pods | Berth | 30 | 0 | 0.420 |"),
            "{page}"
        );
        let mut width = None;
        for line in page.lines() {
            let cells = line.matches('|').count();
            match (line.starts_with('|'), width) {
                (true, None) => width = Some(cells),
                (true, Some(width)) => assert_eq!(cells, width, "{line}"),
                (false, _) => width = None,
            }
        }
    });
}

#[test]
fn files_are_written() {
    let dir = tempfile::tempdir().unwrap();
    report(&rounds(), "", |report| {
        report.write(dir.path()).unwrap();
        assert!(
            fs::read_to_string(dir.path().join("RESULTS.md")).unwrap().starts_with("# Results")
        );
        for (file, ..) in CHARTS {
            let svg = fs::read_to_string(dir.path().join(file)).unwrap();
            assert!(svg.contains("kube-scheduler") && svg.contains("plain, 10,000 pods"), "{file}");
        }
    });
}

#[test]
fn shapes_have_readable_names() {
    let name = |text: &str| tables::short_name(text);
    assert_eq!(name("plain/5000Nodes_10000Pods"), "plain, 10,000 pods");
    assert_eq!(name("plain/1000Nodes_10000Pods"), "plain, 1,000 nodes, 10,000 pods");
    assert_eq!(name("plain/5000Nodes_10000Pods_arriving"), "plain, 10,000 pods, arriving");
    assert_eq!(name("mixed/5000Nodes_200Jobs"), "mixed, 200 jobs");
    assert_eq!(name("Basic/5000Nodes"), "Basic");
}
