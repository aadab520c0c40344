//! What the file says, and whether that is new.

use std::fs::{self, File};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::Read;
use std::path::{Path, PathBuf};

use crate::config::TEXT_MAX;

/// What a look at the file found: its text, or why there is none.
pub(super) type Content = Result<String, String>;

/// One look at the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Look {
    /// Where its symbolic links lead.
    real: Option<PathBuf>,
    content: Content,
}

/// Looks at the file; blocks, as files do.
pub(super) fn look(path: &Path) -> Look {
    // The links are followed once, so that place and text belong together: the kubelet may swap
    // `..data` at any time.
    match fs::canonicalize(path) {
        Ok(real) => Look { content: read(&real), real: Some(real) },
        Err(error) => Look { real: None, content: Err(error.to_string()) },
    }
}

fn read(path: &Path) -> Content {
    let read = || -> std::io::Result<String> {
        // A FIFO would be waited for.
        if !fs::metadata(path)?.is_file() {
            return Err(std::io::Error::other("not a regular file"));
        }
        let mut text = String::new();
        // One more than is allowed, so that what is too long is refused and not cut.
        File::open(path)?.take(TEXT_MAX as u64 + 1).read_to_string(&mut text)?;
        Ok(text)
    };
    read().map_err(|error| error.to_string())
}

/// A look, remembered by its hash.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Mark {
    real: Option<PathBuf>,
    hash: u64,
}

impl Mark {
    fn of(look: &Look) -> Self {
        Self { real: look.real.clone(), hash: hash(&look.content) }
    }
}

fn hash(content: &Content) -> u64 {
    let mut hasher = DefaultHasher::new();
    content.hash(&mut hasher);
    hasher.finish()
}

/// Tells which looks are news.
#[derive(Debug)]
pub(super) struct ConfigFile {
    path: PathBuf,
    /// What was last passed on.
    settled: Mark,
    /// What differs from it and was seen once.
    candidate: Option<Mark>,
}

impl ConfigFile {
    /// The file at `path`, of which `text` is known.
    pub(super) fn new(path: PathBuf, text: String) -> Self {
        let real = fs::canonicalize(&path).ok();
        let settled = Mark { real, hash: hash(&Ok(text)) };
        Self { path, settled, candidate: None }
    }

    /// Its path, as given.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Takes a look in and gives its content back where that is news.
    ///
    /// A text behind a link that leads elsewhere now is whole: the kubelet writes a new folder and
    /// then swaps `..data`. A text at the same place may be half written, and a file that cannot be
    /// read may be about to be replaced, so those count when a second look finds the same.
    pub(super) fn take(&mut self, look: Look) -> Option<Content> {
        let mark = Mark::of(&look);
        if mark.hash == self.settled.hash {
            self.settled = mark;
            self.candidate = None;
            return None;
        }
        let swapped = look.content.is_ok() && mark.real != self.settled.real;
        if !swapped && self.candidate.as_ref() != Some(&mark) {
            self.candidate = Some(mark);
            return None;
        }
        self.settled = mark;
        self.candidate = None;
        Some(look.content)
    }
}

impl ConfigFile {
    /// Takes a look in and gives its content back, news or not: somebody has said that the file is
    /// whole now.
    pub(super) fn take_as_it_is(&mut self, look: Look) -> Content {
        self.settled = Mark::of(&look);
        self.candidate = None;
        look.content
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::os::unix::fs::symlink;

    use tempfile::TempDir;

    use super::*;

    /// A volume as the kubelet lays it out: `config.yaml -> ..data/config.yaml`,
    /// `..data -> ..VERSION`.
    fn mount(dir: &TempDir) -> PathBuf {
        swap(dir, "1", "one");
        let file = dir.path().join("config.yaml");
        symlink("..data/config.yaml", &file).unwrap();
        file
    }

    fn swap(dir: &TempDir, version: &str, text: &str) {
        let folder = dir.path().join(format!("..{version}"));
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("config.yaml"), text).unwrap();
        let link = dir.path().join("..data_tmp");
        symlink(format!("..{version}"), &link).unwrap();
        fs::rename(link, dir.path().join("..data")).unwrap();
    }

