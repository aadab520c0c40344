//! Lists and maps in JSON with Go's reading of `null`: as a whole or as an element it is the zero
//! value.

use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::scalar::{Entry, Key, Quantity, Resource};

/// Allocation made ahead for a list whose length is not known: none. JSON gives no size hint.
struct List<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de> + Default> Visitor<'de> for List<T> {
    type Value = Vec<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_unit<E>(self) -> Result<Vec<T>, E> {
        Ok(Vec::new())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Vec<T>, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = seq.next_element::<Option<T>>()? {
            list.push(item.unwrap_or_default());
        }
        Ok(list)
    }
}

/// A list; `null` is empty, `null` elements are defaults.
pub(crate) fn list<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    deserializer.deserialize_any(List(PhantomData))
}

/// What a JSON object's member becomes.
pub(crate) trait FromMember: Sized {
    /// The member's value.
    type Value: for<'de> Deserialize<'de>;
    /// The pair as an entry; `None` is `null`.
    fn from_member(key: String, value: Option<Self::Value>) -> Self;
}

impl FromMember for Entry {
    type Value = String;
    fn from_member(key: String, value: Option<String>) -> Self {
        Self { key: Some(key), value }
    }
}

impl FromMember for Resource {
    type Value = Quantity;
    fn from_member(key: String, value: Option<Quantity>) -> Self {
        Self { key: Some(key), value }
    }
}

impl FromMember for Key {
    type Value = IgnoredAny;
    fn from_member(key: String, _: Option<IgnoredAny>) -> Self {
        Self { key: Some(key) }
    }
}

struct Members<T>(PhantomData<T>);

impl<'de, T: FromMember> Visitor<'de> for Members<T> {
    type Value = Vec<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_unit<E>(self) -> Result<Vec<T>, E> {
        Ok(Vec::new())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Vec<T>, A::Error> {
        let mut members = Vec::new();
        while let Some((key, value)) = map.next_entry::<String, Option<T::Value>>()? {
            members.push(T::from_member(key, value));
        }
        Ok(members)
    }
}

/// A map as entries in the order of the text; `null` is empty.
pub(crate) mod map {
    use super::{Deserializer, FromMember, Members, PhantomData};

    /// Reads the map.
    pub(crate) fn deserialize<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
    where
        D: Deserializer<'de>,
        T: FromMember,
    {
        deserializer.deserialize_any(Members(PhantomData))
    }

    /// Writes the map, for tests.
    #[cfg(test)]
    pub(crate) fn serialize<S, T>(entries: &[T], serializer: S) -> Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
        T: crate::watch::tests::Member,
    {
        serializer.collect_map(entries.iter().map(T::member))
    }
}
