#![allow(clippy::unwrap_used)]
use super::*;

fn machine() -> Machine {
    Machine { cores: 2, memory_gib: 24 }
}

fn build(berth: &str) -> Build {
    Build { commit: "c".to_owned(), berth: berth.to_owned(), kubernetes: "k".to_owned() }
}

fn key(round: usize, contestant: Contestant) -> RoundKey {
    RoundKey { shape: "plain/x".to_owned(), mark: "m".to_owned(), round, contestant }
}

fn kept(round: usize, contestant: Contestant) -> Kept {
    let figures = Figures { pods: 7, cpu_ms: Some(1.5), ..Figures::default() };
    Kept { key: key(round, contestant), machine: machine(), build: build("b"), figures }
}

#[test]
fn what_is_kept_is_found_again() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("bench/rounds.jsonl");
    let mut journal = Journal::open(&path).unwrap();
    assert!(journal.all().is_empty());
    journal.keep(kept(1, Contestant::Berth)).unwrap();
    journal.keep(kept(1, Contestant::KubeScheduler)).unwrap();
    let again = Journal::open(&path).unwrap();
    assert_eq!(again.all(), journal.all());
    let find = |key: &RoundKey, build: &Build| again.find(key, &machine(), build).is_some();
    assert!(find(&key(1, Contestant::Berth), &build("b")));
    assert!(!find(&key(2, Contestant::Berth), &build("b")));
    assert!(!find(&key(1, Contestant::Binds), &build("b")));
    let changed = RoundKey { mark: "other".to_owned(), ..key(1, Contestant::Berth) };
    assert!(!find(&changed, &build("b")));
}

#[test]
fn other_machines_and_builds_are_other_runs() {
    let dir = tempfile::tempdir().unwrap();
    let mut journal = Journal::open(&dir.path().join("rounds.jsonl")).unwrap();
    journal.keep(kept(1, Contestant::Berth)).unwrap();
    let larger = Machine { cores: 8, ..machine() };
    assert_eq!(journal.of_run(&larger, &build("b")).count(), 0);
    assert_eq!(journal.of_run(&machine(), &build("newer")).count(), 0);
    // The commit is for people: the same binary is the same build.
    let renamed = Build { commit: "d".to_owned(), ..build("b") };
    assert_eq!(journal.of_run(&machine(), &renamed).count(), 1);
}

#[test]
fn an_interrupted_line_is_run_again() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("rounds.jsonl");
    Journal::open(&path).unwrap().keep(kept(1, Contestant::Berth)).unwrap();
    let whole = fs::read_to_string(&path).unwrap();
    fs::write(&path, format!("{whole}{}", &whole[..whole.len() / 2])).unwrap();
    let mut journal = Journal::open(&path).unwrap();
    assert_eq!(journal.all().len(), 1);
    journal.keep(kept(2, Contestant::Berth)).unwrap();
    assert_eq!(Journal::open(&path).unwrap().all().len(), 2);
}

#[test]
fn a_broken_line_inside_is_told_by_its_place() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("rounds.jsonl");
    fs::write(&path, "{}\n").unwrap();
    let error = format!("{:#}", Journal::open(&path).unwrap_err());
    assert!(error.contains("rounds.jsonl:1"), "{error}");
}

#[test]
fn rounds_of_former_flooders_count_for_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("rounds.jsonl");
    let mut journal = Journal::open(&path).unwrap();
    journal.keep(kept(1, Contestant::Binds)).unwrap();
    let line = fs::read_to_string(&path).unwrap();
    assert!(line.contains("\"binds-protobuf\""), "{line}");
    let former = line.replace("binds-protobuf", "binds");
    fs::write(&path, former + &line).unwrap();
    assert_eq!(Journal::open(&path).unwrap().all(), journal.all());
    fs::write(&path, line.replace("binds-protobuf", "nobody")).unwrap();
    assert!(Journal::open(&path).is_err());
}
