//! A list read as its bytes come: one item at a time, whatever its length.
//!
//! A list answered from the API server's cache comes whole: 150,000 pods are 400 MB. What is held
//! of it is a chunk of the network's and the item at hand.

use bytes::{Buf, Bytes, BytesMut};
use prost::Message;

use super::MAGIC;
use crate::watch::wire::meta::ListMeta;

/// Largest item or other field; see `EVENT_MAX` of the watch's frames.
const FIELD_MAX: u64 = 16 << 20;

/// Why a list cannot be read on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ListError {
    /// Not the bytes that every document begins with.
    #[error("protobuf list without the leading bytes 6b 38 73 00 (\"k8s\\0\")")]
    NoMagic,
    /// A field of a type that lists do not have, or longer than what is around it.
    #[error("protobuf list: field {0} cannot be read")]
    Field(u64),
    /// A field above [`FIELD_MAX`].
    #[error("protobuf list: an item of {0} bytes; items above {FIELD_MAX} bytes are not read")]
    TooLong(u64),
    /// The metadata cannot be read.
    #[error("protobuf list: metadata: {0}")]
    Metadata(String),
    /// The bytes ended too soon.
    #[error("protobuf list: cut short")]
    Cut,
}

/// What a list is made of.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Piece {
    /// Its metadata: the API server writes them first.
    Metadata(ListMeta),
    /// An object.
    Item(Bytes),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Before the magic bytes.
    Start,
    /// Among the fields of `runtime.Unknown`.
    Envelope,
    /// In its field `raw`, with so many bytes to come.
    Raw(u64),
}

/// Collects chunks and gives out pieces.
#[derive(Debug)]
pub(crate) struct ListReader {
    buffer: BytesMut,
    place: Place,
}

impl ListReader {
    /// An empty stream.
    pub(crate) fn new() -> Self {
        Self { buffer: BytesMut::new(), place: Place::Start }
    }

    /// Adds a chunk as it came from the network.
    pub(crate) fn push(&mut self, chunk: &[u8]) {
        self.buffer.extend_from_slice(chunk);
    }

    /// The next piece, if it has arrived whole.
    pub(crate) fn next_piece(&mut self) -> Result<Option<Piece>, ListError> {
        loop {
            match self.place {
                Place::Start => {
                    let Some(magic) = self.buffer.first_chunk::<4>() else { return Ok(None) };
                    if magic.as_slice() != MAGIC {
                        return Err(ListError::NoMagic);
                    }
                    self.buffer.advance(MAGIC.len());
                    self.place = Place::Envelope;
                }
                Place::Raw(0) => self.place = Place::Envelope,
                Place::Envelope => {
                    let Some(head) = self.head()? else { return Ok(None) };
                    if head.field == 2 {
                        self.buffer.advance(head.bytes);
                        self.place = Place::Raw(head.length);
                    } else if self.take(head)?.is_none() {
                        return Ok(None);
                    }
                }
                Place::Raw(left) => {
                    let Some(head) = self.head()? else { return Ok(None) };
                    let whole = head.bytes as u64 + head.length;
                    let left = left.checked_sub(whole).ok_or(ListError::Field(head.field))?;
                    let Some(content) = self.take(head)? else { return Ok(None) };
                    self.place = Place::Raw(left);
                    match head.field {
                        1 => {
                            let metadata = ListMeta::decode(content)
                                .map_err(|error| ListError::Metadata(error.to_string()))?;
                            return Ok(Some(Piece::Metadata(metadata)));
                        }
                        2 => return Ok(Some(Piece::Item(content))),
                        _ => {}
                    }
                }
            }
        }
    }

    /// The bytes have ended.
    pub(crate) fn finish(&self) -> Result<(), ListError> {
        match self.place {
            Place::Envelope | Place::Raw(0) if self.buffer.is_empty() => Ok(()),
            _ => Err(ListError::Cut),
        }
    }

    /// The field at the front, if its head has arrived. All fields of envelopes and lists are
    /// messages, strings or bytes.
    fn head(&self) -> Result<Option<Head>, ListError> {
        let Some((key, after_key)) = varint(&self.buffer) else { return Ok(None) };
        if key & 7 != 2 || after_key > 10 {
            return Err(ListError::Field(key >> 3));
        }
        let rest = self.buffer.get(after_key..).unwrap_or_default();
        let Some((length, after_length)) = varint(rest) else { return Ok(None) };
        Ok(Some(Head { field: key >> 3, length, bytes: after_key + after_length }))
    }

