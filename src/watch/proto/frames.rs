//! Cutting a watch's byte stream into events: frames with a length in protobuf, lines in JSON.

use bytes::{Buf, Bytes, BytesMut};

/// Largest event. etcd takes requests up to 1.5 MB, the API server objects up to 3 MB, and JSON
/// takes about twice the bytes of protobuf: 16 MiB is beyond anything that is not broken.
const EVENT_MAX: usize = 16 << 20;

/// How events are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Framing {
    /// 4 bytes of length, big-endian, then the event.
    LengthDelimited,
    /// One event a line.
    Lines,
}

/// An event above [`EVENT_MAX`]: the stream cannot be followed any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("watch event of {0} bytes or more; events above {EVENT_MAX} bytes are not read")]
pub(crate) struct TooLong(pub(crate) usize);

/// Collects chunks and gives out whole events. What is left when the stream ends is an event cut
/// in two and is dropped: the watch resumes before it.
#[derive(Debug)]
pub(crate) struct Frames {
    framing: Framing,
    buffer: BytesMut,
    /// Bytes at the front of the buffer that are known to hold no newline.
    searched: usize,
}

impl Frames {
    /// An empty stream.
    pub(crate) fn new(framing: Framing) -> Self {
        Self { framing, buffer: BytesMut::new(), searched: 0 }
    }

    /// Adds a chunk as it came from the network.
    pub(crate) fn push(&mut self, chunk: &[u8]) {
        self.buffer.extend_from_slice(chunk);
    }

    /// The next whole event, if it has arrived. Empty lines are skipped.
    pub(crate) fn next_event(&mut self) -> Result<Option<Bytes>, TooLong> {
        match self.framing {
            Framing::LengthDelimited => self.next_frame(),
            Framing::Lines => self.next_line(),
        }
    }

    fn next_frame(&mut self) -> Result<Option<Bytes>, TooLong> {
        let Some(length) = self.buffer.first_chunk::<4>() else { return Ok(None) };
        let length = usize::try_from(u32::from_be_bytes(*length)).unwrap_or(usize::MAX);
        if length > EVENT_MAX {
            return Err(TooLong(length));
        }
        if self.buffer.len() < 4 + length {
            return Ok(None);
        }
        self.buffer.advance(4);
        Ok(Some(self.buffer.split_to(length).freeze()))
    }

    fn next_line(&mut self) -> Result<Option<Bytes>, TooLong> {
        loop {
            let Some(end) = self.buffer[self.searched..].iter().position(|b| *b == b'\n') else {
                self.searched = self.buffer.len();
                return if self.searched > EVENT_MAX {
                    Err(TooLong(self.searched))
                } else {
                    Ok(None)
                };
            };
            let mut line = self.buffer.split_to(self.searched + end + 1);
            self.searched = 0;
            line.truncate(line.len() - 1);
            if !line.iter().all(u8::is_ascii_whitespace) {
                return Ok(Some(line.freeze()));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    fn all(frames: &mut Frames) -> Vec<Bytes> {
        std::iter::from_fn(|| frames.next_event().unwrap()).collect()
    }

    proptest! {
        /// However the stream is cut into chunks, the events are the same.
        #[test]
        fn chunks_do_not_matter(
            events in prop::collection::vec(prop::collection::vec(b'a'..=b'z', 1..40), 0..20),
            cut in 1_usize..50,
            lines: bool,
        ) {
            let mut stream = Vec::new();
            for event in &events {
                if lines {
                    stream.extend_from_slice(event);
                    stream.extend_from_slice(b"\n\n");
                } else {
                    stream.extend_from_slice(&u32::try_from(event.len()).unwrap().to_be_bytes());
                    stream.extend_from_slice(event);
                }
            }
            let framing = if lines { Framing::Lines } else { Framing::LengthDelimited };
            let mut frames = Frames::new(framing);
            let mut seen = Vec::new();
            for chunk in stream.chunks(cut) {
                frames.push(chunk);
                seen.extend(all(&mut frames));
            }
            prop_assert_eq!(seen, events);
        }
    }

    #[test]
    fn a_huge_event_is_an_error() {
        let mut frames = Frames::new(Framing::LengthDelimited);
        frames.push(&[0xff, 0xff, 0xff, 0xff, 1]);
        assert_eq!(frames.next_event(), Err(TooLong(u32::MAX as usize)));
        let mut frames = Frames::new(Framing::Lines);
        frames.push(&vec![b'x'; EVENT_MAX + 1]);
        assert_eq!(frames.next_event(), Err(TooLong(EVENT_MAX + 1)));
    }
}
