//! The fuzz targets in one program, which `BERTH_FUZZ_TARGET` chooses from: nothing that others
//! may send brings Berth down. What decodes is taken in by an engine and judged by every plugin.
//!
//! `cargo run -p hack -- fuzz` builds and drives it. A target's corpus is `corpus/<target>/`.
#![no_main]

mod cluster;
mod selector;

use std::sync::LazyLock;

use berth::watch::{Asked, Format, Kind, decode_bytes, decode_object};
use berth_engine::record::Quantity;
use berth_plugins::PluginRegistry;
use libfuzzer_sys::fuzz_target;

type Target = fn(&[u8]);

const TARGETS: [(&str, Target); 7] = [
    ("config", config),
    ("node", |bytes| object(Kind::Node, bytes)),
    ("object", any_object),
    ("pod", |bytes| object(Kind::Pod, bytes)),
    ("quantity", quantity),
    ("selector", selector::run),
    ("watch", watch),
];

static TARGET: LazyLock<Target> = LazyLock::new(|| {
    let name = std::env::var("BERTH_FUZZ_TARGET").unwrap_or_default();
    let found = TARGETS.into_iter().find(|(known, _)| *known == name);
    found.unwrap_or_else(|| panic!("BERTH_FUZZ_TARGET: no target {name:?}")).1
});

static REGISTRY: LazyLock<PluginRegistry> =
    LazyLock::new(|| berth_plugins::in_tree().expect("the plugins have different names"));

fuzz_target!(|bytes: &[u8]| TARGET(bytes));

/// A configuration: what is accepted prints, and reads again.
fn config(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(loaded) = berth::config::load(text, "fuzz", &REGISTRY) {
        let printed = loaded.text();
        let again = berth::config::load(&printed, "fuzz", &REGISTRY);
        assert!(again.is_ok(), "{printed}\n{again:?}");
    }
}

/// `FORMAT BODY`: an even first byte is for JSON, an odd one for protobuf without its envelope.
fn object(kind: Kind, bytes: &[u8]) {
    let Some((first, body)) = bytes.split_first() else { return };
    let read = if first % 2 == 0 {
        decode_bytes(Format::Json, Asked::Get, kind, body)
    } else {
        decode_bytes(Format::Protobuf, Asked::Get, kind, &enveloped(body))
    };
    cluster::take_in(read.into_iter().flatten());
}

/// `KIND FORMAT BODY`; the text is also read by its own kind, as files are.
fn any_object(bytes: &[u8]) {
    let Some((first, rest)) = bytes.split_first() else { return };
    object(Kind::ALL[usize::from(*first) % Kind::ALL.len()], rest);
    let _ = decode_object(rest.get(1..).unwrap_or_default());
}

/// `KIND HOW BODY`: a list or a stream of events, in either format.
fn watch(bytes: &[u8]) {
    let [kind, how, body @ ..] = bytes else { return };
    let kind = Kind::ALL[usize::from(*kind) % Kind::ALL.len()];
    let format = if how % 2 == 0 { Format::Json } else { Format::Protobuf };
    let asked = if how & 2 == 0 { Asked::Watch } else { Asked::List };
    cluster::take_in(decode_bytes(format, asked, kind, body).into_iter().flatten());
}

/// A quantity: what it says is the same whichever way it is rounded.
fn quantity(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(quantity) = Quantity::parse(text) {
        assert_eq!(quantity.is_zero(), quantity == Quantity::ZERO, "{text}");
        assert!(quantity.value() == 0 || quantity.milli_value() != 0, "{text}");
        let _ = quantity + quantity;
    }
}

/// `k8s\0` and a `runtime.Unknown` around an object.
fn enveloped(raw: &[u8]) -> Vec<u8> {
    let mut document = b"k8s\0\x12".to_vec();
    let mut length = raw.len();
    while length > 0x7f {
        document.push((length & 0x7f) as u8 | 0x80);
        length >>= 7;
    }
    document.push(length as u8);
    document.extend_from_slice(raw);
    document
}
