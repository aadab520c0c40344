//! What the image is made of, as a CycloneDX document.

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::binary::Source;
use super::debian::Package;
use super::{DESCRIPTION, REPOSITORY};
use crate::task;

/// The document: crates that are linked into the binary, and Debian's packages.
///
/// # Errors
/// cargo cannot list the crates.
pub(super) fn text(source: &Source, packages: &[Package], image: &str) -> Result<Vec<u8>> {
    let listed = task::output(&[
        "tree",
        "--locked",
        "--package=berth",
        "--no-default-features",
        "--edges=normal,no-proc-macro",
        "--prefix=none",
        "--format={p}\t{l}",
    ])?;
    let mut components = crates(&listed)?;
    ensure!(components.len() > 50, "cargo tree lists {} crates", components.len());
    components.extend(packages.iter().map(of_package));
    let version = &source.version;
    let document = json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "timestamp": source.created,
            "component": {
                "type": "container",
                "bom-ref": format!("{REPOSITORY}@{image}"),
                "name": REPOSITORY,
                "version": version,
                "description": DESCRIPTION,
                "hashes": [{ "alg": "SHA-256", "content": image.trim_start_matches("sha256:") }],
                "licenses": [{ "expression": "Apache-2.0" }],
                "properties": [{ "name": "org.opencontainers.image.revision", "value": source.commit }],
            },
        },
        "components": components,
    });
    let mut text = serde_json::to_vec_pretty(&document)?;
    text.push(b'\n');
    Ok(text)
}

/// The crates of lines of `name vVERSION (path) TAB licence (*)`, each once, by name.
fn crates(listed: &str) -> Result<Vec<Value>> {
    let lines: BTreeSet<&str> = listed
        .lines()
        .map(|line| line.trim_end_matches(" (*)"))
        .filter(|l| !l.is_empty())
        .collect();
    lines.into_iter().map(of_crate).collect()
}

fn of_crate(line: &str) -> Result<Value> {
    let unexpected = || format!("cargo tree: unexpected line: {line}");
    let (package, licence) = line.split_once('\t').with_context(unexpected)?;
    let mut words = package.split(' ');
    let name = words.next().with_context(unexpected)?;
    let version = words
        .next()
        .and_then(|v| v.strip_prefix('v'))
        .filter(|v| v.starts_with(|c: char| c.is_ascii_digit()))
        .with_context(unexpected)?;
    let purl = format!("pkg:cargo/{name}@{version}");
    Ok(json!({
        "type": "library",
        "bom-ref": purl,
        "name": name,
        "version": version,
        "purl": purl,
        // `/` is the OR of old manifests.
        "licenses": [{ "expression": licence.replace('/', " OR ") }],
    }))
}

fn of_package(package: &Package) -> Value {
    let Package { name, version, architecture, .. } = package;
    let escaped = version.replace('+', "%2B").replace(':', "%3A");
    let purl = format!("pkg:deb/debian/{name}@{escaped}?arch={architecture}");
    json!({ "type": "library", "bom-ref": purl, "name": name, "version": version, "purl": purl })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crate_counts_once_and_its_licence_is_an_expression() {
        let listed = "berth v0.1.0 (/a/path)\tApache-2.0\nserde v1.0.2\tMIT/Apache-2.0\n\
                      serde v1.0.2\tMIT/Apache-2.0 (*)\n";
        let found = crates(listed).expect("lines of cargo tree");
        assert_eq!(found.len(), 2, "{found:?}");
        assert_eq!(found[1]["purl"], "pkg:cargo/serde@1.0.2");
        assert_eq!(found[1]["licenses"][0]["expression"], "MIT OR Apache-2.0");
        assert!(crates("no version\tMIT").is_err());
    }
}
