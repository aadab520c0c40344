//! Protobuf request bodies of the small kinds that typed Go clients write: bindings, events,
//! Leases, evictions, reviews, what `kubectl create` makes. Answers are always JSON, which those
//! clients accept too (`Accept: application/vnd.kubernetes.protobuf, */*`).
//! Field numbers are data, in `protobuf/schema.rs`; enter at [`decode`].

mod schema;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Map, Value, json};

use crate::timestamp;
use schema::{Field, Kind, Message};

/// Start of every Kubernetes protobuf body.
const MAGIC: &[u8] = b"k8s\0";

/// Why a body is not an object.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Error {
    #[error("the body is not a Kubernetes protobuf message")]
    Malformed,
    #[error("the sandbox reads {0} {1} as JSON only, not as protobuf; kubectl apply sends JSON")]
    Unknown(String, String),
}

/// Reads a body into the JSON form of its object.
pub(crate) fn decode(body: &[u8]) -> Result<Value, Error> {
    let unknown = body.strip_prefix(MAGIC).ok_or(Error::Malformed)?;
    let envelope = read(&schema::UNKNOWN, unknown)?;
    let text = |pointer| envelope.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let (api_version, kind) = (text("/typeMeta/apiVersion"), text("/typeMeta/kind"));
    let message = schema::message(api_version, kind)
        .ok_or_else(|| Error::Unknown(api_version.to_owned(), kind.to_owned()))?;
    let raw = records(unknown)?.into_iter().find_map(|r| match r {
        (2, Content::Bytes(bytes)) => Some(bytes),
        _ => None,
    });
    let mut object = read(message, raw.unwrap_or_default())?;
    object["apiVersion"] = json!(api_version);
    object["kind"] = json!(kind);
    Ok(object)
}

enum Content<'a> {
    Varint(u64),
    Bytes(&'a [u8]),
    /// Fixed-width numbers, which none of the kinds here has.
    Other,
}

/// The fields of a message, in the order of the wire.
fn records(mut rest: &[u8]) -> Result<Vec<(u64, Content<'_>)>, Error> {
    let mut records = Vec::new();
    while !rest.is_empty() {
        let key = varint(&mut rest)?;
        let content = match key & 7 {
            0 => Content::Varint(varint(&mut rest)?),
            1 => take(&mut rest, 8).map(|_| Content::Other)?,
            2 => {
                let len = usize::try_from(varint(&mut rest)?).map_err(|_| Error::Malformed)?;
                Content::Bytes(take(&mut rest, len)?)
            }
            5 => take(&mut rest, 4).map(|_| Content::Other)?,
            _ => return Err(Error::Malformed),
        };
        records.push((key >> 3, content));
    }
    Ok(records)
}

fn varint(rest: &mut &[u8]) -> Result<u64, Error> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (&byte, tail) = rest.split_first().ok_or(Error::Malformed)?;
        *rest = tail;
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Ok(value);
        }
    }
    Err(Error::Malformed)
}

fn take<'a>(rest: &mut &'a [u8], len: usize) -> Result<&'a [u8], Error> {
    let (taken, tail) = rest.split_at_checked(len).ok_or(Error::Malformed)?;
    *rest = tail;
    Ok(taken)
}

/// A message as a JSON object. Go writes empty strings and zero times out, JSON leaves them out.
fn read(message: &Message, bytes: &[u8]) -> Result<Value, Error> {
    let mut object = Map::new();
    for (number, content) in records(bytes)? {
        let Some(field) = message.iter().find(|f| f.number == number) else { continue };
        let Some(value) = field_value(field, &content)? else { continue };
        match field.kind {
            Kind::Strings | Kind::Messages(_) => {
                let list = object.entry(field.name).or_insert_with(|| json!([]));
                list.as_array_mut().into_iter().for_each(|l| l.push(value.clone()));
            }
            Kind::StringMap | Kind::BytesMap => {
                let map = object.entry(field.name).or_insert_with(|| json!({}));
                let key = value["key"].as_str().unwrap_or_default();
                map[key] = value.get("value").cloned().unwrap_or_else(|| json!(""));
            }
            _ => {
                object.insert(field.name.to_owned(), value);
            }
        }
    }
    Ok(Value::Object(object))
}

