//! Qualified names: `name` or `dns.domain/name` (k8s.io/apimachinery `IsQualifiedName`).

/// Longest name part.
const NAME_MAX: usize = 63;
/// Longest domain (`DNS1123SubdomainMaxLength`).
const DOMAIN_MAX: usize = 253;

/// What is wrong with a qualified name; nothing where it is right.
pub(super) fn qualified_name_errors(text: &str) -> Vec<String> {
    let mut errors = Vec::new();
    let parts: Vec<&str> = text.split('/').collect();
    let name = match parts.as_slice() {
        [name] => name,
        [domain, name] => {
            if domain.is_empty() || domain.len() > DOMAIN_MAX || !is_domain(domain) {
                errors.push(format!("{domain:?} before the / must be a DNS subdomain"));
            }
            name
        }
        _ => return vec![format!("{text:?} must be a name, or a DNS subdomain, / and a name")],
    };
    if name.is_empty() {
        errors.push("the name must not be empty".to_owned());
    } else if name.len() > NAME_MAX {
        errors.push(format!("the name must have {NAME_MAX} characters at most"));
    }
    if !is_name(name) {
        errors.push(format!(
            "{name:?} must consist of letters, digits, '-', '_' or '.', and begin and end with a \
             letter or digit"
        ));
    }
    errors
}

fn is_name(text: &str) -> bool {
    let edge = |b: Option<&u8>| b.is_some_and(u8::is_ascii_alphanumeric);
    let bytes = text.as_bytes();
    edge(bytes.first())
        && edge(bytes.last())
        && bytes.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
}

fn is_domain(text: &str) -> bool {
    text.split('.').all(is_part)
}

/// Whether a text may name a namespace (`IsDNS1123Label`).
pub(super) fn is_label(text: &str) -> bool {
    text.len() <= NAME_MAX && is_part(text)
}

/// A label of any length.
fn is_part(label: &str) -> bool {
    let is_alphanumeric = |b: &u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let bytes = label.as_bytes();
    bytes.first().is_some_and(is_alphanumeric)
        && bytes.last().is_some_and(is_alphanumeric)
        && bytes.iter().all(|b| is_alphanumeric(b) || *b == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_judged_as_by_kubernetes() {
        for good in ["cpu", "example.com/gpu", "a", "A_b.c-d", "x.y/Z"] {
            assert_eq!(qualified_name_errors(good), Vec::<String>::new(), "{good}");
        }
        let long = "a".repeat(64);
        for bad in ["", "a b", "/x", "x/", "a/b/c", "Ex.com/x", "-a", "a-", "a..b/c", &long] {
            assert!(!qualified_name_errors(bad).is_empty(), "{bad}");
        }
    }
}
