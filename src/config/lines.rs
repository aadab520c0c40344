//! Documents that are no configuration: read by the same readers, with the lines of their fields.

use serde_json::Value;

use super::tree::{Document, Node, SyntaxError};
use super::{json, yaml};

/// Most nodes of a YAML document: a pod as `kubectl get -o yaml` prints it has about 250, so this
/// is room for 20,000 pods. A node of the tree is 100 bytes.
const NODES_MAX: usize = 5_000_000;

/// A document, and the line of its text before it.
#[derive(Debug)]
pub(crate) struct Lines {
    root: Node,
    before: usize,
}

impl Lines {
    /// Reads a document; `before` lines of the file are before it.
    ///
    /// # Errors
    /// The line of the file and what is wrong there.
    pub(crate) fn read(text: &str, before: usize) -> Result<Self, (usize, String)> {
        let is_json = json::is_json(text);
        let read = if is_json { json::read(text) } else { yaml::read_large(text, NODES_MAX) };
        match read {
            Ok(Document { root, repeated, .. }) => match repeated.first() {
                Some((path, line)) => Err((before + line, format!("{path}: is here twice"))),
                None => Ok(Self { root, before }),
            },
            Err(SyntaxError { line, column, message }) => {
                let column = column.map_or(String::new(), |column| format!("column {column}: "));
                Err((before + line, format!("{column}{message}")))
            }
        }
    }

    /// The document.
    pub(crate) fn value(&self) -> Value {
        self.root.to_value()
    }

    /// The line of the file where a field is, or the nearest part of its path; the first one of the
    /// document where there is none.
    pub(crate) fn line_of(&self, path: &str) -> usize {
        self.before + self.root.line_of(path).unwrap_or(self.root.line)
    }
}