fn field_value(field: &Field, content: &Content<'_>) -> Result<Option<Value>, Error> {
    let value = match (field.kind, content) {
        (Kind::Bool, Content::Varint(n)) => json!(*n != 0),
        // Negative numbers are written as 64-bit two's complement.
        (Kind::Int, Content::Varint(n)) => json!(n.cast_signed()),
        (Kind::String, Content::Bytes([])) => return Ok(None),
        (Kind::String | Kind::Strings, Content::Bytes(b)) => json!(utf8(b)?),
        (Kind::Message(message) | Kind::Messages(message), Content::Bytes(b)) => read(message, b)?,
        (Kind::StringMap, Content::Bytes(b)) => read(&schema::STRING_ENTRY, b)?,
        (Kind::BytesMap, Content::Bytes(b)) => bytes_entry(b)?,
        (Kind::Time | Kind::MicroTime, Content::Bytes(b)) => {
            let parts = read(&schema::TIMESTAMP, b)?;
            let Some(seconds) = parts["seconds"].as_i64() else { return Ok(None) };
            let micros = parts["nanos"].as_i64().unwrap_or(0) / 1000;
            let micros = (matches!(field.kind, Kind::MicroTime)).then_some(micros);
            json!(timestamp::from_unix(seconds, micros).ok_or(Error::Malformed)?)
        }
        (Kind::IntOrString, Content::Bytes(b)) => {
            let parts = read(&schema::INT_OR_STRING, b)?;
            let text = parts["type"] == json!(1);
            parts[if text { "strVal" } else { "intVal" }].clone()
        }
        _ => return Err(Error::Malformed),
    };
    Ok(Some(value))
}

/// An entry of a map of bytes, which JSON writes in base64.
fn bytes_entry(bytes: &[u8]) -> Result<Value, Error> {
    let mut entry = json!({});
    for (number, content) in records(bytes)? {
        match (number, content) {
            (1, Content::Bytes(key)) => entry["key"] = json!(utf8(key)?),
            (2, Content::Bytes(value)) => entry["value"] = json!(BASE64_STANDARD.encode(value)),
            _ => {}
        }
    }
    Ok(entry)
}

fn utf8(bytes: &[u8]) -> Result<&str, Error> {
    std::str::from_utf8(bytes).map_err(|_| Error::Malformed)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn bytes(number: u8, content: &[u8]) -> Vec<u8> {
        let mut field = vec![number << 3 | 2, u8::try_from(content.len()).unwrap()];
        field.extend_from_slice(content);
        field
    }

    fn body(api_version: &str, kind: &str, raw: &[u8]) -> Vec<u8> {
        let type_meta = [bytes(1, api_version.as_bytes()), bytes(2, kind.as_bytes())].concat();
        [MAGIC, &bytes(1, &type_meta), &bytes(2, raw)].concat()
    }

    #[test]
    fn a_binding_as_client_go_writes_it() {
        let metadata = [bytes(1, b"a"), bytes(2, b""), bytes(5, b"uid"), bytes(8, b"")].concat();
        let target = [bytes(1, b"Node"), bytes(3, b"n")].concat();
        let raw = [bytes(1, &metadata), bytes(2, &target)].concat();
        let binding = decode(&body("v1", "Binding", &raw)).unwrap();
        let expected = json!({
            "apiVersion": "v1", "kind": "Binding",
            "metadata": {"name": "a", "uid": "uid"},
            "target": {"kind": "Node", "name": "n"},
        });
        assert_eq!(binding, expected);
    }

    #[test]
    fn maps_times_and_zeroes() {
        let entry = [bytes(1, b"k"), bytes(2, b"v")].concat();
        let raw = [bytes(1, &bytes(11, &entry)), bytes(2, &entry), bytes(3, &entry)].concat();
        let map = decode(&body("v1", "ConfigMap", &raw)).unwrap();
        assert_eq!(map["data"], json!({"k": "v"}));
        assert_eq!(map["binaryData"], json!({"k": "dg=="}));
        assert_eq!(map["metadata"]["labels"], json!({"k": "v"}));
        let time = bytes(4, &[8, 1, 16, 208, 15]);
        let lease = decode(&body("coordination.k8s.io/v1", "Lease", &bytes(2, &time))).unwrap();
        assert_eq!(lease["spec"]["renewTime"], "1970-01-01T00:00:01.000002Z");
        let options = decode(&body("v1", "DeleteOptions", &[8, 0])).unwrap();
        assert_eq!(options["gracePeriodSeconds"], 0);
    }

    #[test]
    fn what_is_no_message_is_an_error() {
        let truncated = &body("v1", "Binding", &bytes(1, b"abc"))[..20];
        for bad in [
            b"".as_slice(),
            b"k8s",
            b"k8s\0\xff",
            truncated,
            &[b"k8s\0", [0xff; 12].as_slice()].concat(),
        ] {
            assert!(decode(bad).is_err(), "{bad:?}");
        }
        let unknown = decode(&body("batch/v1", "Job", b"")).unwrap_err();
        assert_eq!(unknown, Error::Unknown("batch/v1".into(), "Job".into()));
    }
}
