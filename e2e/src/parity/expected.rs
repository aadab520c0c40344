//! What may be chosen: `berth evaluate` on the objects read from the reference's API server.

use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::replay::Decided;
use super::{Round, Verdict};
use crate::scheduler::berth_binary;

/// The nodes that may be chosen for a pod, or the words in which it is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expected {
    /// The nodes of the highest total.
    Best(Vec<String>),
    /// Nothing fits.
    Message(String),
}

impl Expected {
    /// Whether a verdict is one of those that may be.
    pub fn allows(&self, verdict: &Verdict) -> bool {
        match (self, verdict) {
            (Self::Best(nodes), Verdict::Placed(node)) => nodes.contains(node),
            (Self::Message(wanted), Verdict::Refused { message, .. }) => {
                recorded(message) == recorded(wanted)
            }
            _ => false,
        }
    }
}

/// A message without the two places where the recorded answers, to which `berth evaluate` keeps,
/// differ from what kube-scheduler's binary writes: which plugins it names for the nodes that a
/// PreFilter left out, and what PostFilter plugins said.
fn recorded(message: &str) -> String {
    let message = message.strip_suffix(". not found").unwrap_or(message);
    let message = message.strip_suffix('.').unwrap_or(message);
    let Some((before, rest)) = message.split_once("didn't satisfy plugin(s) [") else {
        return message.to_owned();
    };
    let after = rest.split_once(']').map_or("", |(_, after)| after);
    format!("{before}didn't satisfy plugin(s) []{after}")
}

/// What may be chosen for each pod, in the order in which they were decided.
///
/// # Errors
/// `berth evaluate` fails, or cannot run a case.
pub fn of(round: &Round, fixed: &[Value], decided: &[Decided]) -> Result<Vec<Expected>> {
    let dir = crate::target_dir().join("e2e-runs");
    let path = dir.join(format!("parity-{}-{}.jsonl", round.name, std::process::id()));
    let lines: Vec<String> = decided.iter().map(|one| case(round, fixed, one)).collect();
    std::fs::write(&path, lines.join("\n")).with_context(|| path.display().to_string())?;
    let output = Command::new(berth_binary()?)
        .arg("evaluate")
        .stdin(std::fs::File::open(&path)?)
        .stderr(Stdio::inherit())
        .output()
        .context("berth evaluate")?;
    ensure!(output.status.success(), "berth evaluate: {}", output.status);
    let answers = String::from_utf8(output.stdout)?;
    let expected: Vec<Expected> = answers.lines().map(read).collect::<Result<_>>()?;
    ensure!(expected.len() == decided.len(), "{} answers", expected.len());
    std::fs::remove_file(&path)?;
    Ok(expected)
}

fn case(round: &Round, fixed: &[Value], one: &Decided) -> String {
    let objects: Vec<&Value> = fixed.iter().chain(&one.pods_before).collect();
    let case = json!({"config": round.configuration, "objects": objects, "pending": [one.pod]});
    case.to_string()
}

fn read(line: &str) -> Result<Expected> {
    let answer: Value = serde_json::from_str(line)?;
    let cycle = &answer["cycles"][0];
    if let Some(message) = cycle["message"].as_str() {
        return Ok(Expected::Message(message.to_owned()));
    }
    let best = cycle["best"].as_array().with_context(|| format!("no verdict: {line}"))?;
    let names = best.iter().filter_map(Value::as_str).map(str::to_owned);
    Ok(Expected::Best(names.collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_agree_with_the_recorded_wording() {
        for (wanted, message, allowed) in [
            (
                "2 x, 1 node(s) didn't satisfy plugin(s) [A B].",
                "2 x, 1 node(s) didn't satisfy plugin(s) [A].",
                true,
            ),
            (
                "1 y, 1 node(s) didn't satisfy plugin(s) [A].",
                "1 x, 1 node(s) didn't satisfy plugin(s) [A].",
                false,
            ),
            ("claim \"x\" not found.", "claim \"x\" not found. not found", true),
            ("claim \"x\" not found.", "claim \"y\" not found. not found", false),
        ] {
            let verdict = Verdict::refused("Unschedulable", message);
            assert_eq!(Expected::Message(wanted.to_owned()).allows(&verdict), allowed, "{message}");
        }
    }
}
