//! One answer of the API server as a whole, read as the watches read it: for the fuzz targets and
//! for who has bytes in a file.

use berth_engine::Input;
use bytes::Bytes;

use super::decode::{Event, Item};
use super::error::DecodeError;
use super::kind::Kind;
use super::proto::frames::{Frames, Framing};
use super::request::Format;
use super::templates::Templates;
use super::{json, proto};

/// What the request was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// One object.
    Get,
    /// A page of a list.
    List,
    /// A watch: events, each behind its length in protobuf and in a line of its own in JSON.
    Watch,
}

/// Reads what the API server answered for `kind`: the objects in it as applied, those of `DELETED`
/// events too, or why they cannot be read. Bookmarks and a `Status` say nothing of an object.
pub fn decode_bytes(
    format: Format,
    asked: Asked,
    kind: Kind,
    bytes: &[u8],
) -> Vec<Result<Input, DecodeError>> {
    let templates = &mut Templates::default();
    let document = Bytes::copy_from_slice(bytes);
    let input = |item: Item| item.map(|decoded| decoded.input);
    match (asked, format) {
        (Asked::Get, Format::Json) => vec![input(json::object(kind, bytes, templates))],
        (Asked::Get, Format::Protobuf) => vec![input(proto::object(kind, &document, templates))],
        (Asked::List, format) => {
            let page = match format {
                Format::Json => json::page(kind, bytes, templates),
                Format::Protobuf => proto::page(kind, &document, templates),
            };
            match page {
                Ok(page) => page.items.into_iter().map(input).collect(),
                Err(error) => vec![Err(error)],
            }
        }
        (Asked::Watch, format) => events(format, kind, bytes, templates),
    }
}

fn events(
    format: Format,
    kind: Kind,
    stream: &[u8],
    templates: &mut Templates,
) -> Vec<Result<Input, DecodeError>> {
    let mut frames = Frames::new(match format {
        Format::Json => Framing::Lines,
        Format::Protobuf => Framing::LengthDelimited,
    });
    frames.push(stream);
    let mut read = Vec::new();
    // A frame that is too long ends the stream, as it ends the watch.
    while let Ok(Some(frame)) = frames.next_event() {
        let event = match format {
            Format::Json => json::event(kind, &frame, templates),
            Format::Protobuf => proto::event(kind, &frame, templates),
        };
        match event {
            Ok(Event::Added(item) | Event::Modified(item) | Event::Deleted(item)) => {
                read.push(item.map(|decoded| decoded.input));
            }
            Ok(Event::Bookmark(_) | Event::Error(_)) => {}
            Err(error) => read.push(Err(error)),
        }
    }
    read
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const POD: &str = r#"{"metadata":{"name":"a","namespace":"b","uid":"c"}}"#;

    #[test]
    fn one_pod_in_each_answer() {
        let list = format!(r#"{{"items":[{POD},{POD},1]}}"#);
        let watch = format!(
            "{{\"type\":\"ADDED\",\"object\":{POD}}}\n{{\"type\":\"DELETED\",\"object\":{POD}}}\n{POD}\n"
        );
        for (asked, text, good) in
            [(Asked::Get, POD, 1), (Asked::List, &list, 2), (Asked::Watch, &watch, 2)]
        {
            let read = decode_bytes(Format::Json, asked, Kind::Pod, text.as_bytes());
            let pods = read.iter().filter(|r| matches!(r, Ok(Input::PodApplied(_)))).count();
            assert_eq!((pods, read.len()), (good, good + usize::from(asked != Asked::Get)));
        }
        let read = decode_bytes(Format::Protobuf, Asked::Get, Kind::Pod, POD.as_bytes());
        assert!(matches!(read.as_slice(), [Err(DecodeError::Syntax { .. })]));
    }
}
