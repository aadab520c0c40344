//! Which Berth this is.

use clap::ValueEnum;

/// The version, as in the manifest of the crate.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The Kubernetes whose rules are kept.
pub const KUBERNETES: &str = "1.37";

/// The git commit that was built, `-dirty` where files differed from it; `None` where the build was
/// not told (`BERTH_COMMIT`, which `make image` sets).
pub const COMMIT: Option<&str> = option_env!("BERTH_COMMIT");

/// The form of `berth version`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum VersionOutput {
    /// One line.
    Text,
    /// An object.
    Json,
}

/// The text of `berth version`, without a line end.
pub fn report(output: VersionOutput) -> String {
    match output {
        VersionOutput::Text => match COMMIT {
            Some(commit) => {
                format!("berth v{VERSION} (commit {commit}, Kubernetes {KUBERNETES} rules)")
            }
            None => format!("berth v{VERSION} (Kubernetes {KUBERNETES} rules)"),
        },
        VersionOutput::Json => serde_json::json!({
            "version": format!("v{VERSION}"),
            "gitCommit": COMMIT,
            "kubernetesRules": KUBERNETES,
        })
        .to_string(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn both_forms_name_the_version() {
        let text = report(VersionOutput::Text);
        assert!(text.starts_with(&format!("berth v{VERSION} (")), "{text}");
        assert!(text.ends_with("Kubernetes 1.37 rules)"), "{text}");
        let json: serde_json::Value = serde_json::from_str(&report(VersionOutput::Json)).unwrap();
        assert_eq!(json["version"], format!("v{VERSION}"));
        assert_eq!(json["gitCommit"].as_str(), COMMIT);
    }
}
