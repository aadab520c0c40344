//! Whether an image is what it has to be, read back from its archive.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use flate2::read::GzDecoder;
use serde_json::Value;
use tar::Archive;

use super::archive::digest_of;
use super::binary::Source;
use super::{BINARY, NONROOT};

/// Bytes that the files of an image may have together.
const SIZE_MAX: u64 = 40 << 20;

/// Follows the archive from its index to its files and runs the binary among them.
///
/// # Errors
/// A digest or size is wrong, the user is another, the image is too big, has a shell, or does not
/// run.
pub(super) fn check(archive: &Path, source: &Source) -> Result<()> {
    let blobs = Blobs::read(archive)?;
    let index: Value = serde_json::from_slice(blobs.file("index.json")?)?;
    let manifest: Value = serde_json::from_slice(blobs.blob(&index["manifests"][0])?)?;
    let config: Value = serde_json::from_slice(blobs.blob(&manifest["config"])?)?;
    let user = &config["config"]["User"];
    ensure!(*user == format!("{NONROOT}:{NONROOT}"), "the user is {user}");
    ensure!(manifest["annotations"]["org.opencontainers.image.revision"] == source.commit);

    let root = tempfile::tempdir()?;
    let layers = manifest["layers"].as_array().context("the manifest has no layers")?;
    let plain = config["rootfs"]["diff_ids"].as_array().context("the config has no layers")?;
    ensure!(layers.len() == plain.len(), "{} layers, {} diff_ids", layers.len(), plain.len());
    for (layer, plain) in layers.iter().zip(plain) {
        let mut tar = Vec::new();
        GzDecoder::new(blobs.blob(layer)?).read_to_end(&mut tar)?;
        ensure!(*plain == digest_of(&tar), "a layer's diff_id is not its content's");
        Archive::new(tar.as_slice()).unpack(root.path())?;
    }
    let files = sizes(root.path())?;
    let size: u64 = files.iter().map(|(_, bytes)| bytes).sum();
    ensure!(size <= SIZE_MAX, "the image has {size} bytes of files, {SIZE_MAX} are allowed");
    let shell = files.iter().find(|(path, _)| path.ends_with("/sh") || path.ends_with("/bash"));
    ensure!(shell.is_none(), "the image has a shell: {shell:?}");

    let version = run(root.path(), &["version"])?;
    let commit = &source.commit;
    ensure!(version.contains(commit), "the binary says {version:?}, the commit is {commit}");
    let demo = run(root.path(), &["demo"]).err().map(|error| error.to_string());
    let is_left_out = demo.is_some_and(|text| text.contains("neither `demo` nor `sandbox`"));
    ensure!(is_left_out, "the binary is not the cluster build: it has demo and sandbox");
    println!("image: {} files, {:.1} MB; {}", files.len(), size as f64 / 1e6, version.trim());
    Ok(())
}

/// What the binary prints when it is run with `root` as its whole file system, by the image's user.
fn run(root: &Path, args: &[&str]) -> Result<String> {
    let root = root.to_str().context("the temporary folder's path is not UTF-8")?;
    let program = format!("/{BINARY}");
    let is_root = std::fs::metadata("/proc/self").is_ok_and(|own| {
        use std::os::unix::fs::MetadataExt;
        own.uid() == 0
    });
    let user = format!("--userspec={NONROOT}:{NONROOT}");
    let mut command = match is_root {
        true => Command::new("chroot"),
        false => Command::new("unshare"),
    };
    match is_root {
        true => command.args([&user, root, &program]),
        // Without root a namespace of one's own, in which the user is root outside.
        false => command.args(["--map-root-user", &format!("--root={root}"), &program]),
    };
    let path = "/usr/sbin:/usr/bin:/sbin:/bin";
    let output = command.args(args).env_clear().env("PATH", path).output();
    let output = output.context("cannot run chroot or unshare")?;
    let error = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "the image's binary: {}: {}", output.status, error.trim());
    Ok(String::from_utf8(output.stdout)?)
}

/// The files below a folder, and their bytes.
fn sizes(root: &Path) -> Result<Vec<(String, u64)>> {
    let (mut folders, mut files) = (vec![root.to_owned()], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder)? {
            let entry = entry?;
            let of = entry.metadata()?;
            if of.is_dir() {
                folders.push(entry.path());
            } else {
                files.push((entry.path().to_string_lossy().into_owned(), of.len()));
            }
        }
    }
    Ok(files)
}

/// The files of an archive.
struct Blobs(BTreeMap<String, Vec<u8>>);

impl Blobs {
    fn read(archive: &Path) -> Result<Self> {
        let file =
            std::fs::File::open(archive).with_context(|| format!("{}", archive.display()))?;
        let mut files = BTreeMap::new();
        for entry in Archive::new(file).entries()? {
            let mut entry = entry?;
            let path = entry.path()?.to_string_lossy().into_owned();
            let mut content = Vec::new();
            entry.read_to_end(&mut content)?;
            files.insert(path, content);
        }
        Ok(Self(files))
    }

    fn file(&self, path: &str) -> Result<&[u8]> {
        self.0.get(path).map(Vec::as_slice).with_context(|| format!("the archive has no {path}"))
    }

    /// What a descriptor names.
    fn blob(&self, descriptor: &Value) -> Result<&[u8]> {
        let digest = descriptor["digest"].as_str().context("a descriptor has no digest")?;
        let content = self.file(&format!("blobs/{}", digest.replace(':', "/")))?;
        ensure!(digest_of(content) == digest, "{digest} is not its content's");
        ensure!(descriptor["size"] == content.len(), "{digest} has another size");
        Ok(content)
    }
}
