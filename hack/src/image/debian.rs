//! What the binary needs from Debian: shared libraries, certificate authorities, users.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::NONROOT;
use super::binary::Source;
use super::layer::Layer;

/// A Debian package, of which the image holds these files.
#[derive(Debug)]
pub(super) struct Package {
    pub(super) name: String,
    pub(super) version: String,
    pub(super) architecture: String,
    /// Its entry in dpkg's status, by which scanners know it.
    status: String,
    /// Absolute paths, as the binary's loader asks for them.
    files: Vec<PathBuf>,
}

const AUTHORITIES: &str = "ca-certificates";

/// The packages of the libraries that the binary is linked with, and of the authorities.
///
/// # Errors
/// The system is not Debian, or a library belongs to no package.
pub(super) fn packages_of(binary: &Path) -> Result<Vec<Package>> {
    let linked = output(Command::new("ldd").arg(binary)).with_context(|| {
        format!("{}: needs a program that is linked with Debian's libraries", binary.display())
    })?;
    let mut by_name: BTreeMap<String, Vec<PathBuf>> = BTreeMap::new();
    for library in libraries(&linked) {
        by_name.entry(owner(&library)?).or_default().push(library);
    }
    let listed = output(Command::new("dpkg-query").args(["--listfiles", AUTHORITIES]))?;
    let is_authority = |file: &&str| file.ends_with(".crt");
    let authorities = listed.lines().filter(is_authority).map(PathBuf::from).collect();
    by_name.insert(AUTHORITIES.to_owned(), authorities);
    by_name.into_iter().map(|(name, files)| Package::read(&name, files)).collect()
}

impl Package {
    fn read(name: &str, mut files: Vec<PathBuf>) -> Result<Self> {
        files.sort();
        let status = output(Command::new("dpkg-query").args(["--status", name]))?;
        let field = |key: &str| {
            let value = status.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(": "));
            value.map(str::to_owned).with_context(|| format!("package {name}: no {key}"))
        };
        Ok(Self {
            version: field("Version")?,
            architecture: field("Architecture")?,
            // What counts as a list of files on the machine that builds is not the image's.
            status: status.split("\nConffiles:").next().unwrap_or_default().to_owned(),
            name: field("Package")?,
            files,
        })
    }
}

/// The paths that ldd names: of libraries, and of the loader.
fn libraries(listed: &str) -> Vec<PathBuf> {
    let path = |line: &str| {
        let line = line.trim();
        let path = line.split_once("=> ").map_or(line, |(_, path)| path);
        path.split(" (").next().filter(|path| path.starts_with('/')).map(PathBuf::from)
    };
    listed.lines().filter_map(path).collect()
}

/// The package of a library, which may be reached by links that no package lists.
fn owner(library: &Path) -> Result<String> {
    let real = library.canonicalize().with_context(|| format!("{}", library.display()))?;
    let merged = real.strip_prefix("/usr").map(|rest| Path::new("/").join(rest));
    for path in [Some(library.to_owned()), Some(real.clone()), merged.ok()].into_iter().flatten() {
        let found = output(Command::new("dpkg-query").arg("--search").arg(&path));
        if let Some((name, _)) = found.as_deref().ok().and_then(|text| text.split_once(": ")) {
            return Ok(name.to_owned());
        }
    }
    anyhow::bail!("{}: of no Debian package: build the image on Debian", real.display())
}

fn output(command: &mut Command) -> Result<String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command.output().with_context(|| {
        format!("cannot run {program}: build the image on Debian, in a container of it for example")
    })?;
    let error = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{program}: {}", error.trim());
    Ok(String::from_utf8(output.stdout)?)
}

/// The layer below the binary's. It changes when Debian's packages do.
///
/// # Errors
/// A file cannot be read.
pub(super) fn layer(packages: &[Package], source: &Source) -> Result<Layer> {
    let mut files: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    let mut authorities = Vec::new();
    for package in packages {
        for file in &package.files {
            let content = std::fs::read(file).with_context(|| format!("{}", file.display()))?;
            if package.name == AUTHORITIES {
                authorities.extend_from_slice(&content);
            } else {
                files.insert(inside(file), content);
            }
        }
        let licence = PathBuf::from(format!("/usr/share/doc/{}/copyright", package.name));
        let text = std::fs::read(&licence).with_context(|| format!("{}", licence.display()))?;
        files.insert(inside(&licence), text);
        let status = format!("var/lib/dpkg/status.d/{}", package.name);
        files.insert(status, package.status.clone().into_bytes());
    }
    files.insert("etc/ssl/certs/ca-certificates.crt".to_owned(), authorities);
    let release = std::fs::read("/etc/os-release").context("/etc/os-release")?;
    for (path, text) in [
        (
            "etc/passwd",
            format!(
                "root:x:0:0::/:/sbin/nologin\nnonroot:x:{NONROOT}:{NONROOT}::/:/sbin/nologin\n"
            ),
        ),
        ("etc/group", format!("root:x:0:\nnonroot:x:{NONROOT}:\n")),
        ("etc/nsswitch.conf", "hosts: files dns\n".to_owned()),
    ] {
        files.insert(path.to_owned(), text.into_bytes());
    }
    files.insert("etc/os-release".to_owned(), release);
    in_folders(&files, source.seconds)
}

fn inside(path: &Path) -> String {
    path.to_string_lossy().trim_start_matches('/').to_owned()
}

/// The files, after the folders that they are in.
fn in_folders(files: &BTreeMap<String, Vec<u8>>, seconds: u64) -> Result<Layer> {
    let mut layer = Layer::new(seconds);
    let mut folders = std::collections::BTreeSet::new();
    for path in files.keys() {
        let above = Path::new(path).ancestors().skip(1).filter(|p| !p.as_os_str().is_empty());
        folders.extend(above.map(|folder| folder.to_string_lossy().into_owned()));
    }
    for folder in &folders {
        layer.folder(folder, 0o755)?;
    }
    layer.folder("tmp", 0o1777)?;
    for (path, content) in files {
        // The loader is a program.
        let mode = if path.contains("/ld-") { 0o755 } else { 0o644 };
        layer.file(path, mode, content)?;
    }
    Ok(layer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libraries_and_the_loader_are_found_in_what_ldd_prints() {
        let listed = "\tlinux-vdso.so.1 (0x00007f195870d000)\n\
                      \tlibm.so.6 => /lib/x86_64-linux-gnu/libm.so.6 (0x00007f1956d00000)\n\
                      \tlibgone.so => not found\n\
                      \t/lib64/ld-linux-x86-64.so.2 (0x00007f195870f000)\n";
        let found = ["/lib/x86_64-linux-gnu/libm.so.6", "/lib64/ld-linux-x86-64.so.2"];
        assert_eq!(libraries(listed), found.map(PathBuf::from));
    }
}
