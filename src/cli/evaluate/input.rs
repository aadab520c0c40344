//! Cases from what is typed, piped or printed by kubectl: JSON lines, JSON and YAML documents.
//!
//! A document with a `kind` is an object or a list of objects; all of them together are one case,
//! in which the pods that are on no node are tried.

use std::collections::HashMap;
use std::io::BufRead;

use anyhow::{Context, Result};
use serde_json::Value;
use serde_json::value::RawValue;

use super::case::Case;
use super::objects;
use super::wrong::Wrong;
use crate::config::Lines;

/// A case and where it came from, or the line of what is none and why.
pub(super) type Read = Result<(Case, Source), (usize, String)>;

/// Where the fields of a case are.
#[derive(Debug, Default)]
pub(super) struct Source {
    /// The line of a case that is on one line.
    line: usize,
    documents: Vec<Lines>,
    /// What is to be said beside the verdict.
    pub(super) note: Option<&'static str>,
    /// For collected objects: by field and place, the document and the path there.
    moved: HashMap<String, (usize, String)>,
}

impl Source {
    /// The line of a field of the case.
    pub(super) fn line_of(&self, wrong: &Wrong) -> usize {
        let path = wrong.path.as_str();
        let end = path.find(']').map_or(path.len(), |at| at + 1);
        let (place, below) = path.split_at(end);
        match self.moved.get(place) {
            Some((document, to)) => {
                let path = format!("{to}{below}");
                let path = path.strip_prefix('.').unwrap_or(&path);
                self.documents.get(*document).map_or(self.line, |lines| lines.line_of(path))
            }
            None => self.documents.first().map_or(self.line, |lines| lines.line_of(path)),
        }
    }

    /// Where it begins.
    pub(super) fn line(&self) -> usize {
        self.documents.first().map_or(self.line, |lines| lines.line_of(""))
    }
}

/// Reads cases one after the other and hands each over. Input without any is wrong as well.
///
/// # Errors
/// The input cannot be read, or `take` fails.
pub(super) fn each(input: impl BufRead, mut take: impl FnMut(Read) -> Result<()>) -> Result<()> {
    let mut taken = 0_usize;
    each_there(input, |read| {
        taken += 1;
        take(read)
    })?;
    if taken > 0 {
        return Ok(());
    }
    let message = "there is no case, and no object of Kubernetes: the input is empty";
    take(Err((1, message.to_owned())))
}

fn each_there(input: impl BufRead, mut take: impl FnMut(Read) -> Result<()>) -> Result<()> {
    let mut lines = input
        .lines()
        .enumerate()
        .map(|(at, line)| line.with_context(|| format!("reading line {} of the cases", at + 1)));
    let mut head = Vec::new();
    for line in lines.by_ref() {
        head.push(line?);
        if head.last().is_some_and(|line| !line.trim().is_empty()) {
            break;
        }
    }
    let mut collected = Collected::default();
    if head.last().is_some_and(|first| is_object(first)) {
        // Each line is answered as it comes.
        let head = head.into_iter().map(Ok);
        for (at, line) in head.chain(lines).enumerate() {
            one_line(&line?, at + 1, &mut collected, &mut take)?;
        }
    } else {
        for line in lines {
            head.push(line?);
        }
        match documents(&head.join("\n")) {
            Ok(documents) => {
                for document in documents {
                    one_document(document, &mut collected, &mut take)?;
                }
            }
            Err(_) if head.iter().any(|line| is_object(line)) => {
                for (at, line) in head.iter().enumerate() {
                    one_line(line, at + 1, &mut collected, &mut take)?;
                }
            }
            Err(wrong) => take(Err(wrong))?,
        }
    }
    match collected.into_case() {
        Some(read) => take(read),
        None => Ok(()),
    }
}

/// Whether a line is a JSON object by itself.
fn is_object(line: &str) -> bool {
    line.trim_start().starts_with('{')
        && serde_json::from_str::<serde::de::IgnoredAny>(line).is_ok()
}

fn one_line(
    text: &str,
    line: usize,
    collected: &mut Collected,
    take: &mut impl FnMut(Read) -> Result<()>,
) -> Result<()> {
    if text.trim().is_empty() {
        return Ok(());
    }
    match serde_json::from_str::<Case>(text) {
        Ok(case) => take(Ok((case, Source { line, ..Source::default() }))),
        Err(_) if is_kubernetes(text) => match Lines::read(text, line - 1) {
            Ok(lines) => {
                collected.add(lines);
                Ok(())
            }
            Err(wrong) => take(Err(wrong)),
        },
        Err(e) => {
            let message =
                format!("column {}: this line is not a case: {}", e.column(), plain(&e, "it"));
            take(Err((line, message)))
        }
    }
}

/// Whether a line is an object with a kind.
fn is_kubernetes(text: &str) -> bool {
    serde_json::from_str::<Value>(text).is_ok_and(|value| value["kind"].is_string())
}

