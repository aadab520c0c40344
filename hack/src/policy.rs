//! What deny.toml says of crates and licences, for checks without cargo-deny.

use anyhow::{Context, Result, ensure};

/// The part of deny.toml that [`crate::verify`] holds.
#[derive(Debug)]
pub(crate) struct Policy {
    /// Licences we take.
    pub(crate) licences: Vec<String>,
    /// Crates we do not take.
    pub(crate) bans: Vec<Ban>,
}

/// A crate we do not take.
#[derive(Debug)]
pub(crate) struct Ban {
    /// Its name.
    pub(crate) name: String,
    /// Who may depend on it all the same.
    pub(crate) wrappers: Vec<String>,
    /// Why, and what to take instead.
    pub(crate) reason: String,
}

impl Policy {
    /// Reads deny.toml, whose lists have one entry per line.
    ///
    /// # Errors
    /// A list is missing or empty, or a ban has no name or reason.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let allowed = list(text, "[licenses]", "allow")?;
        let licences = allowed.iter().filter_map(|line| strings(line).into_iter().next()).collect();
        let bans =
            list(text, "[bans]", "deny")?.into_iter().map(Ban::parse).collect::<Result<_>>()?;
        Ok(Self { licences, bans })
    }
}

impl Ban {
    fn parse(line: &str) -> Result<Self> {
        let field = |key: &str| line.split_once(&format!("{key} = ")).map(|(_, rest)| rest);
        let first = |rest: Option<&str>| rest.and_then(|rest| strings(rest).into_iter().next());
        let wrappers = field("wrappers").and_then(|rest| rest.split(']').next()).map(strings);
        Ok(Self {
            name: first(field("crate")).with_context(|| format!("deny.toml: no crate: {line}"))?,
            wrappers: wrappers.unwrap_or_default(),
            reason: first(field("reason")).with_context(|| format!("deny.toml: why? {line}"))?,
        })
    }
}

/// The lines of the list `key` in `section`.
fn list<'a>(text: &'a str, section: &str, key: &str) -> Result<Vec<&'a str>> {
    let start = format!("{key} = [");
    let lines: Vec<&str> = text
        .lines()
        .skip_while(|line| *line != section)
        .skip_while(|line| *line != start)
        .skip(1)
        .take_while(|line| *line != "]")
        .filter(|line| !line.trim_start().starts_with('#'))
        .collect();
    ensure!(!lines.is_empty(), "deny.toml: no list `{key}` in {section}");
    Ok(lines)
}

/// The quoted strings of a line.
fn strings(line: &str) -> Vec<String> {
    line.split('"').skip(1).step_by(2).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn our_own_file_is_read() {
        let policy = Policy::parse(include_str!("../../deny.toml")).unwrap();
        assert!(policy.licences.iter().any(|name| name == "Apache-2.0"));
        let ban = |name: &str| policy.bans.iter().find(|ban| ban.name == name).unwrap();
        assert!(ban("openssl-sys").wrappers.is_empty());
        assert_eq!(ban("kube").wrappers, ["berth", "e2e"]);
        assert!(policy.bans.iter().all(|ban| !ban.reason.is_empty()));
    }

    #[test]
    fn a_missing_list_is_an_error() {
        assert!(Policy::parse("[licenses]\nallow = [\n    \"MIT\",\n]\n").is_err());
    }
}
