//! Objects as Kubernetes itself writes them: each kind with every field that is read, in JSON and
//! in the protobuf that Go's serializer made of it (k8s.io/client-go v0.37.2 scheme).

use bytes::Bytes;

use crate::watch::kind::Kind;
use crate::watch::templates::Templates;
use crate::watch::{json, proto};

/// The two forms of each kind: every kind of the table has them.
pub(super) fn all() -> impl Iterator<Item = (Kind, Vec<u8>, Bytes)> {
    let file = |kind: Kind, form: &str| {
        let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/src/watch/tests/fixtures");
        let path = format!("{directory}/{kind}.{form}");
        std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
    };
    Kind::ALL.into_iter().map(move |kind| (kind, file(kind, "json"), file(kind, "pb").into()))
}

#[test]
fn both_formats_give_the_same_record() {
    for (kind, text, document) in all() {
        assert_eq!(json::kind(&text), Ok(kind));
        let from_json = json::object(kind, &text, &mut Templates::default()).unwrap();
        let from_proto = proto::object(kind, &document, &mut Templates::default()).unwrap();
        assert_eq!(format!("{from_json:#?}"), format!("{from_proto:#?}"), "{kind}");
    }
}

/// Truncated and mangled documents are errors or other objects, never a panic.
#[test]
fn mangled_documents_do_not_panic() {
    for (kind, text, document) in all() {
        for length in 0..document.len() {
            let cut = Bytes::copy_from_slice(&document[..length]);
            let _ = proto::object(kind, &cut, &mut Templates::default());
            let mut mangled = document.to_vec();
            mangled[length] ^= 0x55;
            let _ = proto::object(kind, &mangled.into(), &mut Templates::default());
        }
        for length in 0..text.len() {
            let _ = json::object(kind, &text[..length], &mut Templates::default());
            let mut mangled = text.clone();
            mangled[length] = b'7';
            let _ = json::object(kind, &mangled, &mut Templates::default());
        }
    }
}
