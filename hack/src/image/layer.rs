//! A layer: a tar file of root's, with one time for all entries.

use std::io::Write;

use anyhow::Result;
use flate2::{Compression, GzBuilder};
use tar::{Builder, EntryType, Header};

use super::archive::{Archive, Blob, digest_of};

/// Entries in the order in which they were added.
#[derive(Debug)]
pub(super) struct Layer {
    seconds: u64,
    entries: Vec<(Header, String, Vec<u8>)>,
}

impl Layer {
    /// An empty layer; all its times are `seconds` since the epoch.
    pub(super) fn new(seconds: u64) -> Self {
        Self { seconds, entries: Vec::new() }
    }

    /// Adds a folder, with or without the bits of a sticky one.
    pub(super) fn folder(&mut self, path: &str, mode: u32) -> Result<()> {
        self.entry(EntryType::Directory, &format!("{path}/"), mode, &[])
    }

    /// Adds a file.
    pub(super) fn file(&mut self, path: &str, mode: u32, content: &[u8]) -> Result<()> {
        self.entry(EntryType::Regular, path, mode, content)
    }

    fn entry(&mut self, kind: EntryType, path: &str, mode: u32, content: &[u8]) -> Result<()> {
        let mut header = Header::new_ustar();
        header.set_entry_type(kind);
        header.set_mode(mode);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(self.seconds);
        header.set_size(content.len() as u64);
        self.entries.push((header, path.to_owned(), content.to_vec()));
        Ok(())
    }

    /// The tar file.
    pub(super) fn plain(&self) -> Result<Vec<u8>> {
        let mut tar = Builder::new(Vec::new());
        for (header, path, content) in &self.entries {
            tar.append_data(&mut header.clone(), path, content.as_slice())?;
        }
        Ok(tar.into_inner()?)
    }

    /// Adds the layer to an archive, compressed; its descriptor, and the digest of the plain tar.
    pub(super) fn compress(&self, archive: &mut Archive) -> Result<(Blob, String)> {
        let plain = self.plain()?;
        // Without a time and a file name.
        let mut gzip = GzBuilder::new().mtime(0).write(Vec::new(), Compression::best());
        gzip.write_all(&plain)?;
        let compressed = gzip.finish()?;
        let blob = archive.add("application/vnd.oci.image.layer.v1.tar+gzip", compressed);
        Ok((blob, digest_of(&plain)))
    }
}
