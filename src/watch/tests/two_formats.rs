//! JSON and protobuf of the same object give the same record, and no bytes bring a decoder down.

use bytes::Bytes;
use proptest::prelude::*;
use serde::Serialize;

use super::random::{Draw, Random};
use crate::watch::decode::by_kind;
use crate::watch::kind::Kind;
use crate::watch::proto::frames::{Frames, Framing};
use crate::watch::proto::{MAGIC, Unknown};
use crate::watch::templates::Templates;
use crate::watch::wire::object::Told;
use crate::watch::{json, proto};
use prost::Message;

/// A random object of a type, in JSON and in protobuf; nearly always one that has a name.
fn written<T: Told + Random + Serialize>(draw: &mut Draw) -> (Vec<u8>, Bytes) {
    let named = |object: &T| {
        let name = object.metadata().and_then(|meta| meta.name.as_ref());
        name.is_some_and(|name| !name.is_empty())
    };
    let object = (0..8).map(|_| T::random(draw)).find(named).unwrap_or_else(|| T::random(draw));
    let raw = object.encode_to_vec().into();
    let mut document = MAGIC.to_vec();
    document.extend(Unknown { raw }.encode_to_vec());
    (serde_json::to_vec(&object).unwrap(), document.into())
}

fn any_kind() -> impl Strategy<Value = Kind> {
    prop::sample::select(Kind::ALL.to_vec())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn both_formats_give_the_same_record(kind in any_kind(), seed: u64) {
        let (text, document) = by_kind!(kind, written(&mut Draw::new(seed)));
        let from_json = json::object(kind, &text, &mut Templates::default());
        let from_proto = proto::object(kind, &document, &mut Templates::default());
        prop_assert_eq!(
            format!("{from_json:#?}"),
            format!("{from_proto:#?}"),
            "{}", String::from_utf8_lossy(&text)
        );
    }

    #[test]
    fn no_bytes_bring_a_decoder_down(
        kind in any_kind(),
        bytes in prop::collection::vec(any::<u8>(), 0..200),
        magic: bool,
    ) {
        let mut templates = Templates::default();
        let mut document = if magic { MAGIC.to_vec() } else { Vec::new() };
        document.extend_from_slice(&bytes);
        let document = Bytes::from(document);
        let _ = proto::object(kind, &document, &mut templates);
        let _ = proto::page(kind, &document, &mut templates);
        let _ = proto::event(kind, &document, &mut templates);
        let _ = proto::event(kind, &Bytes::from(bytes.clone()), &mut templates);
        let _ = proto::status(&document);
        let _ = json::object(kind, &bytes, &mut templates);
        let _ = json::page(kind, &bytes, &mut templates);
        let _ = json::event(kind, &bytes, &mut templates);
        for framing in [Framing::Lines, Framing::LengthDelimited] {
            let mut frames = Frames::new(framing);
            frames.push(&bytes);
            while let Ok(Some(_)) = frames.next_event() {}
        }
    }

    /// Text that is nearly right reaches further than random bytes.
    #[test]
    fn nearly_right_objects_do_not_bring_a_decoder_down(
        kind in any_kind(),
        seed: u64,
        at: prop::sample::Index,
        byte: u8,
    ) {
        let (mut text, document) = by_kind!(kind, written(&mut Draw::new(seed)));
        let mut document = document.to_vec();
        *at.get_mut(&mut text) = byte;
        *at.get_mut(&mut document) = byte;
        let mut templates = Templates::default();
        let _ = json::object(kind, &text, &mut templates);
        let _ = proto::object(kind, &document.into(), &mut templates);
        let line = [br#"{"type":"MODIFIED","object":"#, text.as_slice(), b"}"].concat();
        let _ = json::event(kind, &line, &mut templates);
        let page = [br#"{"items":["#, text.as_slice(), b"]}"].concat();
        let _ = json::page(kind, &page, &mut templates);
    }
}
