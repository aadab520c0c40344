//! YAML to a tree, as `sigs.k8s.io/yaml` reads it: YAML 1.1 scalars, merge keys, repeated keys
//! noted.

use std::collections::HashMap;

use granit_parser::{Event, Parser, ScalarStyle, Span, Tag};

use super::scalar;
use super::tabs;
use super::tree::{DEPTH_MAX, Document, Entry, Kind, NODES_MAX, Node, SyntaxError};

/// Reads the first document of a text, as kube-scheduler does; what follows is nobody's business.
pub(super) fn read(text: &str) -> Result<Document, SyntaxError> {
    read_large(text, NODES_MAX)
}

/// As [`read`], with at most `nodes_max` nodes.
pub(super) fn read_large(text: &str, nodes_max: usize) -> Result<Document, SyntaxError> {
    let mut reader = Reader::new(text, nodes_max, tabs::refuse_in_first)?;
    let first = reader.document()?;
    Ok(first.unwrap_or_else(|| Document { root: Node::null(1), repeated: Vec::new() }))
}

/// Reads all documents of a text; one that is empty where there is none.
pub(super) fn read_all(text: &str) -> Result<Vec<Document>, SyntaxError> {
    let mut reader = Reader::new(text, NODES_MAX, tabs::refuse)?;
    let mut documents = Vec::new();
    while let Some(document) = reader.document()? {
        documents.push(document);
    }
    if documents.is_empty() {
        documents.push(Document { root: Node::null(1), repeated: Vec::new() });
    }
    Ok(documents)
}

/// The characters that go-yaml's `readerc.go` refuses.
fn refuse_control_characters(text: &str) -> Result<(), SyntaxError> {
    for (i, line) in text.split('\n').enumerate() {
        let wrong = line.chars().enumerate().find(|&(_, c)| {
            !matches!(c, '\t' | '\r' | ' '..='~' | '\u{85}' | '\u{a0}'..='\u{fffd}' | '\u{10000}'..)
        });
        if let Some((before, c)) = wrong {
            let message =
                format!("control characters are not allowed: found {}", c.escape_unicode());
            return Err(SyntaxError { line: i + 1, column: Some(before + 1), message });
        }
    }
    Ok(())
}

/// The directives that go-yaml takes, which knows version 1.1 only.
fn refuse_directives(text: &str) -> Result<(), SyntaxError> {
    for (i, line) in text.split('\n').enumerate() {
        let message = match line.split_whitespace().next() {
            None => continue,
            Some(word) if word.starts_with('#') => continue,
            Some("%TAG") => continue,
            Some("%YAML") if line.split_whitespace().nth(1) == Some("1.1") => continue,
            Some("%YAML") => "only YAML 1.1 is read: leave out the %YAML line",
            Some(word) if word.starts_with('%') && line.starts_with('%') => "unknown directive",
            Some(_) => return Ok(()),
        };
        return Err(SyntaxError { line: i + 1, column: None, message: message.to_owned() });
    }
    Ok(())
}

struct Reader<'a> {
    text: &'a str,
    events: Parser<'a, granit_parser::StrInput<'a>>,
    /// Anchored nodes, with the number of nodes and of levels in each.
    anchors: HashMap<usize, (Node, Size)>,
    nodes: usize,
    nodes_max: usize,
    path: String,
    repeated: Vec<(String, usize)>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Size {
    nodes: usize,
    levels: usize,
}

type Read<T> = Result<T, SyntaxError>;

/// What looks at the tabs that are to be refused.
type RefuseTabs = fn(&str, granit_parser::Options) -> Read<()>;

fn error<T>(span: Span, message: impl Into<String>) -> Read<T> {
    let column = Some(span.start.col() + 1);
    Err(SyntaxError { line: span.start.line(), column, message: message.into() })
}

