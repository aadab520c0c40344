//! What is wrong with a configuration, and where.

use std::fmt;

use super::tree::{Document, SyntaxError};
use crate::escape;

/// Which of kube-scheduler's checks finds the problem.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// Reading: syntax, version and kind, unknown and repeated fields, wrong types.
    Decode,
    /// The values, after the defaults are filled in.
    Validate,
    /// Building extenders, plugins and profiles.
    Profiles,
}

impl Stage {
    /// The name, as `berth evaluate` prints it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Decode => "decode",
            Self::Validate => "validate",
            Self::Profiles => "profiles",
        }
    }
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Which check found it.
    pub stage: Stage,
    /// The field, as kube-scheduler writes it: `profiles[0].plugins.score`; empty for the file.
    pub path: String,
    /// Line in the file, from 1; absent where nothing in the file stands for it.
    pub line: Option<usize>,
    /// Column in that line, from 1; where the text itself is wrong, not what it says.
    pub column: Option<usize>,
    /// What is wrong, and what would be right.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Paths and messages hold keys and names as they are in the file.
        if !self.path.is_empty() {
            write!(f, "{}: ", escape::line(&self.path))?;
        }
        f.write_str(&escape::line(&self.message))
    }
}

/// Everything that is wrong with a configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigErrors {
    /// The file, as it is named in messages.
    pub origin: String,
    /// At least one problem, in the order of their lines.
    pub problems: Vec<Problem>,
}

impl ConfigErrors {
    /// The first check that failed.
    pub fn stage(&self) -> Stage {
        self.problems.iter().map(|p| p.stage).min().unwrap_or(Stage::Decode)
    }
}

impl std::error::Error for ConfigErrors {}

impl fmt::Display for ConfigErrors {
    /// One line per problem: `FILE:LINE: PATH: MESSAGE`; `FILE:LINE:COLUMN: MESSAGE` where the
    /// text is neither YAML nor JSON.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, problem) in self.problems.iter().enumerate() {
            if i > 0 {
                f.write_str("\n")?;
            }
            f.write_str(&escape::line(&self.origin))?;
            if let Some(line) = problem.line {
                write!(f, ":{line}")?;
                if let Some(column) = problem.column {
                    write!(f, ":{column}")?;
                }
            }
            write!(f, ": {problem}")?;
        }
        Ok(())
    }
}

/// Collects problems while a configuration is read.
#[derive(Debug, Default)]
pub(super) struct Problems(Vec<Problem>);

impl Problems {
    /// Notes a problem. Its line is found later, unless it is known.
    pub(super) fn add(
        &mut self,
        stage: Stage,
        path: impl Into<String>,
        line: Option<usize>,
        message: impl Into<String>,
    ) {
        let (path, message) = (path.into(), message.into());
        let problem = Problem { stage, path, line, column: None, message };
        // Two checks of kube-scheduler may find the same: the first to do so has it.
        if !self.0.iter().any(|p| p.path == problem.path && p.message == problem.message) {
            self.0.push(problem);
        }
    }

    /// Notes that the text does not become a tree.
    pub(super) fn add_syntax(&mut self, error: SyntaxError) {
        self.0.push(Problem {
            stage: Stage::Decode,
            path: String::new(),
            line: Some(error.line),
            column: error.column,
            message: error.message,
        });
    }

    /// Notes the fields that are in one mapping twice.
    pub(super) fn add_repeated(&mut self, document: &Document) {
        for (path, line) in &document.repeated {
            self.add(Stage::Decode, path.clone(), Some(*line), "this field is here twice");
        }
    }

    /// Whether reading found something wrong at `path` or below it, so that the value there is not
    /// what the file says.
    pub(super) fn misread(&self, path: &str) -> bool {
        self.0.iter().any(|p| p.stage == Stage::Decode && is_at_or_below(&p.path, path))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Problem> {
        self.0.iter()
    }

    /// The problems by line, each with one where `line_of` knows it.
    pub(super) fn located(self, line_of: impl Fn(&str) -> Option<usize>) -> Vec<Problem> {
        let mut problems = self.0;
        for problem in &mut problems {
            if problem.line.is_none() {
                problem.line = line_of(&problem.path);
            }
        }
        problems.sort_by_key(|p| p.line.unwrap_or(usize::MAX));
        problems
    }
}

fn is_at_or_below(path: &str, ancestor: &str) -> bool {
    path.strip_prefix(ancestor)
        .is_some_and(|rest| ancestor.is_empty() || rest.is_empty() || rest.starts_with(['.', '[']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_covers_what_is_below_it() {
        let mut problems = Problems::default();
        problems.add(Stage::Decode, "profiles[1].plugins", None, "x");
        assert!(problems.misread("profiles[1]"));
        assert!(problems.misread("profiles[1].plugins"));
        assert!(!problems.misread("profiles[10]"));
        assert!(!problems.misread("profiles[1].plug"));
        assert!(!problems.misread("profiles[1].plugins.score"));
    }

    #[test]
    fn lines_lead_and_are_in_order() {
        let mut problems = Problems::default();
        problems.add(Stage::Validate, "b", None, "second");
        problems.add(Stage::Decode, "a", Some(3), "first");
        problems.add(Stage::Decode, "", None, "whole");
        let problems = problems.located(|path| (path == "b").then_some(7));
        let errors = ConfigErrors { origin: "f.yaml".to_owned(), problems };
        assert_eq!(errors.to_string(), "f.yaml:3: a: first\nf.yaml:7: b: second\nf.yaml: whole");
        assert_eq!(errors.stage(), Stage::Decode);
    }
}
