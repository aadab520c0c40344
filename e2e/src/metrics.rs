//! The shape of a `/metrics` page: names, types, labels and buckets, not values.

use std::collections::{BTreeMap, BTreeSet};

/// One metric family.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Family {
    /// counter, gauge, histogram, …
    pub kind: String,
    /// Names of its labels, without `le`.
    pub labels: BTreeSet<String>,
    /// The upper bounds of its buckets, as numbers in their shortest form.
    pub buckets: BTreeSet<String>,
}

/// The families of a page in Prometheus' text format or OpenMetrics, by name; a counter's name
/// ends in `_total` in both.
pub fn families(page: &str) -> BTreeMap<String, Family> {
    let mut families: BTreeMap<String, Family> = BTreeMap::new();
    let mut current = String::new();
    for line in page.lines() {
        if let Some(declared) = line.strip_prefix("# TYPE ") {
            let Some((name, kind)) = declared.split_once(' ') else { continue };
            // OpenMetrics declares a counter without the `_total` of its samples.
            let bare = kind == "counter" && !name.ends_with("_total");
            current = if bare { format!("{name}_total") } else { name.to_owned() };
            families.entry(current.clone()).or_default().kind = kind.to_owned();
        } else if !line.starts_with('#')
            && let Some(family) = families.get_mut(&current)
        {
            read_sample(line, family);
        }
    }
    families
}

/// `name{label="value",…} number`. Label values of these pages hold no quotes or commas.
fn read_sample(line: &str, family: &mut Family) {
    let Some((_, rest)) = line.split_once('{') else { return };
    let Some((labels, _)) = rest.split_once('}') else { return };
    for pair in labels.split(',').filter(|pair| !pair.is_empty()) {
        let Some((label, value)) = pair.split_once('=') else { continue };
        if label == "le" {
            let bound: f64 = value.trim_matches('"').parse().unwrap_or(f64::INFINITY);
            family.buckets.insert(bound.to_string());
        } else {
            family.labels.insert(label.to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_page_in_either_format() {
        let text = "# HELP a_total x\n# TYPE a_total counter\na_total{b=\"c\",d=\"e\"} 1\n\
             # TYPE h histogram\nh_bucket{le=\"0.010\"} 1\nh_bucket{le=\"+Inf\"} 1\nh_sum 1\n";
        let open = "# TYPE a counter\na_total{b=\"c\",d=\"e\"} 1\n\
             # TYPE h histogram\nh_bucket{le=\"0.01\"} 1\nh_bucket{le=\"+Inf\"} 1\n# EOF\n";
        assert_eq!(families(text), families(open));
        assert_eq!(families(text)["a_total"].labels.len(), 2);
        assert_eq!(families(text)["h"].buckets.len(), 2);
    }
}