impl<'a> Reader<'a> {
    fn new(text: &'a str, nodes_max: usize, refuse_tabs: RefuseTabs) -> Read<Self> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        refuse_control_characters(text)?;
        refuse_directives(text)?;
        let options = granit_parser::options! {
            emit_comments: false,
            bom_inside_document_as_content: true,
            block_scalar_eof_without_line_feed: true,
        };
        refuse_tabs(text, options.clone())?;
        Ok(Reader {
            text,
            events: Parser::new_from_str_with_options(text, options),
            anchors: HashMap::new(),
            nodes: 0,
            nodes_max,
            path: String::new(),
            repeated: Vec::new(),
        })
    }

    /// The next document; `None` where there is none.
    fn document(&mut self) -> Read<Option<Document>> {
        loop {
            match self.next()? {
                (Event::StreamEnd, _) => return Ok(None),
                (Event::StreamStart | Event::DocumentEnd, _) => {}
                (Event::DocumentStart(..), _) => break,
                (_, span) => return error(span, "a document is expected here"),
            }
        }
        // Anchors are of their document.
        self.anchors.clear();
        let root = match self.next()? {
            (Event::StreamEnd | Event::DocumentEnd, span) => Node::null(span.start.line()),
            (event, span) => self.node(event, span, 0)?.0,
        };
        Ok(Some(Document { root, repeated: std::mem::take(&mut self.repeated) }))
    }

    fn next(&mut self) -> Read<(Event<'a>, Span)> {
        match self.events.next() {
            Some(Ok(next)) => Ok(next),
            Some(Err(e)) => {
                let (line, column) = (e.marker().line(), Some(e.marker().col() + 1));
                Err(SyntaxError { line, column, message: e.info() })
            }
            None => {
                let message = "the file ends too early".to_owned();
                Err(SyntaxError { line: 1, column: None, message })
            }
        }
    }

    fn node(&mut self, event: Event<'a>, span: Span, depth: usize) -> Read<(Node, Size)> {
        self.nodes += 1;
        if depth > DEPTH_MAX || self.nodes > self.nodes_max {
            return error(span, "nested too deeply, or too large");
        }
        let line = span.start.line();
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let plain = style == ScalarStyle::Plain;
                if style == ScalarStyle::DoubleQuoted && has_escaped_slash(span.slice(self.text)) {
                    return error(span, "unknown escape character: \\/ is JSON");
                }
                let kind = scalar::resolve(tag.map(|t| short(&t)).as_deref(), plain, &text);
                let kind = kind.or_else(|message| error(span, message))?;
                Ok(self.anchored(anchor, Node { line, kind }, Size { nodes: 1, levels: 0 }))
            }
            Event::SequenceStart(_, anchor, _) => {
                let (nodes, size) = self.sequence(depth)?;
                Ok(self.anchored(anchor, Node { line, kind: Kind::List(nodes) }, size))
            }
            Event::MappingStart(_, anchor, _) => {
                let (entries, size) = self.mapping(depth)?;
                Ok(self.anchored(anchor, Node { line, kind: Kind::Map(entries) }, size))
            }
            Event::Alias(id) => match self.anchors.get(&id).cloned() {
                Some((node, size)) => {
                    self.nodes += size.nodes;
                    if depth + size.levels > DEPTH_MAX || self.nodes > self.nodes_max {
                        return error(span, "aliases make this nested too deeply, or too large");
                    }
                    Ok((node, size))
                }
                None => error(span, "an anchor's value contains itself"),
            },
            _ => error(span, "unexpected end of a collection"),
        }
    }

    fn anchored(&mut self, anchor: usize, node: Node, size: Size) -> (Node, Size) {
        if anchor != 0 {
            self.anchors.insert(anchor, (node.clone(), size));
        }
        (node, size)
    }

    fn sequence(&mut self, depth: usize) -> Read<(Vec<Node>, Size)> {
        let (mut nodes, mut size) = (Vec::new(), Size { nodes: 1, levels: 0 });
        loop {
            let (event, span) = self.next()?;
            if event == Event::SequenceEnd {
                return Ok((nodes, size));
            }
            let end = self.path.len();
            self.path.push_str(&format!("[{}]", nodes.len()));
            let (node, inner) = self.node(event, span, depth + 1)?;
            self.path.truncate(end);
            size.include(inner);
            nodes.push(node);
        }
    }

    fn mapping(&mut self, depth: usize) -> Read<(Vec<Entry>, Size)> {
        let (mut entries, mut size) = (Vec::new(), Size { nodes: 1, levels: 0 });
        loop {
            let (event, span) = self.next()?;
            if event == Event::MappingEnd {
                return Ok((entries, size));
            }
            let merges = is_merge(&event);
            let (key, _) = self.node(event, span, depth + 1)?;
            let end = self.path.len();
            if !merges {
                let key = scalar::key(&key.kind).or_else(|message| error(span, message))?;
                push_key(&mut self.path, &key);
                let (value, inner) = self.value(depth)?;
                size.include(inner);
                let line = span.start.line();
                self.insert(&mut entries, Entry { key, line, value });
                self.path.truncate(end);
                continue;
            }
            let (value, inner) = self.value(depth)?;
            size.include(inner);
            for entry in merged(value).or_else(|message| error(span, message))? {
                push_key(&mut self.path, &entry.key);
                self.insert(&mut entries, Entry { line: span.start.line(), ..entry });
                self.path.truncate(end);
            }
        }
    }

    fn value(&mut self, depth: usize) -> Read<(Node, Size)> {
        let (event, span) = self.next()?;
        self.node(event, span, depth + 1)
    }

    /// Adds an entry, or notes that its key is there already. kube-scheduler reads strictly: a key
    /// that a merge brings in counts as written out.
    fn insert(&mut self, entries: &mut Vec<Entry>, entry: Entry) {
        if entries.iter().any(|e| e.key == entry.key) {
            self.repeated.push((self.path.clone(), entry.line));
        } else {
            entries.push(entry);
        }
    }
}

