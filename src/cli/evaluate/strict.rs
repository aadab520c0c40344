//! Objects held against Kubernetes' own types, so that a misspelt field is an error and not
//! nothing. The decoders of the watch read what scheduling needs and skip all else; here
//! k8s-openapi's types say which fields there are.

use std::cell::RefCell;
use std::fmt::Display;

use berth_engine::framework::nearest;
use k8s_openapi::api;
use serde::Deserialize;
use serde::de::value::StrDeserializer;
use serde::de::{
    self, DeserializeSeed, Deserializer, IntoDeserializer, MapAccess, SeqAccess, Visitor,
};
use serde_json::Value;

use super::wrong::Wrong;
use crate::watch::{Kind, WireObject, by_kind};

/// Checks an object of a kind; `path` is its place in the input.
///
/// # Errors
/// The first field that the kind does not have, or whose value it does not take.
pub(super) fn check(kind: Kind, object: &Value, path: &str) -> Result<(), Wrong> {
    fn of_kind<T: WireObject>(object: &Value, path: &str) -> Result<(), Wrong> {
        of::<T::Schema>(object, path)
    }
    by_kind!(kind, of_kind(object, path))
}

/// Checks a Job.
///
/// # Errors
/// As [`check`].
pub(super) fn check_job(object: &Value, path: &str) -> Result<(), Wrong> {
    of::<api::batch::v1::Job>(object, path)
}

fn of<T: for<'de> Deserialize<'de>>(object: &Value, path: &str) -> Result<(), Wrong> {
    let found = RefCell::new(None);
    let read = T::deserialize(Strict { value: object, path: path.to_owned(), found: &found });
    match (found.into_inner(), read) {
        (Some(wrong), _) => Err(wrong),
        (None, Err(error)) => Err(Wrong::new(path, error)),
        (None, Ok(_)) => Ok(()),
    }
}

/// A value that knows its place, and where the first wrong one is noted.
struct Strict<'a> {
    value: &'a Value,
    path: String,
    found: &'a RefCell<Option<Wrong>>,
}

impl<'a> Strict<'a> {
    fn below(&self, value: &'a Value, path: String) -> Strict<'a> {
        Strict { value, path, found: self.found }
    }

    fn note(&self, path: &str, message: impl Display) {
        self.found.borrow_mut().get_or_insert_with(|| Wrong::new(path, message));
    }

    /// The error of a reader, noted with the place it came from.
    fn at<T>(&self, read: Result<T, serde_json::Error>) -> Result<T, serde_json::Error> {
        read.inspect_err(|error| self.note(&self.path, error))
    }
}

impl<'de> Deserializer<'de> for Strict<'de> {
    type Error = serde_json::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        match self.value {
            Value::Object(fields) => {
                let fields = Fields { of: &self, left: fields.iter(), value: None };
                visitor.visit_map(fields)
            }
            Value::Array(values) => {
                let elements = Elements { of: &self, left: values.iter().enumerate() };
                visitor.visit_seq(elements)
            }
            scalar => self.at(scalar.deserialize_any(visitor)),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        match self.value {
            Value::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        let Value::Object(given) = self.value else {
            let error = de::Error::invalid_type(de::Unexpected::Other("no mapping"), &"a mapping");
            return self.at(Err(error));
        };
        for key in given.keys().filter(|key| !fields.contains(&key.as_str())) {
            let hint = nearest(key, fields.iter().copied());
            let hint = hint.map_or(String::new(), |name| format!(": did you mean {name:?}?"));
            self.note(&format!("{}.{key}", self.path), format_args!("unknown field {key:?}{hint}"));
        }
        visitor.visit_map(Fields { of: &self, left: given.iter(), value: None })
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

struct Fields<'a, 'p> {
    of: &'p Strict<'a>,
    left: serde_json::map::Iter<'a>,
    value: Option<(&'a str, &'a Value)>,
}

impl<'de> MapAccess<'de> for Fields<'de, '_> {
    type Error = serde_json::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Self::Error> {
        let Some((key, value)) = self.left.next() else { return Ok(None) };
        self.value = Some((key, value));
        let key: StrDeserializer<'_, Self::Error> = key.as_str().into_deserializer();
        seed.deserialize(key).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(
        &mut self,
        seed: V,
    ) -> Result<V::Value, Self::Error> {
        let (key, value) = self.value.take().unwrap_or(("", &Value::Null));
        let path = format!("{}.{key}", self.of.path);
        seed.deserialize(self.of.below(value, path))
    }
}

struct Elements<'a, 'p> {
    of: &'p Strict<'a>,
    left: std::iter::Enumerate<std::slice::Iter<'a, Value>>,
}

impl<'de> SeqAccess<'de> for Elements<'de, '_> {
    type Error = serde_json::Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Self::Error> {
        let Some((i, value)) = self.left.next() else { return Ok(None) };
        let path = format!("{}[{i}]", self.of.path);
        seed.deserialize(self.of.below(value, path)).map(Some)
    }
}