    fn poll(file: &mut ConfigFile) -> Option<Content> {
        let look = look(file.path());
        file.take(look)
    }

    fn text(text: &str) -> Option<Content> {
        Some(Ok(text.to_owned()))
    }

    #[test]
    fn a_swapped_link_counts_at_once() {
        let dir = tempfile::tempdir().unwrap();
        let mut file = ConfigFile::new(mount(&dir), "one".to_owned());
        assert_eq!(poll(&mut file), None);
        swap(&dir, "2", "two");
        fs::remove_dir_all(dir.path().join("..1")).unwrap();
        assert_eq!(poll(&mut file), text("two"));
        assert_eq!(poll(&mut file), None);
        swap(&dir, "3", "two");
        assert_eq!(poll(&mut file), None, "the same text in another folder");
        swap(&dir, "4", "one");
        assert_eq!(poll(&mut file), text("one"), "back to what it was");
    }

    #[test]
    fn a_swap_before_the_first_look_is_seen() {
        let dir = tempfile::tempdir().unwrap();
        let path = mount(&dir);
        swap(&dir, "2", "two");
        let mut file = ConfigFile::new(path, "one".to_owned());
        assert_eq!(poll(&mut file), None);
        assert_eq!(poll(&mut file), text("two"));
    }

    #[test]
    fn a_plain_file_counts_when_it_is_at_rest() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("config.yaml");
        fs::write(&path, "one").unwrap();
        let mut file = ConfigFile::new(path.clone(), "one".to_owned());
        assert_eq!(poll(&mut file), None);
        for half in ["", "tw", "two and"] {
            fs::write(&path, half).unwrap();
            assert_eq!(poll(&mut file), None, "{half:?} is not whole");
        }
        fs::write(&path, "two and a half").unwrap();
        assert_eq!(poll(&mut file), None);
        assert_eq!(poll(&mut file), text("two and a half"));
        assert_eq!(poll(&mut file), None);
        fs::write(&path, "").unwrap();
        assert_eq!(poll(&mut file), None);
        fs::write(&path, "two and a half").unwrap();
        assert_eq!(poll(&mut file), None, "written again with the same text");
        assert_eq!(poll(&mut file), None);
    }

    #[test]
    fn what_cannot_be_read_is_told_once_and_comes_back() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("config.yaml");
        fs::write(&path, "one").unwrap();
        let mut file = ConfigFile::new(path.clone(), "one".to_owned());
        fs::remove_file(&path).unwrap();
        assert_eq!(poll(&mut file), None, "an editor may be about to put it back");
        let told = poll(&mut file).unwrap().unwrap_err();
        assert!(told.contains("No such file"), "{told}");
        assert_eq!(poll(&mut file), None);
        fs::create_dir(&path).unwrap();
        assert_eq!(poll(&mut file), None);
        assert_eq!(poll(&mut file), Some(Err("not a regular file".to_owned())));
        fs::remove_dir(&path).unwrap();
        fs::write(&path, [0xff, 0xfe]).unwrap();
        assert_eq!(poll(&mut file), None);
        assert!(poll(&mut file).unwrap().unwrap_err().contains("UTF-8"));
        fs::write(&path, "one").unwrap();
        assert_eq!(poll(&mut file), None);
        assert_eq!(poll(&mut file), text("one"), "what was in force is news after an error");
    }

    #[test]
    fn what_is_too_long_is_not_cut_to_what_is_allowed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("config.yaml");
        fs::write(&path, " ".repeat(TEXT_MAX + 100)).unwrap();
        assert_eq!(look(&path).content.unwrap().len(), TEXT_MAX + 1);
    }
}
