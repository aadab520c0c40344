//! `berth demo` as a user runs it: it ends well, shows where pods landed and why one waits.
#![allow(clippy::unwrap_used)]

use std::process::Command;

#[test]
fn the_demo_ends_with_a_picture_and_a_reason() {
    let output = Command::new(env!("CARGO_BIN_EXE_berth"))
        .args(["demo", "--nodes=40", "--pods=400"])
        .env("NO_COLOR", "1")
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}\n{errors}");
    for part in [
        "How full the nodes are",
        "pods bound in",
        "Why pods wait",
        "0/40 nodes are available:",
        "Checked: no pod was bound twice, no node is over-committed.",
    ] {
        assert!(text.contains(part), "{part:?} is missing in\n{text}");
    }
}
