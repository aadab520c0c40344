//! An OCI image layout in one tar file, which Docker's older loader reads as well.
//!
//! Source: image-layout.md of the OCI image specification 1.1; `manifest.json` is Docker's.

use std::collections::BTreeMap;
use std::io::Write;

use anyhow::Result;
use flate2::{Compression, GzBuilder};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::layer::Layer;

/// A blob, as descriptors name it.
#[derive(Debug, Clone)]
pub(super) struct Blob {
    pub(super) media_type: String,
    /// `sha256:` and the hash.
    pub(super) digest: String,
    /// In bytes.
    pub(super) size: usize,
}

impl Blob {
    /// Its descriptor.
    pub(super) fn descriptor(&self) -> Value {
        let Self { media_type, digest, size } = self;
        json!({ "mediaType": media_type, "digest": digest, "size": size })
    }

    /// Where it is within the archive.
    fn path(&self) -> String {
        format!("blobs/{}", self.digest.replace(':', "/"))
    }
}

/// Files by their paths.
#[derive(Debug, Default)]
pub(super) struct Archive {
    files: BTreeMap<String, Vec<u8>>,
}

/// The digest of some bytes.
pub(super) fn digest_of(bytes: &[u8]) -> String {
    use std::fmt::Write;

    let mut text = "sha256:".to_owned();
    for byte in Sha256::digest(bytes) {
        let _ = write!(text, "{byte:02x}");
    }
    text
}

impl Archive {
    /// Adds a blob under its digest.
    pub(super) fn add(&mut self, media_type: &str, content: impl Into<Vec<u8>>) -> Blob {
        let content = content.into();
        let digest = digest_of(&content);
        let blob = Blob { media_type: media_type.to_owned(), digest, size: content.len() };
        self.files.insert(blob.path(), content);
        blob
    }

    /// Adds a layer, compressed; its descriptor, and the digest of the plain tar.
    pub(super) fn add_layer(&mut self, layer: &Layer) -> Result<(Blob, String)> {
        let plain = layer.plain()?;
        // Without a time and a file name.
        let mut gzip = GzBuilder::new().mtime(0).write(Vec::new(), Compression::best());
        gzip.write_all(&plain)?;
        let compressed = gzip.finish()?;
        let blob = self.add("application/vnd.oci.image.layer.v1.tar+gzip", compressed);
        Ok((blob, digest_of(&plain)))
    }

    /// Adds what leads to the manifest: the index, and Docker's list.
    pub(super) fn finish(
        &mut self,
        manifest: &Blob,
        config: &Blob,
        layers: &[&Blob],
        name: &str,
        architecture: &str,
    ) {
        let mut descriptor = manifest.descriptor();
        descriptor["platform"] = json!({ "architecture": architecture, "os": "linux" });
        // The second is containerd's, which takes a whole name from nowhere else.
        descriptor["annotations"] = json!({
            "org.opencontainers.image.ref.name": name,
            "io.containerd.image.name": name,
        });
        let index = json!({
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.index.v1+json",
            "manifests": [descriptor],
        });
        let layers: Vec<String> = layers.iter().map(|layer| layer.path()).collect();
        let docker = json!([{ "Config": config.path(), "RepoTags": [name], "Layers": layers }]);
        let layout = json!({ "imageLayoutVersion": "1.0.0" });
        for (path, content) in
            [("index.json", index), ("manifest.json", docker), ("oci-layout", layout)]
        {
            self.files.insert(path.to_owned(), content.to_string().into_bytes());
        }
    }

    /// The tar file; all its times are `seconds` since the epoch.
    ///
    /// # Errors
    /// A path is longer than a tar header takes.
    pub(super) fn bytes(&self, seconds: u64) -> Result<Vec<u8>> {
        let mut tar = Layer::new(seconds);
        tar.folder("blobs", 0o755)?;
        tar.folder("blobs/sha256", 0o755)?;
        for (path, content) in &self.files {
            tar.file(path, 0o644, content)?;
        }
        tar.plain()
    }
}
