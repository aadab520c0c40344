//! Rounds that are kept, so that an interrupted run goes on where it stopped.
//!
//! One line of JSON per finished round, appended and synced. A line that was cut off by an
//! interruption is left out, and its round is run again.

use std::borrow::Cow;
use std::fs::{self, File};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use super::contestant::{Contestant, FORMER};
use super::figures::Figures;
use super::identity::{Build, Machine};

/// Which round it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoundKey {
    /// `CASE/WORKLOAD`.
    pub shape: String,
    /// Of the workload's operations and templates.
    pub mark: String,
    /// From 1.
    pub round: usize,
    /// Who bound.
    pub contestant: Contestant,
}

/// A finished round.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Kept {
    /// Which.
    #[serde(flatten)]
    pub key: RoundKey,
    /// Where.
    pub machine: Machine,
    /// Of what.
    pub build: Build,
    /// The outcome.
    pub figures: Figures,
}

/// A round, as far as it tells whether it still counts.
#[derive(Deserialize)]
struct Bound<'a> {
    #[serde(borrow)]
    contestant: Cow<'a, str>,
}

/// The file of kept rounds.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    kept: Vec<Kept>,
}

impl Journal {
    /// Opens the file, which need not be there yet. Rounds of former flooders are left out.
    ///
    /// # Errors
    /// A file that cannot be read, or with a line inside that is no round.
    pub fn open(path: &Path) -> Result<Self> {
        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(error).with_context(|| path.display().to_string()),
        };
        let mut kept = Vec::new();
        for (index, line) in text.split_inclusive('\n').enumerate() {
            if line.ends_with('\n') && !line.trim().is_empty() {
                let place = || format!("{}:{}: no kept round", path.display(), index + 1);
                let Bound { contestant } = serde_json::from_str(line).with_context(place)?;
                if !FORMER.contains(&&*contestant) {
                    kept.push(serde_json::from_str(line).with_context(place)?);
                }
            }
        }
        Ok(Self { path: path.to_owned(), kept })
    }

    /// Keeps a round.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn keep(&mut self, round: Kept) -> Result<()> {
        if let Some(dir) = self.path.parent() {
            fs::create_dir_all(dir)?;
        }
        let open = File::options().create(true).append(true).read(true).open(&self.path);
        let mut file = open.with_context(|| self.path.display().to_string())?;
        drop_broken_end(&mut file)?;
        let mut line = serde_json::to_vec(&round)?;
        line.push(b'\n');
        file.write_all(&line)?;
        file.sync_data()?;
        self.kept.push(round);
        Ok(())
    }

    /// The round of a key, where it was run on this machine with this build.
    pub fn find(&self, key: &RoundKey, machine: &Machine, build: &Build) -> Option<&Kept> {
        self.of_run(machine, build).find(|kept| kept.key == *key)
    }

    /// Every round of one machine and one build: what may be compared.
    pub fn of_run(&self, machine: &Machine, build: &Build) -> impl Iterator<Item = &Kept> {
        let (machine, build) = (machine.clone(), build.clone());
        self.kept.iter().filter(move |kept| kept.machine == machine && kept.build.is_same(&build))
    }

    /// Every round, oldest first.
    pub fn all(&self) -> &[Kept] {
        &self.kept
    }
}

/// Cuts off what follows the last whole line, so that the next one is not appended to it.
fn drop_broken_end(file: &mut File) -> Result<()> {
    let mut text = Vec::new();
    file.seek(SeekFrom::Start(0))?;
    file.read_to_end(&mut text)?;
    let whole = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    if whole < text.len() {
        file.set_len(whole as u64)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
