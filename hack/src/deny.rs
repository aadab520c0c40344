//! cargo-deny, as far as the machine goes.

use anyhow::{Result, ensure};

use crate::task;

/// Checks bans, licences and sources, then the advisories.
///
/// # Errors
/// A check fails, or cargo-deny is not installed. Not: advisories, for a database that cannot be
/// fetched says nothing of the code; what they say is printed.
pub(crate) fn run() -> Result<()> {
    let installed = task::cargo(&["deny", "--version"])?.output();
    ensure!(
        installed.is_ok_and(|output| output.status.success()),
        "cargo-deny is not installed: `cargo install --locked cargo-deny` (some minutes); \
         `make verify` checks bans and licences without it"
    );
    let check = ["deny", "--workspace", "--locked", "check"];
    task::run(&[&check[..], &["bans", "licenses", "sources"]].concat())?;
    let advisories = task::cargo(&[&check[..], &["advisories"]].concat())?.status()?;
    if !advisories.success() {
        println!("deny: advisories: see above; they do not fail this task");
    }
    Ok(())
}