impl Size {
    fn include(&mut self, inner: Self) {
        self.nodes += inner.nodes;
        self.levels = self.levels.max(inner.levels + 1);
    }
}

/// Whether a quoted text has the escape `\/`, which came with YAML 1.2.
fn has_escaped_slash(source: Option<&str>) -> bool {
    let mut escaped = false;
    source.unwrap_or_default().bytes().any(|b| {
        let found = escaped && b == b'/';
        escaped = b == b'\\' && !escaped;
        found
    })
}

/// Appends a key to a path, in brackets where it would not read as a field.
pub(super) fn push_key(path: &mut String, key: &str) {
    let is_field = !key.is_empty() && key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    if !is_field {
        path.push_str(&format!("[{key}]"));
        return;
    }
    if !path.is_empty() {
        path.push('.');
    }
    path.push_str(key);
}

fn is_merge(event: &Event<'_>) -> bool {
    match event {
        Event::Scalar(text, style, _, tag) => {
            let tag = tag.as_ref().map(|t| short(t));
            text == "<<"
                && (tag.as_deref() == Some("!!merge")
                    || (tag.is_none() && *style == ScalarStyle::Plain))
        }
        _ => false,
    }
}

/// The entries that a merge brings in: of later mappings first, as go-yaml goes.
fn merged(value: Node) -> Result<Vec<Entry>, String> {
    let wrong = || "a merge (<<) needs a mapping, or a list of mappings".to_owned();
    match value.kind {
        Kind::Map(entries) => Ok(entries),
        Kind::List(nodes) => {
            let mut all = Vec::new();
            for node in nodes.into_iter().rev() {
                match node.kind {
                    Kind::Map(entries) => all.extend(entries),
                    _ => return Err(wrong()),
                }
            }
            Ok(all)
        }
        _ => Err(wrong()),
    }
}

/// `!!int` for `tag:yaml.org,2002:int`.
fn short(tag: &Tag) -> String {
    let long = format!("{}{}", tag.handle(), tag.suffix());
    match long.strip_prefix("tag:yaml.org,2002:") {
        Some(suffix) => format!("!!{suffix}"),
        None => long,
    }
}