    /// Takes a field out, if it has arrived whole.
    fn take(&mut self, head: Head) -> Result<Option<Bytes>, ListError> {
        if head.length > FIELD_MAX {
            return Err(ListError::TooLong(head.length));
        }
        // At most 16 MiB: it fits.
        let length = head.length as usize;
        if self.buffer.len() < head.bytes + length {
            return Ok(None);
        }
        self.buffer.advance(head.bytes);
        Ok(Some(self.buffer.split_to(length).freeze()))
    }
}

/// The head of a field.
#[derive(Debug, Clone, Copy)]
struct Head {
    field: u64,
    /// Of its content.
    length: u64,
    /// Of the head itself.
    bytes: usize,
}

/// A varint at the front and how long it is; `None` where it has not arrived whole. One of more
/// than ten bytes is none, and reads as too long for what it stands in.
fn varint(bytes: &[u8]) -> Option<(u64, usize)> {
    let mut value = 0_u64;
    for (at, byte) in bytes.iter().enumerate().take(10) {
        value |= u64::from(byte & 0x7f) << (7 * at);
        if *byte < 0x80 {
            return Some((value, at + 1));
        }
    }
    (bytes.len() >= 10).then_some((u64::MAX, 11))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;
    use crate::watch::proto::{List, Unknown};

    fn document(items: &[Vec<u8>], version: &str) -> Vec<u8> {
        let metadata =
            ListMeta { resource_version: Some(version.to_owned()), continue_token: None };
        let items = items.iter().cloned().map(Bytes::from).collect();
        let list = List { metadata: Some(metadata), items };
        let unknown = Unknown { raw: list.encode_to_vec().into() };
        // The type in front and the content type behind, as the API server writes them.
        let mut bytes = MAGIC.to_vec();
        bytes.extend_from_slice(&[0x0a, 0x0d, 0x0a, 0x02]);
        bytes.extend_from_slice(b"v1\x12\x07PodList");
        bytes.extend(unknown.encode_to_vec());
        bytes.extend_from_slice(b"\x1a\x00\x22\x00");
        bytes
    }

    fn read(stream: &[u8], cut: usize) -> Result<Vec<Piece>, ListError> {
        let mut reader = ListReader::new();
        let mut pieces = Vec::new();
        for chunk in stream.chunks(cut) {
            reader.push(chunk);
            while let Some(piece) = reader.next_piece()? {
                pieces.push(piece);
            }
        }
        reader.finish().map(|()| pieces)
    }

    proptest! {
        /// However the list is cut into chunks, the pieces are the same.
        #[test]
        fn chunks_do_not_matter(
            items in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 0..20),
            cut in 1_usize..500,
        ) {
            let pieces = read(&document(&items, "7"), cut).unwrap();
            let mut expected = vec![Piece::Metadata(ListMeta {
                resource_version: Some("7".to_owned()),
                continue_token: None,
            })];
            expected.extend(items.into_iter().map(|item| Piece::Item(item.into())));
            prop_assert_eq!(pieces, expected);
        }

        /// Whatever comes, it is read or refused.
        #[test]
        fn any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..200), cut in 1_usize..50) {
            let _ = read(&bytes, cut);
            let _ = read(&[MAGIC, &bytes].concat(), cut);
        }

        /// A list that is cut is never taken for a whole one.
        #[test]
        fn a_cut_list_is_an_error(left_out in 5_usize..40) {
            let whole = document(&vec![vec![1; 30]; 3], "7");
            let cut = whole.get(..whole.len() - left_out).unwrap();
            prop_assert_eq!(read(cut, 16), Err(ListError::Cut));
        }
    }

    #[test]
    fn what_is_refused() {
        assert_eq!(read(b"{\"kind\":\"List\"}", 4), Err(ListError::NoMagic));
        assert_eq!(read(b"k8s\0\x08\x01", 4), Err(ListError::Field(1)));
        // An item longer than the list it is in.
        assert_eq!(read(b"k8s\0\x12\x04\x12\x05abcde", 4), Err(ListError::Field(2)));
        let huge = b"k8s\0\x12\xff\xff\xff\xff\x0f\x12\xff\xff\xff\x7f";
        assert_eq!(read(huge, 4), Err(ListError::TooLong(0x0fff_ffff)));
        assert_eq!(read(b"", 1), Err(ListError::Cut));
    }
}
