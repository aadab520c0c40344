//! Which Berth this is.

use crate::args::VersionOutput;

/// The version, as in the manifest of the crate.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The Kubernetes whose rules are kept.
pub const KUBERNETES: &str = "1.37";

/// The text of `berth version`, without a line end.
pub fn report(output: VersionOutput) -> String {
    match output {
        VersionOutput::Text => format!("berth v{VERSION} (Kubernetes {KUBERNETES} rules)"),
        VersionOutput::Json => serde_json::json!({
            "version": format!("v{VERSION}"),
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
        assert_eq!(
            report(VersionOutput::Text),
            format!("berth v{VERSION} (Kubernetes 1.37 rules)")
        );
        let json: serde_json::Value = serde_json::from_str(&report(VersionOutput::Json)).unwrap();
        assert_eq!(json["version"], format!("v{VERSION}"));
    }
}