fn one_document(
    document: Lines,
    collected: &mut Collected,
    take: &mut impl FnMut(Read) -> Result<()>,
) -> Result<()> {
    let value = document.value();
    match &value {
        Value::Null => Ok(()),
        Value::Object(fields) if fields.contains_key("kind") => {
            collected.add(document);
            Ok(())
        }
        _ => match serde_json::from_str::<Case>(&value.to_string()) {
            Ok(case) => take(Ok((case, Source { documents: vec![document], ..Source::default() }))),
            Err(e) => {
                let message = format!("this document is not a case: {}", plain(&e, "it"));
                take(Err((document.line_of(""), message)))
            }
        },
    }
}

/// The message without its place; `subject` is what is read.
fn plain(error: &serde_json::Error, subject: &str) -> String {
    let text = error.to_string();
    let text = text.split(" at line ").next().unwrap_or_default();
    match text.strip_prefix("EOF while parsing ") {
        Some(within) => format!("{subject} ends early, within {within}"),
        None => text.to_owned(),
    }
}

/// All documents of a text.
fn documents(text: &str) -> Result<Vec<Lines>, (usize, String)> {
    let mut documents = Vec::new();
    if text.trim_start().starts_with(['{', '[']) {
        let mut stream = serde_json::Deserializer::from_str(text).into_iter::<&RawValue>();
        let mut start = 0;
        while let Some(read) = stream.next() {
            read.map_err(|e| {
                (e.line(), format!("column {}: {}", e.column(), plain(&e, "the input")))
            })?;
            let end = stream.byte_offset();
            let document = text.get(start..end).unwrap_or_default();
            let before = text.get(..start).unwrap_or_default().matches('\n').count();
            documents.push(Lines::read(document, before)?);
            start = end;
        }
        return Ok(documents);
    }
    let (mut start, mut before, mut at, mut line) = (0, 0, 0, 0);
    for part in text.split_inclusive('\n') {
        if part.strip_prefix("---").is_some_and(|rest| rest.trim_start().len() < rest.len()) {
            documents.push(Lines::read(text.get(start..at).unwrap_or_default(), before)?);
            (start, before) = (at, line);
        }
        at += part.len();
        line += 1;
    }
    documents.push(Lines::read(text.get(start..).unwrap_or_default(), before)?);
    Ok(documents)
}

/// Objects that make one case.
#[derive(Default)]
struct Collected {
    case: Case,
    source: Source,
    /// Objects whose pods no controller has made.
    unmade: Vec<Unmade>,
}

struct Unmade {
    line: usize,
    kind: String,
    template: &'static str,
    /// It means something to the scheduler by itself.
    is_read: bool,
}

impl Collected {
    fn add(&mut self, document: Lines) {
        let value = document.value();
        self.source.documents.push(document);
        objects::take_apart(value, String::new(), &mut |path, object| self.sort_in(path, &object));
    }

    fn sort_in(&mut self, path: String, object: &Value) {
        let Ok(raw) = RawValue::from_string(object.to_string()) else { return };
        if let Some(template) = objects::template_of(object) {
            let kind = object["kind"].as_str().unwrap_or_default().to_owned();
            let line = self.source.documents.last().map_or(1, |lines| lines.line_of(&path));
            let is_read = objects::is_read(object);
            self.unmade.push(Unmade { line, kind, template, is_read });
        }
        let (field, list) = if is_pending(object) {
            ("pending", self.case.pending.get_or_insert_default())
        } else {
            ("objects", &mut self.case.objects)
        };
        list.push(raw);
        let place = format!("{field}[{}]", list.len() - 1);
        self.source.moved.insert(place, (self.source.documents.len() - 1, path));
    }

    fn into_case(mut self) -> Option<Read> {
        if self.source.documents.is_empty() {
            return None;
        }
        let none_tried = self.case.pending.get_or_insert_default().is_empty();
        let unmade = self.unmade.iter().find(|unmade| none_tried || !unmade.is_read);
        if let Some(Unmade { line, kind, template, .. }) = unmade {
            let message = format!(
                "a {kind} is not tried, pods and Jobs of batch/v1 are: give a Pod or a Job with \
                 its {template}"
            );
            return Some(Err((*line, message)));
        }
        self.source.note = none_tried.then_some(
            "no pod is tried: each is on a node, has ended or goes, and no Job is without its pods",
        );
        Some(Ok((self.case, self.source)))
    }
}

/// A pod that is on no node and has not ended, or a Job that no controller has seen.
fn is_pending(object: &Value) -> bool {
    match object["kind"].as_str() {
        Some("Pod") => {
            let phase = object["status"]["phase"].as_str().unwrap_or_default();
            object["spec"]["nodeName"].as_str().unwrap_or_default().is_empty()
                && !matches!(phase, "Succeeded" | "Failed")
                && object["metadata"]["deletionTimestamp"].is_null()
        }
        Some("Job") => object["metadata"]["uid"].is_null(),
        _ => false,
    }
}
