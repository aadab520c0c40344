//! A layer: a tar file of root's, with one time for all entries.

use anyhow::Result;
use tar::{Builder, EntryType, Header};

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
}
