//! Maps, lists, quantities and times, read as Go reads them.

use berth_engine::record::{Quantity as Amount, ResourceList, StringMap};
use serde::Deserialize;

use crate::watch::error::FieldError;

/// An entry of a `map<string, string>`; on the wire a map is a repeated message of such pairs.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub(crate) struct Entry {
    #[prost(string, optional, tag = "1")]
    pub(crate) key: Option<String>,
    #[prost(string, optional, tag = "2")]
    pub(crate) value: Option<String>,
}

/// An entry of a `ResourceList`.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub(crate) struct Resource {
    #[prost(string, optional, tag = "1")]
    pub(crate) key: Option<String>,
    #[prost(message, optional, tag = "2")]
    pub(crate) value: Option<Quantity>,
}

/// A message of which only the presence counts.
#[derive(Clone, Copy, PartialEq, Eq, prost::Message, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(default)]
pub(crate) struct Present {}

/// An entry of a map of which only the key is read.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub(crate) struct Key {
    #[prost(string, optional, tag = "1")]
    pub(crate) key: Option<String>,
}

/// `resource.Quantity`: a string; in JSON it may be a number too. Absent is zero.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub(crate) struct Quantity {
    #[prost(string, optional, tag = "1")]
    pub(crate) string: Option<String>,
}

/// `metav1.Time`: RFC 3339 in JSON, seconds in protobuf.
#[derive(Clone, Copy, PartialEq, Eq, prost::Message)]
pub(crate) struct Time {
    #[prost(int64, optional, tag = "1")]
    pub(crate) seconds: Option<i64>,
    #[prost(int32, optional, tag = "2")]
    pub(crate) nanos: Option<i32>,
}

impl Time {
    /// Milliseconds since 1970; earlier times (Go's zero time) are 0.
    pub(crate) fn millis(self) -> u64 {
        let nanos = u64::try_from(self.nanos.unwrap_or_default()).unwrap_or_default();
        let seconds = u64::try_from(self.seconds.unwrap_or_default()).unwrap_or_default();
        seconds.saturating_mul(1000).saturating_add(nanos / 1_000_000)
    }
}

impl Quantity {
    /// The amount.
    pub(crate) fn amount(&self) -> Result<Amount, FieldError> {
        match &self.string {
            None => Ok(Amount::ZERO),
            Some(text) => Amount::parse(text).map_err(|e| FieldError::new(e.to_string())),
        }
    }
}

/// Labels, annotations, a node selector.
pub(crate) fn string_map(entries: Vec<Entry>) -> StringMap {
    entries.into_iter().map(|e| (e.key.unwrap_or_default(), e.value.unwrap_or_default())).collect()
}

/// Amounts by resource name; an error names the resource.
pub(crate) fn resource_list(entries: Vec<Resource>) -> Result<ResourceList, FieldError> {
    entries
        .into_iter()
        .map(|e| {
            let name = e.key.unwrap_or_default();
            match e.value.unwrap_or_default().amount() {
                Ok(amount) => Ok((name, amount)),
                Err(error) => Err(error.within(&format!("[{name}]"))),
            }
        })
        .collect()
}

/// Strings in order.
pub(crate) fn boxed(strings: Vec<String>) -> Box<[Box<str>]> {
    strings.into_iter().map(String::into_boxed_str).collect()
}

/// A string, empty where absent.
pub(crate) fn text(string: Option<String>) -> Box<str> {
    string.unwrap_or_default().into_boxed_str()
}

/// A string where it is present and not empty: Go writes empty strings for absent ones.
pub(crate) fn non_empty(string: Option<String>) -> Option<Box<str>> {
    string.filter(|s| !s.is_empty()).map(String::into_boxed_str)
}

/// Converts each element, naming the index where one fails.
pub(crate) fn each<T, R>(
    list: Vec<T>,
    convert: impl Fn(T) -> Result<R, FieldError>,
) -> Result<Vec<R>, FieldError> {
    list.into_iter()
        .enumerate()
        .map(|(i, item)| convert(item).map_err(|e| e.within(&format!("[{i}]"))))
        .collect()
}

impl<'de> Deserialize<'de> for Quantity {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        /// Numbers are kept as text, as `Quantity.UnmarshalJSON` does.
        struct Visitor;
        impl serde::de::Visitor<'_> for Visitor {
            type Value = Quantity;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a quantity: a string such as \"500m\", or a number")
            }
            fn visit_str<E>(self, v: &str) -> Result<Quantity, E> {
                Ok(Quantity { string: Some(v.into()) })
            }
            fn visit_i64<E>(self, v: i64) -> Result<Quantity, E> {
                Ok(Quantity { string: Some(v.to_string()) })
            }
            fn visit_u64<E>(self, v: u64) -> Result<Quantity, E> {
                Ok(Quantity { string: Some(v.to_string()) })
            }
            fn visit_f64<E>(self, v: f64) -> Result<Quantity, E> {
                Ok(Quantity { string: Some(v.to_string()) })
            }
            fn visit_unit<E>(self) -> Result<Quantity, E> {
                Ok(Quantity::default())
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        /// A visitor, because serde_json gives its errors the position of the string.
        struct Visitor;
        impl serde::de::Visitor<'_> for Visitor {
            type Value = Time;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a time as in RFC 3339, such as 2026-01-02T15:04:05Z")
            }
            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Time, E> {
                let stamp: jiff::Timestamp = text
                    .parse()
                    .map_err(|_| E::invalid_value(serde::de::Unexpected::Str(text), &self))?;
                let (seconds, nanos) = (stamp.as_second(), stamp.subsec_nanosecond());
                Ok(Time { seconds: Some(seconds), nanos: Some(nanos) })
            }
        }
        deserializer.deserialize_str(Visitor)
    }
}
