//! Small owned collections that records are made of.

use crate::stored::{LoadError, Reader, Stored, Writer, stored};

use super::Quantity;

/// Namespace and name of an object; the namespace is empty for cluster-scoped kinds.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct ObjectKey {
    /// `metadata.namespace`, empty where the kind has none.
    pub namespace: Box<str>,
    /// `metadata.name`.
    pub name: Box<str>,
}

impl ObjectKey {
    /// The key of `namespace`/`name`.
    pub fn new(namespace: &str, name: &str) -> Self {
        Self { namespace: namespace.into(), name: name.into() }
    }

    /// The key of a cluster-scoped object.
    pub fn cluster(name: &str) -> Self {
        Self::new("", name)
    }
}

impl std::fmt::Display for ObjectKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.namespace.is_empty() {
            f.write_str(&self.name)
        } else {
            write!(f, "{}/{}", self.namespace, self.name)
        }
    }
}

/// A map from string to string, sorted by key: labels, a node selector.
///
/// A sorted slice takes half the memory of a `BTreeMap` for the 5–10 labels of a pod, and compares
/// and hashes in order, which makes equal maps equal templates.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct StringMap(Box<[(Box<str>, Box<str>)]>);

impl StringMap {
    /// The value of `key`.
    pub fn get(&self, key: &str) -> Option<&str> {
        let at = self.0.binary_search_by(|(k, _)| k.as_ref().cmp(key)).ok()?;
        self.0.get(at).map(|(_, v)| v.as_ref())
    }

    /// Key and value pairs in the order of their keys.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &str)> {
        self.0.iter().map(|(k, v)| (k.as_ref(), v.as_ref()))
    }

    /// Whether there is no entry.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Number of entries.
    pub fn len(&self) -> usize {
        self.0.len()
    }
}

impl<K: Into<Box<str>>, V: Into<Box<str>>> FromIterator<(K, V)> for StringMap {
    /// Collects pairs; of equal keys the last one wins, as in a JSON object read by Go.
    fn from_iter<T: IntoIterator<Item = (K, V)>>(pairs: T) -> Self {
        let mut all: Vec<(Box<str>, Box<str>)> =
            pairs.into_iter().map(|(k, v)| (k.into(), v.into())).collect();
        all.sort_by(|a, b| a.0.cmp(&b.0));
        let mut kept: Vec<(Box<str>, Box<str>)> = Vec::with_capacity(all.len());
        for pair in all {
            match kept.last_mut() {
                Some(last) if last.0 == pair.0 => *last = pair,
                _ => kept.push(pair),
            }
        }
        Self(kept.into_boxed_slice())
    }
}

/// Amounts by resource name, sorted by name: a container's requests, a node's allocatable.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct ResourceList(Box<[(Box<str>, Quantity)]>);

impl ResourceList {
    /// The amount of `resource`, if it is listed.
    pub fn get(&self, resource: &str) -> Option<Quantity> {
        let at = self.0.binary_search_by(|(k, _)| k.as_ref().cmp(resource)).ok()?;
        self.0.get(at).map(|(_, q)| *q)
    }

    /// Resource names and amounts, sorted by name.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, Quantity)> {
        self.0.iter().map(|(k, q)| (k.as_ref(), *q))
    }

    /// Whether nothing is listed.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<K: Into<Box<str>>> FromIterator<(K, Quantity)> for ResourceList {
    /// Collects amounts; of equal names the last one wins.
    fn from_iter<T: IntoIterator<Item = (K, Quantity)>>(pairs: T) -> Self {
        let mut all: Vec<(Box<str>, Quantity)> =
            pairs.into_iter().map(|(k, q)| (k.into(), q)).collect();
        all.sort_by(|a, b| a.0.cmp(&b.0));
        let mut kept: Vec<(Box<str>, Quantity)> = Vec::with_capacity(all.len());
        for pair in all {
            match kept.last_mut() {
                Some(last) if last.0 == pair.0 => *last = pair,
                _ => kept.push(pair),
            }
        }
        Self(kept.into_boxed_slice())
    }
}

stored! { struct ObjectKey { namespace, name } }

/// Looked up by bisection: what is not in order is damaged.
macro_rules! sorted_pairs {
    ($name:ident) => {
        impl Stored for $name {
            fn write(&self, out: &mut Writer) {
                self.0.write(out);
            }

            fn read(from: &mut Reader<'_>) -> Result<Self, LoadError> {
                let pairs: Box<[(Box<str>, _)]> = Stored::read(from)?;
                match pairs.is_sorted_by(|(a, _), (b, _)| a < b) {
                    true => Ok(Self(pairs)),
                    false => Err(from.malformed("names that are not in order")),
                }
            }
        }
    };
}

sorted_pairs!(StringMap);
sorted_pairs!(ResourceList);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_of_equal_keys_wins() {
        let map: StringMap = [("b", "1"), ("a", "2"), ("b", "3")].into_iter().collect();
        assert_eq!(map.iter().collect::<Vec<_>>(), [("a", "2"), ("b", "3")]);
        assert_eq!((map.get("b"), map.get("c")), (Some("3"), None));
    }
}
