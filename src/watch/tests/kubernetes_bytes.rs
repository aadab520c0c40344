//! Objects as Kubernetes itself writes them: each kind with every field that is read, in JSON and
//! in the protobuf that Go's serializer made of it (k8s.io/client-go v0.37.2 scheme).

use bytes::Bytes;

use crate::watch::kind::Kind;
use crate::watch::templates::Templates;
use crate::watch::{json, proto};

/// The two forms of each kind.
macro_rules! fixtures {
    ($($kind:ident: $file:literal,)*) => {
        [$((
            Kind::$kind,
            include_bytes!(concat!("fixtures/", $file, ".json")).as_slice(),
            include_bytes!(concat!("fixtures/", $file, ".pb")).as_slice(),
        )),*]
    };
}

pub(super) fn all() -> [(Kind, &'static [u8], &'static [u8]); 15] {
    fixtures! {
        Pod: "Pod",
        Node: "Node",
        Namespace: "Namespace",
        Service: "Service",
        ReplicationController: "ReplicationController",
        ReplicaSet: "ReplicaSet",
        StatefulSet: "StatefulSet",
        PodDisruptionBudget: "PodDisruptionBudget",
        PersistentVolume: "PersistentVolume",
        PersistentVolumeClaim: "PersistentVolumeClaim",
        StorageClass: "StorageClass",
        CsiNode: "CSINode",
        CsiDriver: "CSIDriver",
        CsiStorageCapacity: "CSIStorageCapacity",
        VolumeAttachment: "VolumeAttachment",
    }
}

#[test]
fn both_formats_give_the_same_record() {
    for (kind, text, document) in all() {
        assert_eq!(json::kind(text), Ok(kind));
        let from_json = json::object(kind, text, &mut Templates::default()).unwrap();
        let document = Bytes::from_static(document);
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
            let mut mangled = text.to_vec();
            mangled[length] = b'7';
            let _ = json::object(kind, &mangled, &mut Templates::default());
        }
    }
}
