//! How fast `berth evaluate` answers: the cycle scenarios of the corpus in `tests/corpus`, over
//! and over up to 1,000, on one thread. `cargo bench -p berth --bench evaluate`
#![allow(clippy::unwrap_used)]

use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Instant;

use flate2::read::GzDecoder;

/// Scenarios that are evaluated.
const SCENARIOS: usize = 1_000;

fn main() {
    let scenarios = corpus();
    assert!(!scenarios.is_empty(), "no cycle scenario in tests/corpus");
    let again: Vec<&str> = scenarios.iter().map(String::as_str).cycle().take(SCENARIOS).collect();
    let input = again.join("\n");
    let registry = berth_plugins::in_tree().unwrap();
    let mut output = Vec::new();
    let started = Instant::now();
    let method = berth_engine::Method::default();
    berth::cli::evaluate::run(input.as_bytes(), &mut output, &registry, method).unwrap();
    let seconds = started.elapsed().as_secs_f64();
    let answers: Vec<serde_json::Value> =
        output.split(|b| *b == b'\n').filter(|l| !l.is_empty()).map(parse).collect();
    let cycles: usize = answers.iter().map(|a| a["cycles"].as_array().map_or(0, Vec::len)).sum();
    let failed = answers.iter().filter(|answer| answer.get("error").is_some()).count();
    assert_eq!((answers.len(), failed), (SCENARIOS, 0), "answers, and failed ones");
    println!(
        "{SCENARIOS} scenarios ({} of the corpus, repeated; {cycles} cycles, {:.1} MB of JSON) \
         in {seconds:.2} s: {:.0} scenarios/s on one thread",
        scenarios.len(),
        input.len() as f64 / 1e6,
        SCENARIOS as f64 / seconds
    );
}

/// Every line with pods to schedule, without the reference's verdict, as `berth evaluate` gets it.
fn corpus() -> Vec<String> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus");
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(dir).unwrap().map(|e| e.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "gz"));
    files.sort();
    let mut scenarios = Vec::new();
    for path in files {
        let mut text = String::new();
        GzDecoder::new(std::fs::File::open(&path).unwrap()).read_to_string(&mut text).unwrap();
        for line in text.lines() {
            let mut case = parse(line.as_bytes());
            if case.get("pending").is_some() {
                case.as_object_mut().unwrap().remove("expect");
                scenarios.push(case.to_string());
            }
        }
    }
    scenarios
}

fn parse(line: &[u8]) -> serde_json::Value {
    serde_json::from_slice(line).unwrap()
}
