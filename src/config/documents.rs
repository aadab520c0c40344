//! Which document of a file is which: a KubeSchedulerConfiguration and, before it or after it, a
//! BerthConfiguration.

use super::berth;
use super::problem::{Problem, Problems, Stage};
use super::tree::{Document, Kind, Node};
use super::v1::{API_VERSION, KIND};

/// The documents of a file.
pub(super) struct Documents {
    pub(super) kube_scheduler: Document,
    pub(super) berth: Option<Document>,
}

/// Tells the documents apart.
///
/// # Errors
/// One is empty, of another kind, or there twice; none is a KubeSchedulerConfiguration.
pub(super) fn tell_apart(mut documents: Vec<Document>) -> Result<Documents, Vec<Problem>> {
    let (mut problems, several) = (Vec::new(), documents.len() > 1);
    let mut wrong = |document: &Document, path: &str, message: String| {
        let mut found = Problems::default();
        let line = document.root.line_of(path).unwrap_or(document.root.line);
        found.add(Stage::Decode, path, Some(line), message);
        problems.extend(found.located(|_| None));
    };
    let kind = |document: &Document| document.root.get("kind").and_then(Node::as_str) == Some(KIND);
    let is_other = |document: &Document| !berth::is_meant(&document.root);
    let is_empty = |document: &Document| several && document.root.kind == Kind::Null;
    // Where none says that it is one, the first that is nothing else is meant to be.
    let meant = |document: &Document| is_other(document) && !is_empty(document);
    let place = documents.iter().position(kind).or_else(|| documents.iter().position(meant));
    let mut berth_at = None;
    for (at, document) in documents.iter().enumerate() {
        if is_empty(document) {
            wrong(document, "", "an empty document: leave out its ---".to_owned());
        } else if !is_other(document) {
            if let Some(first) = berth_at.replace(at).and_then(|at: usize| documents.get(at)) {
                let line = first.root.line;
                let message = format!("a second {}: line {line} begins one already", berth::KIND);
                wrong(document, "kind", message);
            }
        } else if Some(at) != place {
            let message = if kind(document) {
                format!("a second {KIND}: a file has one")
            } else {
                let kind = document.root.get("kind").and_then(Node::as_str).unwrap_or_default();
                format!(
                    "{kind:?} is not read: a file has a {KIND} ({API_VERSION}) and may have a {} \
                     ({})",
                    berth::KIND,
                    berth::API_VERSION
                )
            };
            wrong(document, "kind", message);
        }
    }
    if place.is_none()
        && let Some(document) = documents.first()
    {
        let message = format!(
            "a {KIND} is needed beside it: a document with apiVersion: {API_VERSION} and kind: \
             {KIND}"
        );
        wrong(document, "", message);
    }
    let Some(place) = place.filter(|_| problems.is_empty()) else { return Err(problems) };
    let kube_scheduler = documents.remove(place);
    Ok(Documents { kube_scheduler, berth: documents.pop() })
}
