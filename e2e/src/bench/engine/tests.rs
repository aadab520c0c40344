#![allow(clippy::unwrap_used)]
use super::*;

const HERE: Machine = Machine { cores: 2, memory_gib: 24 };

/// Results of lines that do not say where they were measured: here, and by one build.
pub(in crate::bench) fn measured_here(text: &str) -> EngineResults {
    EngineResults::parse(&made(text, "b", 2), &HERE).unwrap()
}

/// The lines with a build, and a machine of so many cores.
fn made(text: &str, build: &str, cores: usize) -> String {
    let identity = format!(
        "\"build\":\"{build}\",\"machine\":{{\"cores\":{cores},\"memory_gib\":24}},\"name\""
    );
    text.replace("\"name\"", &identity)
}

fn line(name: &str, rate: u32) -> String {
    let ns = 1e9 / f64::from(rate);
    format!(
        "{{\"name\":\"{name}\",\"nodes\":5000,\"classes\":1,\"threads\":1,\"pods\":9,\
         \"decisions_per_s\":{rate}.0,\"ns_per_decision\":{ns},\"bytes_per_node\":250.0,\
         \"bytes_per_pod\":null,\"seconds\":[1.0,2.0,3.0,4.0,5.0],\"refused\":0}}\n"
    )
}

#[test]
fn the_last_of_a_case_counts() {
    let text = [line("one-class", 5), line("memory", 1), line("one-class", 7)].concat();
    let results = measured_here(&text);
    assert_eq!(results.all().len(), 2);
    let one = results.find("one-class", 5000, 1).unwrap();
    assert_eq!((one.decisions_per_s, one.placing_seconds()), (7.0, Some(9.0)));
    assert!(results.find("one-class", 5000, 2).is_none());
    assert_eq!(results.of_case("memory").count(), 1);
}

#[test]
fn of_the_last_run_the_median_counts() {
    let of_run = |rate, run: u32| {
        let line = line("one-class", rate);
        line.replace("\"refused\":0", &format!("\"refused\":0,\"run\":{run}"))
    };
    let rate = |lines: &[String]| {
        let results = measured_here(&lines.concat());
        assert_eq!(results.all().len(), 1);
        results.all()[0].decisions_per_s
    };
    let older = [of_run(90, 1), line("one-class", 80), of_run(70, 2)];
    assert_eq!(rate(&older), 70.0);
    let rounds = [of_run(5, 3), of_run(9, 3), of_run(7, 3)];
    assert_eq!(rate(&[older.clone(), rounds.clone()].concat()), 7.0);
    assert_eq!(rate(&rounds[..2]), 5.0);
}

#[test]
fn builds_and_machines_are_not_mixed() {
    let names = |parts: &[String]| {
        let results = EngineResults::parse(&parts.concat(), &HERE).unwrap();
        results.all().iter().map(|one| one.name.clone()).collect::<Vec<_>>()
    };
    let old = line("mixed", 5);
    let former = made(&line("daemons", 5), "former", 2);
    let newest = made(&[line("one-class", 5), line("memory", 5)].concat(), "newest", 2);
    let elsewhere = made(&line("record", 5), "other", 64);
    assert_eq!(names(&[old.clone(), former.clone(), newest, elsewhere]), ["one-class", "memory"]);
    assert_eq!(names(&[old.clone(), former.clone(), old.clone()]), ["daemons"]);
    assert!(names(&[old]).is_empty(), "nobody knows what was measured");
}

#[test]
fn a_broken_line_is_told_and_a_missing_file_is_empty() {
    let error = EngineResults::parse("{}\n", &HERE).unwrap_err();
    assert!(format!("{error:#}").contains("line 1"));
    assert!(EngineResults::load(Path::new("gone.jsonl"), &HERE).unwrap().all().is_empty());
}
