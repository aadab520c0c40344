//! What the API server says it serves, for the kinds that are looked for.
//!
//! The group list answers for all of them at once. Only where it has a version that a kind is read
//! in, that version's list of resources is asked for: a group may serve one kind and not another.

use std::collections::HashMap;

use serde::Deserialize;

use crate::watch::kind::Kind;
use crate::watch::request::{RequestError, Source};
use crate::watch::wire::nullable;

/// The version of each kind that the server offers, of those that were looked for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Offer([Option<&'static str>; Kind::ALL.len()]);

impl Offer {
    /// The version to watch the kind in; `None` where the server serves none that is read.
    pub(crate) fn of(&self, kind: Kind) -> Option<&'static str> {
        self.0[kind.index()]
    }
}

/// `metav1.APIGroupList`.
#[derive(Deserialize)]
struct GroupList {
    #[serde(deserialize_with = "nullable::list")]
    groups: Vec<Group>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Group {
    name: String,
    #[serde(deserialize_with = "nullable::list")]
    versions: Vec<Version>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Version {
    version: String,
}

/// `metav1.APIResourceList`.
#[derive(Deserialize)]
struct ResourceList {
    #[serde(deserialize_with = "nullable::list")]
    resources: Vec<Resource>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Resource {
    name: String,
    #[serde(deserialize_with = "nullable::list")]
    verbs: Vec<String>,
}

impl Resource {
    /// Whether this is the resource, in a form that can be followed.
    fn is(&self, resource: &str) -> bool {
        let can = |verb: &str| self.verbs.iter().any(|v| v == verb);
        self.name == resource && can("list") && can("watch")
    }
}

/// A version of a group.
type Place = (&'static str, &'static str);

/// Asks what the server offers of `kinds`.
///
/// # Errors
/// The server did not answer, or not with what discovery answers.
pub(crate) async fn ask(source: &Source, kinds: &[Kind]) -> Result<Offer, RequestError> {
    let groups = if kinds.iter().any(|kind| !kind.group().is_empty()) {
        read::<GroupList>(source, "/apis").await?.groups
    } else {
        Vec::new()
    };
    let mut resources: HashMap<Place, Vec<Resource>> = HashMap::new();
    for place in places(kinds, &groups) {
        let (group, version) = place;
        let path = match group {
            "" => format!("/api/{version}"),
            group => format!("/apis/{group}/{version}"),
        };
        match read::<ResourceList>(source, &path).await {
            Ok(list) => drop(resources.insert(place, list.resources)),
            // Gone since the group list.
            Err(error) if error.is_not_served() => {}
            Err(error) => return Err(error),
        }
    }
    let mut offer = Offer::default();
    for kind in kinds {
        offer.0[kind.index()] = choose(kind.versions(), |version| {
            let listed = resources.get(&(kind.group(), version));
            listed.is_some_and(|listed| listed.iter().any(|r| r.is(kind.resource())))
        });
    }
    Ok(offer)
}

/// The first of the versions that is offered.
fn choose(
    versions: &[&'static str],
    offered: impl Fn(&'static str) -> bool,
) -> Option<&'static str> {
    versions.iter().copied().find(|version| offered(version))
}

/// Where resources have to be looked for, each once: the versions of a group that it has. The core
/// group is in no list.
fn places(kinds: &[Kind], groups: &[Group]) -> Vec<Place> {
    let has = |(group, version): &Place| {
        let group = groups.iter().find(|known| known.name == *group);
        group.is_some_and(|group| group.versions.iter().any(|v| v.version == *version))
    };
    let all = kinds.iter().flat_map(|kind| kind.versions().iter().map(|v| (kind.group(), *v)));
    let mut places: Vec<Place> = all.filter(|place| place.0.is_empty() || has(place)).collect();
    places.sort_unstable();
    places.dedup();
    places
}

async fn read<T: for<'de> Deserialize<'de>>(
    source: &Source,
    path: &str,
) -> Result<T, RequestError> {
    let body = source.document(path).await?;
    serde_json::from_slice(&body)
        .map_err(|error| RequestError::Unreadable(format!("{path}: {error}")))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn groups(text: &str) -> Vec<Group> {
        serde_json::from_str::<GroupList>(text).unwrap().groups
    }

    #[test]
    fn versions_are_taken_in_the_order_of_the_table() {
        let table = ["v1", "v1beta2", "v1alpha3"];
        for (offered, taken) in [
            (vec!["v1alpha3", "v1beta2", "v1"], Some("v1")),
            (vec!["v1alpha3", "v1beta2"], Some("v1beta2")),
            (vec!["v1alpha3"], Some("v1alpha3")),
            (vec!["v2"], None),
            (vec![], None),
        ] {
            assert_eq!(choose(&table, |version| offered.contains(&version)), taken, "{offered:?}");
        }
    }

    #[test]
    fn only_versions_that_the_group_list_has_are_asked_for() {
        let list = r#"{"kind":"APIGroupList","groups":[
            {"name":"storage.k8s.io","versions":[{"version":"v1"},{"version":"v1beta1"}]},
            {"name":"apps","versions":[{"version":"v2"}]},
            {"name":"policy","versions":null}]}"#;
        let kinds = [
            Kind::StorageClass,
            Kind::StorageCapacity,
            Kind::ReplicaSet,
            Kind::DisruptionBudget,
            Kind::Service,
        ];
        assert_eq!(places(&kinds, &groups(list)), [("", "v1"), ("storage.k8s.io", "v1")]);
        assert_eq!(places(&kinds, &groups(r#"{"groups":null}"#)), [("", "v1")]);
    }

    #[test]
    fn what_cannot_be_listed_and_watched_is_not_followed() {
        let list = r#"{"resources":[
            {"name":"a","verbs":["get","list","watch"]},{"name":"a/status","verbs":["get"]},
            {"name":"b","verbs":["create"]},{"name":"c"}]}"#;
        let list: ResourceList = serde_json::from_str(list).unwrap();
        let followed = |name| list.resources.iter().any(|r| r.is(name));
        assert_eq!(["a", "b", "c", "d"].map(followed), [true, false, false, false]);
    }

    #[test]
    fn other_documents_are_no_answer() {
        for text in [r#"{"kind":"Status","code":404}"#, "[]", "<html>", r#"{"groups":7}"#] {
            assert!(serde_json::from_str::<GroupList>(text).is_err(), "{text}");
            assert!(serde_json::from_str::<ResourceList>(text).is_err(), "{text}");
        }
    }
}
