//! The container image: an OCI archive, written without a container daemon.
//!
//! Two layers: what the binary needs from Debian (shared libraries, certificate authorities and
//! users), and the binary. Nothing depends on the time or the folder of the build: times are those
//! of the commit, and paths in the binary are mapped to fixed ones.

mod archive;
mod binary;
mod check;
mod debian;
mod layer;
mod sbom;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::json;

use archive::{Archive, Blob};
use binary::Source;
use layer::Layer;

use crate::task;

/// Where the image is published, and the name that the manifests ask for.
const REPOSITORY: &str = "ghcr.io/berth-scheduler/berth";
const DESCRIPTION: &str =
    "A kube-scheduler-compatible scheduler that places the pods of a Job as one class";
/// User and group of distroless images' `nonroot`, which the Deployment names as well.
const NONROOT: u32 = 65532;
/// The binary within the image.
const BINARY: &str = "usr/bin/berth";

/// What `image` is asked for.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Where the archive, its digest and its SBOM are written
    #[arg(long, default_value = "target/image")]
    output: PathBuf,
    /// Take this binary instead of building one
    #[arg(long, value_name = "FILE")]
    binary: Option<PathBuf>,
}

/// Builds the image and checks it: content, size, user, and that it runs.
///
/// # Errors
/// The build fails, the machine's system is not Debian, a file cannot be read or written, or the
/// image is not as it has to be.
pub(crate) fn run(options: &Options) -> Result<()> {
    let root = task::workspace()?;
    let source = Source::of(&root)?;
    let binary = match &options.binary {
        Some(file) => file.clone(),
        None => binary::build(&root, &source)?,
    };
    let packages = debian::packages_of(&binary)?;
    let base = debian::layer(&packages, &source)?;
    let program = program_layer(&binary, &source)?;
    let architecture = architecture();
    let image = assemble(&[base, program], &source, architecture)?;

    let output = root.join(&options.output);
    std::fs::create_dir_all(&output).with_context(|| format!("{}", output.display()))?;
    let stem = output.join(format!("berth-{}-linux-{architecture}", source.version));
    let [tar, bill, digest] = [".tar", ".cdx.json", ".digest"]
        .map(|end| PathBuf::from(format!("{}{end}", stem.display())));
    // Under its name only once it is known to be right: a good archive of before stays otherwise.
    let unchecked = PathBuf::from(format!("{}.unchecked", tar.display()));
    write(&unchecked, &image.archive.bytes(source.seconds)?)?;
    let checked = check::check(&unchecked, &source).and_then(|()| {
        std::fs::rename(&unchecked, &tar).with_context(|| format!("{}", tar.display()))
    });
    if checked.is_err() {
        // What is left of it is nobody's.
        _ = std::fs::remove_file(&unchecked);
    }
    checked?;
    write(&bill, &sbom::text(&source, &packages, &image.digest)?)?;
    write(&digest, format!("{}\n", image.digest).as_bytes())?;
    println!("{REPOSITORY}:{}@{}", source.version, image.digest);
    println!("{}, for docker load, ctr images import, kind load image-archive", tar.display());
    Ok(())
}

/// The processor, by its name in Go and OCI.
fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

fn write(file: &Path, bytes: &[u8]) -> Result<()> {
    std::fs::write(file, bytes).with_context(|| format!("{}", file.display()))
}

fn program_layer(binary: &Path, source: &Source) -> Result<Layer> {
    let content = std::fs::read(binary).with_context(|| format!("{}", binary.display()))?;
    let mut layer = Layer::new(source.seconds);
    layer.folder("usr", 0o755)?;
    layer.folder("usr/bin", 0o755)?;
    layer.file(BINARY, 0o755, &content)?;
    layer.folder("usr/share", 0o755)?;
    layer.folder("usr/share/doc", 0o755)?;
    layer.folder("usr/share/doc/berth", 0o755)?;
    layer.file("usr/share/doc/berth/LICENSE", 0o644, &source.licence)?;
    Ok(layer)
}

struct Image {
    archive: Archive,
    /// Of the manifest: what `image@sha256:…` names.
    digest: String,
}

/// Config, manifest and index around the layers.
fn assemble(layers: &[Layer], source: &Source, architecture: &str) -> Result<Image> {
    let mut archive = Archive::default();
    let mut annotations = serde_json::Map::new();
    for (key, value) in [
        ("title", "berth"),
        ("description", DESCRIPTION),
        ("version", source.version.as_str()),
        ("revision", source.commit.as_str()),
        ("created", source.created.as_str()),
        ("source", source.repository.as_str()),
        ("licenses", "Apache-2.0"),
    ] {
        annotations.insert(format!("org.opencontainers.image.{key}"), value.into());
    }
    let blobs: Vec<(Blob, String)> =
        layers.iter().map(|layer| archive.add_layer(layer)).collect::<Result<_>>()?;
    let diff_ids: Vec<&String> = blobs.iter().map(|(_, plain)| plain).collect();
    let config = json!({
        "architecture": architecture,
        "os": "linux",
        "created": source.created,
        "config": {
            "User": format!("{NONROOT}:{NONROOT}"),
            "Env": ["PATH=/usr/bin", "SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt"],
            "Entrypoint": [format!("/{BINARY}")],
            "Cmd": ["run"],
            "WorkingDir": "/",
            "Labels": annotations,
        },
        "rootfs": { "type": "layers", "diff_ids": diff_ids },
        "history": [
            { "created": source.created, "created_by": "hack image: libraries of Debian" },
            { "created": source.created, "created_by": "hack image: berth" },
        ],
    });
    let config = archive.add("application/vnd.oci.image.config.v1+json", config.to_string());
    let layers: Vec<&Blob> = blobs.iter().map(|(blob, _)| blob).collect();
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": config.descriptor(),
        "layers": layers.iter().map(|layer| layer.descriptor()).collect::<Vec<_>>(),
        "annotations": annotations,
    });
    let manifest = archive.add("application/vnd.oci.image.manifest.v1+json", manifest.to_string());
    let digest = manifest.digest.clone();
    let name = format!("{REPOSITORY}:{}", source.version);
    archive.finish(&manifest, &config, &layers, &name, architecture);
    Ok(Image { archive, digest })
}
