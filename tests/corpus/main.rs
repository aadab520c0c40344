//! Berth's verdicts against kube-scheduler's, over random clusters and configuration files.
//!
//! The corpus beside this file was made by running kube-scheduler 1.37.2. Each line is a case as
//! `berth evaluate` reads it, with what the reference said under `expect`. It is a sample: the
//! rules are the goal.
#![allow(clippy::unwrap_used)]

mod configurations;
mod cycles;
mod wakeups;

use std::fmt::Write;
use std::io::{BufReader, Read};
use std::path::Path;

use berth_engine::Method;
use flate2::read::GzDecoder;
use serde_json::Value;

/// Differences told in full when a test fails; the others are counted.
const SHOWN_MAX: usize = 10;

/// Both ways to choose nodes: each has to give the reference's answers.
const METHODS: [Method; 2] = [Method::Class, Method::Scan];

/// Cases of a file of the corpus, each with Berth's answer.
fn answered(file: &str, method: Method) -> Vec<(Value, Value)> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus").join(file);
    let packed = std::fs::File::open(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let mut text = String::new();
    GzDecoder::new(packed).read_to_string(&mut text).unwrap();
    let mut answers = Vec::new();
    let registry = berth_plugins::in_tree().unwrap();
    let input = BufReader::new(text.as_bytes());
    let wrong = berth::cli::evaluate::run(input, &mut answers, &registry, method).unwrap();
    assert_eq!(wrong, 0, "{file}: every case can be run");
    let values = |text: &str| -> Vec<Value> {
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    let (cases, answers) = (values(&text), values(std::str::from_utf8(&answers).unwrap()));
    assert_eq!(cases.len(), answers.len(), "{file}: one answer for each case");
    let pairs: Vec<_> = cases.into_iter().zip(answers).collect();
    for (case, answer) in &pairs {
        assert_eq!(case["id"], answer["id"], "{file}: answers are in the order of the cases");
    }
    pairs
}

/// Where a case's answer is not the reference's.
#[derive(Debug)]
struct Difference {
    what: &'static str,
    reference: String,
    here: String,
}

/// What was compared, and what differs.
#[derive(Debug, Default)]
struct Comparison {
    compared: usize,
    equal: usize,
    shown: String,
}

impl Comparison {
    fn count(&mut self, case: &str, differences: &[Difference]) {
        self.compared += 1;
        self.equal += usize::from(differences.is_empty());
        for Difference { what, reference, here } in differences.iter().take(SHOWN_MAX) {
            if self.compared - self.equal > SHOWN_MAX {
                break;
            }
            let line = format!("{case}: {what}\n  reference: {reference}\n  here:      {here}");
            let _infallible = writeln!(self.shown, "{line}");
        }
    }

    fn add(&mut self, other: &Self) {
        self.compared += other.compared;
        self.equal += other.equal;
        self.shown.push_str(&other.shown);
    }

    fn assert_all_equal(&self, what: &str) {
        let Self { compared, equal, shown } = self;
        println!("{equal} of {compared} {what} equal");
        assert_eq!(equal, compared, "{what} differ from the reference's:\n{shown}");
    }
}
