//! A kubeconfig with a bearer token, as a file that only its owner reads.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use anyhow::{Context, Result};

/// Writes a kubeconfig, in place of what was there. Who waits for the file finds it whole.
///
/// # Errors
/// The file cannot be written.
pub(crate) fn write(path: &Path, text: &str) -> Result<()> {
    let name = path.file_name().with_context(|| format!("{} names no file", path.display()))?;
    let mut unfinished = name.to_owned();
    unfinished.push(format!(".{}", std::process::id()));
    let unfinished = path.with_file_name(unfinished);
    let failed = || format!("writing the kubeconfig {}", path.display());
    let mut options = OpenOptions::new();
    // Never through a link that somebody else has put there.
    let mut file =
        options.write(true).create_new(true).mode(0o600).open(&unfinished).with_context(failed)?;
    let written = file.write_all(text.as_bytes()).and_then(|()| std::fs::rename(&unfinished, path));
    if written.is_err() {
        // The error that matters is the first.
        let _ = std::fs::remove_file(&unfinished);
    }
    written.with_context(failed)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn replaces_the_file_for_its_owner_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("kubeconfig");
        std::fs::write(&path, "old").unwrap();
        write(&path, "new").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "new");
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
        let missing = dir.path().join("missing").join("kubeconfig");
        let text = format!("{:#}", write(&missing, "new").unwrap_err());
        assert!(text.contains("missing/kubeconfig"), "{text}");
        assert!(write(Path::new("/"), "new").is_err());
    }
}
